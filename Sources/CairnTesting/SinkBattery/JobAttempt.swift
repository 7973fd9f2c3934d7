internal import Cairn

/// The tables of an API that exists only in the battery: pull requests with reviews, and comments on
/// these.
enum ScriptedRecords {
  static let pulls = RecordTable(
    "pulls",
    columns: [
      TargetColumn(name: "repository", type: .text, isRequired: true),
      TargetColumn(name: "number", type: .bigint, isRequired: true),
      TargetColumn(name: "title", type: .text, isRequired: false),
      TargetColumn(name: "updated_at", type: .timestamptz, isRequired: false),
    ], key: ["repository", "number"], version: "updated_at")
  static let reviews = RecordTable(
    "reviews",
    columns: [
      TargetColumn(name: "id", type: .text, isRequired: true),
      TargetColumn(name: "pull", type: .bigint, isRequired: false),
      TargetColumn(name: "repository", type: .text, isRequired: false),
      TargetColumn(name: "state", type: .text, isRequired: false),
    ], key: ["id"],
    parent: RecordTable.Parent(
      table: "pulls", columns: ["repository": "repository", "number": "pull"]))
  static let comments = RecordTable(
    "comments",
    columns: [
      TargetColumn(name: "id", type: .integer, isRequired: true),
      TargetColumn(name: "review", type: .text, isRequired: false),
    ], key: ["id"],
    parent: RecordTable.Parent(table: "reviews", columns: ["id": "review"]))

  static let all = [pulls, reviews, comments].map { (table: $0, name: "api_\($0.name)") }

  static func name(_ table: RecordTable) -> String { "api_\(table.name)" }

  /// A table as a target, for the probe.
  static func target(_ table: RecordTable) -> TargetTable {
    TargetTable(name: name(table), columns: table.columns, key: table.key, mode: .upsert)
  }

  static func pull(
    _ number: Int64, _ title: String? = nil, at version: Int64? = nil, of repository: String = "a"
  ) -> [CellValue] {
    [
      .text(repository), .integer(number), title.map(CellValue.text) ?? .null,
      version.map { .timestamp($0 * 1_000_000) } ?? .null,
    ]
  }

  static func review(
    _ id: String, _ pull: Int64, _ state: String? = nil, of repository: String = "a"
  ) -> [CellValue] {
    [.text(id), .integer(pull), .text(repository), state.map(CellValue.text) ?? .null]
  }

  static func comment(_ id: Int64, _ review: String) -> [CellValue] {
    [.integer(id), .text(review)]
  }

  /// Rows for a page.
  static func rows(
    _ table: RecordTable, _ rows: [[CellValue]], columns: [String]? = nil
  ) throws -> JobWork.Rows {
    let declared = columns.map { names in
      names.compactMap { name in table.columns.first { $0.name == name } }
    }
    return JobWork.Rows(
      table: table, name: name(table),
      batch: try RecordBatch(columns: declared ?? table.columns, rows: rows))
  }

  /// Says that a page has all reviews of some pull requests, or all comments on some reviews.
  static func all(
    _ table: RecordTable, by column: String, of parents: [CellValue]
  ) throws -> (table: RecordTable, name: String, of: ReplacedChildren) {
    let parent = table.columns.filter { $0.name == column }
    return (
      table, name(table),
      ReplacedChildren(
        table: table.name, parent: column,
        values: try RecordBatch(columns: parent, rows: parents.map { [$0] }))
    )
  }

  /// Says which pull requests of a repository there are in a stretch.
  static func sweep(
    after: Int64?, through: Int64?, present: [Int64], of repository: String = "a"
  ) -> (tables: [(table: RecordTable, name: String)], sweep: KeySweep) {
    (
      all,
      KeySweep(
        table: "pulls", scope: ["repository": repository], column: "number", after: after,
        through: through, present: present)
    )
  }

  /// Throws unless a table holds just these rows.
  static func expectRows(
    _ table: RecordTable, _ expected: [[CellValue]], at place: SinkPlace,
    _ subject: @autoclosure () -> String = "rows"
  ) async throws {
    try await Scripted.expectRows(
      target(table), expected, at: place, "\(subject()) of \(table.name)")
  }
}

/// An attempt at a job.
struct JobAttempt: Sendable {
  var sink: any CursorJobSink
  var name: String
  var lease: Lease
  var job: JobSchedule
  /// The generation that was committed last.
  var generation: Int

  static func sink(_ place: SinkPlace) async throws -> any CursorJobSink {
    let sink = try await place.makeSink()
    guard let sink = sink as? any CursorJobSink else {
      throw BatteryFailure("the sink", expected: "a CursorJobSink", found: "\(type(of: sink))")
    }
    return sink
  }

  static func new(_ name: String = "sync", interval: Duration? = nil) -> NewJob {
    NewJob(name: name, type: "scripted", scopeDigest: "scope", interval: interval)
  }

  static func run(_ number: Int) throws -> SyncID {
    try Scripted.newRun(number, Scripted.target()).syncID
  }

  /// Prepares state and tables, and begins a run of a job.
  static func begin(
    _ number: Int = 1, at place: SinkPlace, job: NewJob = new(),
    owner: LeaseOwner = Scripted.owner, duration: Duration = .seconds(600),
    preparing: Bool = true
  ) async throws -> JobAttempt {
    let sink = try await sink(place)
    try await sink.prepareState()
    if preparing {
      for (table, name) in ScriptedRecords.all {
        _ = try await sink.prepareRecordTable(table, named: name, evolution: .freeze)
      }
    }
    _ = try await sink.registerJob(job)
    return try await acquire(
      job.name, run: run(number), on: sink, owner: owner, duration: duration)
  }

  /// Takes a job's lease, looking again while its owner goes on.
  static func acquire(
    _ name: String = "sync", run: SyncID?, on sink: any CursorJobSink,
    owner: LeaseOwner = Scripted.owner, duration: Duration = .seconds(600),
    takeOver: Bool = false
  ) async throws -> JobAttempt {
    for _ in 0..<3 {
      let request = try await request(
        name, run: run, on: sink, owner: owner, duration: duration, takeOver: takeOver)
      if let attempt = try await acquire(request, on: sink) { return attempt }
    }
    throw BatteryFailure(
      "the job's lease", expected: "acquired", found: "changed, although its owner was fenced")
  }

  /// Takes a job's lease.
  ///
  /// - Returns: Nil when the job is not as the request says.
  static func acquire(
    _ request: JobLeaseRequest, on sink: any CursorJobSink
  ) async throws -> JobAttempt? {
    switch try await sink.acquireJob(request) {
    case .acquired(let lease, let job):
      return JobAttempt(
        sink: sink, name: request.job, lease: lease, job: job, generation: job.generation)
    case .changed: return nil
    case let outcome:
      throw BatteryFailure("the job's lease", expected: "acquired", found: "\(outcome)")
    }
  }

  /// Looks at a job, to take its lease then.
  static func request(
    _ name: String = "sync", run: SyncID?, on sink: any CursorJobSink,
    owner: LeaseOwner = Scripted.owner, duration: Duration = .seconds(600),
    takeOver: Bool = false
  ) async throws -> JobLeaseRequest {
    let job = try await sink.jobs(named: [name]).first
    let standing = try await sink.jobCheckpoints(of: name).first { !$0.isAside }
    return JobLeaseRequest(
      job: name, run: run, witness: JobWitness(job, standing: standing?.generation),
      owner: owner, duration: duration, takeOver: takeOver)
  }

  static func checkpoint(
    _ generation: Int, _ data: String? = nil, facts: [JobFact] = []
  ) -> NewJobCheckpoint {
    let data = data ?? "{\"page\": \(generation)}"
    return NewJobCheckpoint(
      generation: generation, data: data, digest: "digest of \(data)", facts: facts)
  }

  /// Commits a page.
  @discardableResult
  mutating func commit(
    _ work: JobWork, data: String? = nil, facts: [JobFact] = []
  ) async throws -> JobCommitOutcome {
    let outcome = try await sink.stage(work).commit(
      Self.checkpoint(generation + 1, data, facts: facts), under: lease)
    if case .committed = outcome { generation += 1 }
    return outcome
  }

  /// Commits a page of rows, and says what became of them.
  @discardableResult
  mutating func commit(
    _ rows: JobWork.Rows...
  ) async throws -> [String: RowCounts] {
    let outcome = try await commit(JobWork(rows: rows, tables: ScriptedRecords.all))
    guard case .committed(let counts, _, _) = outcome else {
      throw BatteryFailure("a page", expected: "committed", found: "\(outcome)")
    }
    return counts
  }

  func end(
    _ status: JobStatus, error: String? = nil, nextRunIn: Duration? = nil, generation: Int? = nil,
    facts: [JobFact] = []
  ) async throws {
    try await sink.endJob(
      JobEnd(
        status: status, error: error, nextRunIn: nextRunIn, generation: generation, facts: facts),
      under: lease)
  }

  func schedule() async throws -> JobSchedule {
    guard let job = try await sink.jobs(named: [name]).first else {
      throw BatteryFailure("job '\(name)'", expected: "one", found: "none")
    }
    return job
  }

  func history(_ kinds: JobFact.Kind...) async throws -> [JobFact] {
    try await sink.jobHistory(JobHistoryFilter(job: name, kinds: kinds))
  }
}

extension JobCommitOutcome {
  var isAlreadyCommitted: Bool { if case .alreadyCommitted = self { true } else { false } }
  /// The generation that the sink has, when it is behind.
  var generationBehind: Int? { if case .behind(let found) = self { found } else { nil } }
  /// How many rows were deleted.
  var deleted: Int? { if case .committed(_, let deleted, _) = self { deleted } else { nil } }
}
