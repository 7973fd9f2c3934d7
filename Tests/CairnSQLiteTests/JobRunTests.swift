import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Synchronization
import Testing

/// Cursor jobs over a scripted API, into a real file.
@Suite struct JobRunTests: ScriptedJobTests {
  let place: ScriptedPlace

  init() throws { place = try ScriptedPlace() }

  private func checkpoint() async throws -> JobCheckpoint {
    let choice = CheckpointChoice.choose(
      try await sink.jobCheckpoints(of: "scripted"),
      for: JobCheckpoint.Owner(
        job: "scripted", type: "scripted", phases: ["discovery", "items", "sweep"]),
      layout: .general)
    return try #require(choice.chosen).checkpoint
  }

  // MARK: Runs

  @Test func `a first run reads everything, the next what changed`() async throws {
    guard case .done(let first) = try await job(small).run() else {
      Issue.record("not done")
      return
    }
    #expect(first.recovery == "fresh_start")
    #expect(first.records == small.items.count)
    #expect(first.requests == small.pages(limit: 5))
    #expect(first.partitionsFinished == 7)
    #expect(first.tables["items"]?.inserted == small.items.count)
    try await target.expect(small)
    let finished = try await checkpoint()
    #expect(finished.isFinished)
    #expect(finished.lastSyncAt == finished.runBegan)

    // Repository 1 is gone, 6 is new, items changed after the first run, others vanished.
    let changed = ScriptedWorld(repos: 6, items: 12, state: 2, now: RunEnvironment.live.now())
    let seen = Mutex<[String: Bool]>([:])
    let second = try await job(changed) { _ in
    } before: { request in
      seen.withLock { $0[request.partition.name] = request.since != nil }
      return nil
    }.run()
    #expect(second.report.recovery == "normal")
    let wholly = seen.withLock { $0.filter { !$0.value }.map(\.key).sorted() }
    // The new one has no time since when, nor has the list of all.
    #expect(wholly == ["org", "org/repo-6"])
    #expect(second.report.records == changed.repos.values.joined().count { $0.changed > 0 })

    // What vanished is there until it is searched for.
    let swept = try await job(changed) {
      $0.deletions = .sweep(everyRuns: 2, interval: nil)
    }.run()
    #expect(swept.report.deleted > 0)
    let rest = ScriptedWorld(repos: 6, items: 12).repos["org/repo-1"] ?? []
    var expected = changed
    // Nobody is asked about a repository that is gone.
    expected.repos["org/repo-1"] = rest
    try await target.expect(expected)
    #expect(try await checkpoint().sweep.runsSince == 0)
    let history = try await facts(.finished)
    #expect(history.count == 3)
  }

  @Test func `several pages of one partition never overlap, several partitions do`() async throws {
    struct Flight {
      var now: [String: Int] = [:]
      var most = 0
      /// A crowd that does not come is not waited for without end; counted from the first that comes.
      var patience: ContinuousClock.Instant?
    }
    let flight = Mutex(Flight())
    let outcome = try await job(small) {
      $0.atOnce = 3
    } before: { request in
      flight.withLock {
        $0.now[request.partition.name, default: 0] += 1
        $0.most = max($0.most, $0.now.count)
        if request.partition.phase == "items", $0.patience == nil {
          $0.patience = .now + .seconds(300)
        }
        #expect($0.now[request.partition.name] == 1)
      }
      // Until as many are under way as may be: how fast the machine is does not matter.
      while request.partition.phase == "items",
        flight.withLock({ $0.most < 3 && .now < $0.patience ?? .now })
      {
        try await Task.sleep(for: .milliseconds(1))
      }
      flight.withLock { $0.now[request.partition.name] = nil }
      return nil
    }.run()
    #expect(outcome.exitCode == 0)
    #expect(flight.withLock { $0.most } == 3)
  }

  // MARK: Stops

  @Test func `a deadline stops a wait at once, and the next attempt goes on`() async throws {
    let until = RunEnvironment.live.now() + 7_200_000_000_000
    let start = ContinuousClock.now
    let outcome = try await job(small).runWaiting(until: until, deadline: .seconds(3_600))
    guard case .stopped(let report, .deadline) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    // It does not even begin to wait for what comes after the deadline.
    #expect(ContinuousClock.now - start < .seconds(3_600))
    #expect(outcome.exitCode == 75)
    #expect(report.records == small.items.count - (small.repos["org/repo-2"]?.count ?? 0))
    #expect(try await schedule().status == .pending)
    let next = try await job(small).run()
    #expect(next.report.recovery == "checkpoint_resume")
    #expect(next.report.isConsistent == true)
    try await target.expect(small)
    #expect(try await facts(.recovered).count == 1)
    #expect(try await facts(.consistent).count == 2)
  }

  @Test(arguments: [false, true]) func `a stop in a wait is at once`(_ byDeadline: Bool)
    async throws
  {
    let stop = StopRequest()
    let waiting = Mutex<[JobProgress]>([])
    let start = ContinuousClock.now
    let job = job(small) { options in
      options.stop = stop
      options.atOnce = 1
      // A wait before the deadline ends when it was shown, and lasts a little.
      options.environment.sleep = { duration in
        guard byDeadline, duration > .seconds(60) else {
          return try await Task.sleep(for: duration)
        }
        while waiting.withLock(\.isEmpty) { try await Task.sleep(for: .milliseconds(1)) }
        try await Task.sleep(for: .milliseconds(150))
      }
    } before: { request in
      if request.partition.name == "org/repo-2", request.cursor == nil {
        let until =
          RunEnvironment.live.now() + (byDeadline ? 1_800_000_000_000 : 7_200_000_000_000)
        request.context.record(RateLimit(remaining: 30, reset: until))
        try await request.context.wait(until: until, for: .rateLimit(remaining: 30))
      }
      return nil
    }
    let outcome = try await job.run(deadline: byDeadline ? .seconds(3_600) : nil) { progress in
      guard let wait = progress.wait else { return }
      waiting.withLock { $0.append(progress) }
      #expect("\(wait)".hasPrefix("waiting for rate limit until "))
      #expect("\(wait)".hasSuffix("Z, 30 calls left"))
      if !byDeadline { stop.raise(.signal("SIGTERM")) }
    }
    #expect(!waiting.withLock { $0 }.isEmpty)
    guard !byDeadline else {
      #expect(outcome.exitCode == 0)
      #expect(outcome.report.waitSeconds > 0.1)
      return
    }
    guard case .stopped(_, .signal("SIGTERM")) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(ContinuousClock.now - start < .seconds(3_600))
    // The wait was saved.
    let saved = try await checkpoint()
    #expect(saved.trigger == "rate_limit_reached")
    #expect(saved.rateLimit?.remaining == 30)
    #expect(try await facts(.stopped).first?.detail == "received SIGTERM")
  }

  @Test func `a cancelled task stops`() async throws {
    let (began, begin) = AsyncStream<Never>.makeStream()
    let job = job(small) { _ in
    } before: { request in
      guard request.partition.phase == "items" else { return nil }
      begin.finish()
      try await Task.sleep(for: .seconds(3600))
      return nil
    }
    let task = Task { try await job.run() }
    for await _ in began {}
    task.cancel()
    guard case .stopped(_, .cancelled) = try await task.value else {
      Issue.record("not stopped")
      return
    }
    #expect(try await schedule().status == .pending)
  }

  // MARK: Partitions that go wrong

  @Test func `one that vanished is passed over, and read again from where it was`() async throws {
    let since = Mutex<Int64?>(0)
    _ = try await job(small).run()
    let outcome = try await job(small) { _ in
    } before: { request in
      request.partition.name == "org/repo-2" ? Page(next: .passedOver(reason: "404")) : nil
    }.run()
    guard case .partial(let report) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(outcome.exitCode == 2)
    #expect(report.passedOver.map(\.name) == ["org/repo-2"])
    #expect(try await facts(.passedOver).first?.detail == "org/repo-2: 404")
    let passed = try await checkpoint()
    let first = passed.exceptions[Partition(phase: "items", name: "org/repo-2")]
    _ = try await job(small) { _ in
    } before: { request in
      if request.partition.name == "org/repo-2" { since.withLock { $0 = request.since } }
      return nil
    }.run()
    #expect(since.withLock { $0 } == first)
    #expect(since.withLock { $0 } ?? .max < passed.lastSyncAt ?? 0)
  }

  @Test func `one that was renamed goes on under its name`() async throws {
    var world = small
    world.repos["org/renamed"] = world.repos["org/repo-2"]
    let renamed = world
    let asked = Mutex<[String]>([])
    let outcome = try await job(renamed) { _ in
    } before: { request in
      guard request.partition.phase == "items" else {
        return request.cursor == nil
          ? Page(
            next: .finished,
            discovered: ["org/repo-2", "org/repo-4"].map {
              Partition(phase: "items", name: $0)
            }) : nil
      }
      asked.withLock { $0.append("\(request.partition.name) \(request.cursor ?? "-")") }
      if request.partition.name == "org/repo-2", request.cursor != nil {
        return Page(next: .renamed(to: "org/renamed", cursor: request.cursor))
      }
      return nil
    }.run()
    #expect(outcome.exitCode == 0)
    #expect(outcome.report.totalRecords == 14 + 16)
    let pages = asked.withLock { $0.filter { $0.contains("renamed") } }
    #expect(pages == ["org/renamed 20004", "org/renamed 20009"])
    #expect(try await checkpoint().queue["items", "org/renamed"]?.state == .finished)
    #expect(try await checkpoint().queue["items", "org/repo-2"] == nil)
  }

  @Test func `a cursor that is refused begins its partition anew`() async throws {
    let refused = Mutex(0)
    let outcome = try await job(small) { _ in
    } before: { request in
      guard request.partition.name == "org/repo-2", request.cursor == "20009",
        refused.withLock({
          $0 += 1; return $0
        }) == 1
      else { return nil }
      throw CursorSourceError.cursorRefused("INVALID_CURSOR_ARGUMENTS")
    }.run()
    #expect(outcome.exitCode == 0)
    #expect(outcome.report.notes.first?.contains("its cursor was refused") == true)
    try await target.expect(small)
  }

  @Test func `one that fails for now lets the others go on, and is read by the next attempt`()
    async throws
  {
    let outcome = try await job(small) { _ in
    } before: { request in
      guard request.partition.name == "org/repo-2" else { return nil }
      throw CursorSourceError.transient("502 Bad Gateway")
    }.run()
    guard case .stopped(let report, .sourceAway(let error)) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(error.contains("502 Bad Gateway"))
    #expect(report.failed.map(\.name) == ["org/repo-2"])
    #expect(report.records == small.items.count - 14)
    let failed = try await schedule()
    #expect(failed.status == .failed)
    #expect(failed.retryCount == 1)
    let saved = try await checkpoint()
    #expect(saved.trigger == "error_occurrence")
    #expect(saved.error?.failurePoint == "items of org/repo-2")
    #expect(saved.error?.isRecoverable == true)
    let plan = try await job(small).plan()
    #expect(plan.plan.basis == .checkpoint)
    guard case .retryWithBackoff(let wait) = plan.plan.kind else {
      Issue.record("\(plan.plan)")
      return
    }
    #expect(wait > .zero && wait <= .seconds(30))
    let next = try await job(small).run()
    #expect(next.exitCode == 0)
    #expect(next.report.requests == 3)
    try await target.expect(small)
    #expect(try await schedule().retryCount == 0)
    #expect(try await checkpoint().error == nil)
  }

  @Test func `a job that is reset while it waits for its next try reads everything again`()
    async throws
  {
    _ = try await job(small) {
      $0.atOnce = 1
    } before: { request in
      guard request.partition.name == "org/repo-2" else { return nil }
      throw CursorSourceError.transient("502 Bad Gateway")
    }.run()
    let folder = folder
    let waits = Mutex(0)
    let next = try await job(small) { [sink] options in
      options.skipsBackoff = false
      options.environment.sleep = { _ in
        guard
          waits.withLock({
            $0 += 1; return $0
          }) == 1
        else { return }
        // Somebody empties the tables, and wants them to be filled anew.
        _ = try await sink.change(.reset, of: "scripted")
        try await SQLiteProbe(path: folder.file("target.db")).execute(
          "DELETE FROM items; DELETE FROM notes")
      }
    }.run()
    #expect(waits.withLock { $0 } >= 1)
    #expect(next.exitCode == 0)
    #expect(next.report.recovery == "fresh_start")
    #expect(next.report.records == small.items.count)
    try await target.expect(small)
    #expect(try await facts(.crashed).isEmpty)
    #expect(try await facts(.started).count == 2)
  }

  @Test func `several that fail in a row stop the job`() async throws {
    let outcome = try await job(small) {
      $0.atOnce = 1
    } before: { request in
      guard request.partition.phase == "items" else { return nil }
      throw CursorSourceError.transient("no route to host")
    }.run()
    guard case .stopped(let report, .sourceAway) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(report.failed.count == 3)
    #expect(try await facts(.recoveryFailed).isEmpty)
    // The next attempt was to go on, and came to nothing.
    _ = try await job(small) {
      $0.atOnce = 1
    } before: { _ in
      throw CursorSourceError.transient("no route to host")
    }.run()
    #expect(try await facts(.recoveryFailed).count == 1)
  }

  @Test func `a fatal error fails the job, and names what to do`() async throws {
    await #expect(throws: CursorSourceError.self) {
      try await job(small) {
        $0.atOnce = 1
      } before: { request in
        guard request.partition.name == "org/repo-2" else { return nil }
        throw CursorSourceError.fatal("401 Bad credentials", remedy: "Renew the token")
      }.run()
    }
    let failed = try await schedule()
    #expect(failed.status == .failed)
    #expect(failed.error == "401 Bad credentials\nRenew the token")
    #expect(try await checkpoint().error?.isRecoverable == false)
    let next = try await job(small).run()
    #expect(next.exitCode == 0)
    try await target.expect(small)
  }

  @Test func `pages that make no sense are refused`() async throws {
    for page in [
      Page(next: .after("")), Page(next: .finished, discovered: [Partition(phase: "x", name: "y")]),
      Page(
        rows: [TableRows(table: "item", batch: try RecordBatch(rows: Array(small.items)))],
        next: .finished),
    ] {
      await #expect(throws: CursorJobError.self) {
        try await job(small) { _ in
        } before: { _ in
          page
        }.run()
      }
    }
  }

  // MARK: Fields

  @Test(arguments: FieldEvolution.allCases) func `new fields`(_ fields: FieldEvolution) async throws
  {
    struct Wider: Codable {
      var id: Int64
      var repo: String
      var colour: String
    }
    let job = job(small) {
      $0.fields = fields
    } before: { request in
      guard request.partition.phase == "items" else { return nil }
      let rows = [Wider(id: 1, repo: request.partition.name, colour: "blue")]
      return Page(
        rows: [TableRows(table: "items", batch: try RecordBatch(rows: rows))], next: .finished)
    }
    let probe = SQLiteProbe(path: folder.file("target.db"))
    switch fields {
    case .freeze:
      let error = await #expect(throws: CursorJobError.self) { try await job.run() }
      #expect("\(try #require(error))".contains("no column for the field 'colour'"))
    case .evolve:
      #expect(try await job.run().exitCode == 0)
      #expect(
        try await probe.literals("SELECT id, colour FROM items") == [
          ["1", SQLiteProbe.literal("blue")]
        ])
    case .ignore:
      #expect(try await job.run().exitCode == 0)
      #expect(try await probe.literals("SELECT id FROM items") == [["1"]])
      await #expect(throws: (any Error).self) {
        try await probe.literals("SELECT \"items\".colour FROM items")
      }
    }
  }

  @Test func `what a page notices is told, once`() async throws {
    let world = small
    let outcome = try await job(small) { _ in
    } before: { request in
      guard request.partition.phase == "discovery" else { return nil }
      var page = try await ScriptedSource(world).page(request)
      page.notices = ["2 repositories of org are forbidden"]
      return page
    }.run()
    // Two pages say it.
    #expect(outcome.report.notes == ["2 repositories of org are forbidden"])
    #expect(outcome.exitCode == 0)
  }

  /// What an API or a source says goes into the checkpoint; it must be one that can be read again.
  @Test func `limits that make no sense are no obstacle`() async throws {
    let outcome = try await job(small) { _ in
    } before: { request in
      request.context.record(RateLimit(remaining: -1, reset: .max))
      request.context.recordClock(.min)
      try await request.context.wait(until: .min, for: .retryAfter)
      if request.partition.name == "org/repo-4" {
        throw CursorSourceError.transient("away")
      }
      return nil
    }.run()
    #expect(outcome.exitCode == 75)
    let saved = try await checkpoint()
    #expect(saved.rateLimit?.remaining == 0)
    #expect(try await job(small).run().report.recovery == "retry_with_backoff")
    try await target.expect(small)
  }

  @Test(arguments: ["", "a\u{7F}b", String(repeating: "x", count: 20_000)])
  func `a cursor that no checkpoint can hold is refused`(_ cursor: String) async throws {
    let error = await #expect(throws: CursorJobError.self) {
      try await job(small) { _ in
      } before: { request in
        request.partition.name == "org/repo-2" ? Page(next: .after(cursor)) : nil
      }.run()
    }
    #expect("\(try #require(error))".contains("its cursor"))
    // What was committed before is gone on from.
    #expect(try await job(small).run().report.recovery == "retry_with_backoff")
    try await target.expect(small)
  }

  // MARK: Checkpoints that are not well

  private func change(_ sql: String) async throws {
    try await SQLiteProbe(path: folder.file("target.db")).execute(sql)
  }

  private static let newest =
    "WHERE job_name = 'scripted' AND generation = (SELECT max(generation) FROM cairn_job_checkpoints)"

  @Test func `a damaged generation falls back on the one before, and says so`() async throws {
    try await interrupt()
    try await change(
      "UPDATE cairn_job_checkpoints SET data = data || ' ' \(Self.newest)")
    let outcome = try await job(small).run()
    #expect(outcome.exitCode == 0)
    #expect(outcome.report.notes.first?.contains("it is damaged") == true)
    #expect(try await facts(.corruptCheckpoint).count == 1)
    try await target.expect(small)
    let health = try await JobHealth.of(sink, within: .seconds(3600))
    #expect(!health.isWell)
    #expect(health.measures.last?.value == 1)
  }

  @Test func `none valid is an error with the next command, never a silent start`() async throws {
    try await interrupt()
    try await change("UPDATE cairn_job_checkpoints SET data = '{}'")
    let error = await #expect(throws: CursorJobError.self) { try await job(small).run() }
    #expect("\(try #require(error))".contains("cairn job reset scripted"))
    #expect(try await facts(.corruptCheckpoint).count == 3)
    _ = try await sink.change(.reset, of: "scripted")
    let outcome = try await job(small).run()
    #expect(outcome.report.recovery == "fresh_start")
    try await target.expect(small)
  }

  @Test func `complete restart begins anew, and keeps the checkpoint for reference`() async throws {
    try await interrupt()
    let before = try await checkpoint()
    let requests = Mutex(0)
    let reference = Mutex<JobCheckpoint.Reference?>(nil)
    let sink = sink
    let outcome = try await job(small) {
      $0.recovery = .restart
    } before: { request in
      let first = requests.withLock {
        $0 += 1; return $0
      }
      guard first == 4, let newest = try await sink.jobCheckpoints(of: "scripted").first else {
        return nil
      }
      let read = try JobCheckpoint.decode(
        newest.data, digest: newest.digest,
        for: .init(job: "scripted", type: "scripted", phases: []), run: newest.run,
        layout: .general)
      reference.withLock { $0 = read.reference }
      return nil
    }.run()
    #expect(outcome.report.requests == small.pages(limit: 5))
    #expect(outcome.report.run != before.run)
    #expect(reference.withLock { $0 }?.total == before.total)
    #expect(reference.withLock { $0 }?.run == before.run.description)
    try await target.expect(small)
  }

  @Test func `another scope reads everything`() async throws {
    _ = try await job(small).run()
    var other = job(small)
    var source = ScriptedSource(small)
    source.scope = "all, and more"
    other.source = source
    let outcome = try await other.run()
    #expect(outcome.report.recovery == "fresh_start")
    #expect(outcome.report.requests == small.pages(limit: 5))
  }

  @Test func `rows that are lost are noticed after a recovery`() async throws {
    try await interrupt()
    // Of notes a page may have deleted any number; items only grow. Of none left all is read anew.
    try await change("DELETE FROM items WHERE id % 2 = 0")
    let outcome = try await job(small).run()
    #expect(outcome.report.isConsistent == false)
    #expect(try await facts(.inconsistent).count == 1)
    let metrics = JobMetrics.of(try await sink.jobHistory(JobHistoryFilter()))
    #expect(metrics.dataConsistencyRate == 0.5)
    #expect((metrics.averageCheckpointSize ?? 0) > 500)
  }

  // MARK: Standing

  @Test func `a paused job does not run`() async throws {
    _ = try await job(small).run()
    _ = try await sink.change(.pause, of: "scripted")
    let error = await #expect(throws: CursorJobError.self) { try await job(small).run() }
    #expect("\(try #require(error))".contains("cairn job unpause scripted"))
    _ = try await sink.change(.unpause, of: "scripted")
    #expect(try await job(small).run().exitCode == 0)
  }

  @Test func `one owner works on a job`() async throws {
    let (began, begin) = AsyncStream<Never>.makeStream()
    let (refused, refuse) = AsyncStream<Never>.makeStream()
    let first = job(small) {
      $0.atOnce = 1
    } before: { request in
      begin.finish()
      // Its first page comes when the other one was refused.
      if request.partition.phase == "discovery" { for await _ in refused {} }
      return nil
    }
    async let outcome = first.run()
    for await _ in began {}
    let error = await #expect(throws: CursorJobError.self) { try await job(small).run() }
    refuse.finish()
    #expect(try #require(error).exitCode == 69)
    #expect(try await outcome.exitCode == 0)
  }

  @Test func `what happens is in the log of events`() async throws {
    let log = EventLog(LogDestination(files: LogFiles(folder: folder.file("logs"))))
    let outcome = try await job(small) { $0.events = log }.run()
    await log.flush()
    let run = try #require(outcome.report.run).description
    let events = try #require(log.history).recent(pipelineID: run)
    var counts: [String: Int] = [:]
    for event in events { counts[event.type.rawValue, default: 0] += 1 }
    #expect(counts["pipeline_start"] == 1)
    #expect(counts["pipeline_complete"] == 1)
    #expect(counts["batch_committed"] == small.pages(limit: 5))
    #expect(counts["stage_start"] == 2)
    #expect(counts["stage_complete"] == 2)
    // Each partition is a boundary, and so is the end.
    #expect(counts["checkpoint_saved"] == 8)
  }
}

extension JobRunTests {
  /// Each figure of cursor jobs, by a course that moves all of them.
  @Test func `every figure of cursor jobs is told`() async throws {
    let figures = PrometheusMetrics()
    let world = small
    func attempt(_ before: @escaping @Sendable (PageRequest) async throws -> Page?) async throws {
      _ = try await job(world, { $0.metrics = figures }, before: before).run()
    }
    let waited = RunEnvironment.live.now() + 50_000_000
    try await attempt { request in
      request.context.record(RateLimit(remaining: 30, reset: waited))
      if request.partition.name == "org/repo-2" {
        let soon = RunEnvironment.live.now() + 50_000_000
        try await request.context.wait(until: soon, for: .retryAfter)
      }
      if request.partition.name == "org/repo-4" { throw CursorSourceError.transient("away") }
      return request.partition.name == "org/repo-1" ? Page(next: .passedOver(reason: "404")) : nil
    }
    try await change("UPDATE cairn_job_checkpoints SET data = data || ' ' \(Self.newest)")
    try await change("DELETE FROM items WHERE id % 2 = 0")
    try await attempt { _ in nil }
    let path = folder.file("cairn.prom")
    try await PrometheusFile(path: path, metrics: figures).write()
    let text = try String(contentsOfFile: path, encoding: .utf8)
    func value(_ figure: String) -> Double? {
      text.split(separator: "\n").first { $0.hasPrefix(figure) }
        .flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
    }
    let named = "job=\"scripted\""
    #expect(value("cairn_job_records_total{\(named)}") == Double(small.items.count - 13))
    #expect(value("cairn_job_requests_total{\(named)}") ?? 0 > 10)
    #expect(value("cairn_job_partitions_total{\(named),fate=\"failed\"}") == 1)
    #expect(value("cairn_job_partitions_total{\(named),fate=\"passed_over\"}") == 1)
    #expect(value("cairn_job_partitions_total{\(named),fate=\"finished\"}") ?? 0 > 4)
    #expect(value("cairn_job_rate_limit_remaining{\(named)}") == 30)
    #expect(value("cairn_job_wait_seconds_count{\(named)}") ?? 0 > 0)
    #expect(value("cairn_job_checks_total{\(named),outcome=\"inconsistent\"}") == 1)
    #expect(value("cairn_job_checks_total{\(named),outcome=\"consistent\"}") == 1)
    #expect(value("cairn_job_recovery_failures_total{\(named)}") == 1)
    #expect(value("cairn_job_invalid_checkpoints_total{\(named),kind=\"corrupt\"}") == 1)
    #expect(value("cairn_job_checkpoint_size_bytes{\(named)}") ?? 0 > 500)
    for metric in CairnMetric.all where metric.name.hasPrefix("cairn_job_") {
      #expect(text.contains("\n\(metric.name)"), "\(metric.name)")
    }
  }
}

extension CursorJob {
  /// Runs it; repository 2 waits.
  fileprivate func runWaiting(until: Int64, deadline: Duration) async throws -> CursorJobOutcome {
    var job = self
    guard let source = source as? ScriptedSource else { return try await run() }
    job.source = ScriptedSource(source.world) { request in
      if request.partition.name == "org/repo-2" {
        try await request.context.wait(until: until, for: .rateLimit(remaining: 0))
      }
      return nil
    }
    return try await job.run(deadline: deadline)
  }
}
