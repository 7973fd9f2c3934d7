internal import Cairn

/// A random history of a job, told by its seed: pages committed, repeated and refused, owners that
/// take over, attempts that end, resets. After each step the sink is compared with ``JobModel``.
struct JobTrace {
  private let seed: UInt64
  private var random: SplitMix
  private var model = JobModel()
  private var attempt: JobAttempt
  private var sinks: [any CursorJobSink]
  private var runs: Int
  private var last: ModelPage?

  /// Begins the history on tables without rows.
  static func begin(seed: UInt64, at place: SinkPlace) async throws -> JobTrace {
    for table in ["api_pulls", "api_reviews", "api_comments"] {
      try await place.probe.execute("DELETE FROM \(table)")
    }
    let first = Int(seed) * 100
    let attempt = try await JobAttempt.begin(
      first, at: place, job: JobAttempt.new("trace_\(seed)"), preparing: false)
    return JobTrace(
      seed: seed, random: SplitMix(seed: seed), attempt: attempt,
      sinks: [attempt.sink, try await JobAttempt.sink(place)], runs: first)
  }

  private init(
    seed: UInt64, random: SplitMix, attempt: JobAttempt, sinks: [any CursorJobSink], runs: Int
  ) {
    self.seed = seed
    self.random = random
    self.attempt = attempt
    self.sinks = sinks
    self.runs = runs
  }

  /// Runs the history.
  mutating func run(at place: SinkPlace) async throws {
    for step in 0..<Int.random(in: 10..<40, using: &random) {
      let done = try await act()
      let subject = "seed \(seed), step \(step), after \(done)"
      for (table, rows) in [
        (ScriptedRecords.pulls, model.pulls), (ScriptedRecords.reviews, model.reviews),
        (ScriptedRecords.comments, model.comments),
      ] {
        try await ScriptedRecords.expectRows(table, Array(rows.values), at: place, subject)
      }
      try await JobChecks.expectCheckpoints(model.kept, aside: model.aside, of: attempt)
      let job = try await attempt.schedule()
      try expect("\(subject): generation", job.generation, is: model.generation)
      try expect("\(subject): attempt", job.attempt, is: model.attempt)
      try expect("\(subject): status", job.status, is: model.status)
      try expect("\(subject): failures in a row", job.retryCount, is: model.retryCount)
      try expect("\(subject): holder", job.holder != nil, is: model.status == .running)
    }
  }

  private mutating func act() async throws -> String {
    guard model.status == .running else { return try await acquire() }
    switch Int.random(in: 0..<16, using: &random) {
    case 0..<9: return try await commit(page())
    case 9: return try await commitAgain()
    case 10: return try await commitAhead()
    case 11: return try await commitRefused()
    case 12, 13: return try await takeOver()
    default: return try await end()
    }
  }

  // MARK: Pages

  private mutating func page() -> ModelPage {
    var page = ModelPage()
    page.isPartial = Int.random(in: 0..<4, using: &random) == 0
    for _ in 0..<Int.random(in: 0..<5, using: &random) {
      page.pulls.append(
        ScriptedRecords.pull(
          number(), ["x", "y", nil].randomElement(using: &random) ?? nil,
          at: [nil, 1, 2, 3].randomElement(using: &random) ?? nil, of: repository()))
    }
    for _ in 0..<Int.random(in: 0..<5, using: &random) {
      page.reviews.append(
        ScriptedRecords.review(
          review(), number(), ["open", nil].randomElement(using: &random) ?? nil,
          of: repository()))
    }
    for _ in 0..<Int.random(in: 0..<5, using: &random) {
      page.comments.append(
        ScriptedRecords.comment(Int64.random(in: 0..<12, using: &random), review()))
    }
    if Int.random(in: 0..<3, using: &random) == 0 { page.whole = [number(), number()] }
    if Int.random(in: 0..<4, using: &random) == 0 {
      page.sweep = KeySweep(
        table: "pulls", scope: ["repository": repository()], column: "number",
        after: [nil, number()].randomElement(using: &random) ?? nil,
        through: [nil, number()].randomElement(using: &random) ?? nil,
        present: (0..<3).map { _ in number() })
    }
    return page
  }

  private mutating func number() -> Int64 { Int64.random(in: 1..<6, using: &random) }
  private mutating func review() -> String { "r\(Int.random(in: 0..<7, using: &random))" }
  private mutating func repository() -> String { Bool.random(using: &random) ? "a" : "b" }

  private mutating func commit(_ page: ModelPage) async throws -> String {
    let done = "seed \(seed), \(page)"
    let outcome = try await attempt.commit(try page.work())
    let expected = model.commit(page)
    guard case .committed(let counts, let deleted, _) = outcome else {
      throw BatteryFailure(done, expected: "committed", found: "\(outcome)")
    }
    try expect("\(done): counts", counts, is: expected.counts)
    try expect("\(done): rows that were deleted", deleted, is: expected.deleted)
    last = page
    return "\(page)"
  }

  /// The answer to the last commit was lost.
  private mutating func commitAgain() async throws -> String {
    guard let last, model.generation == attempt.generation, !model.kept.isEmpty else {
      return "nothing"
    }
    var again = attempt
    again.generation -= 1
    let outcome = try await again.commit(try last.work())
    try expect("seed \(seed), \(last) again", outcome.isAlreadyCommitted, is: true)
    return "the last page again"
  }

  /// Commits that were acknowledged are gone.
  private mutating func commitAhead() async throws -> String {
    var ahead = attempt
    ahead.generation += Int.random(in: 1..<4, using: &random)
    let outcome = try await ahead.commit(try page().work())
    try expect(
      "seed \(seed), what the sink has", outcome.generationBehind, is: model.generation)
    return "a page that is ahead"
  }

  private mutating func commitRefused() async throws -> String {
    var page = page()
    page.reviews.insert(
      [.null, .integer(1), .text("a"), .null],
      at: Int.random(in: 0...page.reviews.count, using: &random))
    let work = try page.work()
    try await expectRefusal("seed \(seed), a row without a key", "fatal") {
      _ = try await attempt.commit(work)
    } _: {
      $0.isFatal
    }
    return "a page that is refused"
  }

  // MARK: Attempts

  private mutating func takeOver() async throws -> String {
    let former = attempt
    let isNew = Bool.random(using: &random)
    if isNew { runs += 1 }
    attempt = try await JobAttempt.acquire(
      attempt.name, run: isNew ? try JobAttempt.run(runs) : nil,
      on: sinks[Int.random(in: 0..<2, using: &random)],
      owner: LeaseOwner(host: "elsewhere", pid: Int32(runs), processStart: "\(former.lease.fence)"),
      takeOver: true)
    model.attempt = isNew ? 1 : model.attempt + 1
    try expect("seed \(seed), generation", attempt.generation, is: model.generation)
    if isNew { last = nil }
    try await JobChecks.expectFenced(former)
    return "taking over\(isNew ? " with a new run" : "")"
  }

  private mutating func end() async throws -> String {
    let status = [JobStatus.finished, .failed, .pending].randomElement(using: &random) ?? .failed
    try await attempt.end(status, error: status == .failed ? "no answer" : nil)
    model.status = status
    switch status {
    case .finished: model.retryCount = 0
    case .failed: model.retryCount += 1
    default: break
    }
    if Bool.random(using: &random) {
      try await JobChecks.expectFenced(attempt, hasEnded: true)
    }
    return "the end as \(status.rawValue)"
  }

  private mutating func acquire() async throws -> String {
    if Int.random(in: 0..<3, using: &random) == 0 {
      _ = try await attempt.sink.change(.reset, of: attempt.name)
      model.reset()
      last = nil
    }
    runs += 1
    let isNew = Bool.random(using: &random)
    attempt = try await JobAttempt.acquire(
      attempt.name, run: isNew ? try JobAttempt.run(runs) : nil,
      on: sinks[Int.random(in: 0..<2, using: &random)])
    if isNew { last = nil }
    model.attempt = isNew ? 1 : model.attempt + 1
    model.status = .running
    return "another attempt"
  }
}

enum JobTraceChecks {
  static let all: [SinkCheck] = [0, 5, 10, 15].map { (first: UInt64) -> SinkCheck in
    let last = first + 4
    return SinkCheck("random histories of jobs \(first)…\(last) end as the model says") { place in
      try await run(first..<first + 5, at: place)
    }
  }

  static func run(_ seeds: Range<UInt64>, at place: SinkPlace) async throws {
    let sink = try await JobAttempt.sink(place)
    try await sink.prepareState()
    for (table, name) in ScriptedRecords.all {
      _ = try await sink.prepareRecordTable(table, named: name, evolution: .freeze)
    }
    for seed in seeds {
      var trace = try await JobTrace.begin(seed: seed, at: place)
      try await trace.run(at: place)
    }
  }
}

extension SinkBattery {
  /// The check of one random history of a job, of the caller's seed, below 100,000.
  public static func jobTrace(seed: UInt64) -> SinkCheck {
    SinkCheck("the random history of a job of seed \(seed) ends as the model says") { place in
      try await JobTraceChecks.run(seed..<seed + 1, at: place)
    }
  }
}
