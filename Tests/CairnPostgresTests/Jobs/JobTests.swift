import Cairn
import CairnPostgres
import CairnTesting
import CommandParts
import Foundation
import Synchronization
import Testing

@Suite("Cursor jobs in PostgreSQL", .timeLimit(.minutes(20)))
struct JobTests {
  let place: PostgresPlace
  var probe: PostgresProbe { place.probe }

  init() async throws { place = try await TestServer.place() }

  private func issues() async throws -> [[String?]] {
    try await probe.query("SELECT id, title FROM issues ORDER BY id")
  }

  @Test func `rows that are as they were are not written`() async throws {
    let job = try await SimpleJob(on: place.sink())
    try await job.commit(1, SimpleJob.page((1, "one"), (2, "two"), (3, "three")))
    let rows = "SELECT id, xmin, ctid FROM issues ORDER BY id"
    let before = try await probe.query(rows)
    try await job.commit(2, SimpleJob.page((1, "one"), (2, "TWO"), (3, "three")))
    let after = try await probe.query(rows)
    #expect(after[0] == before[0] && after[2] == before[2])
    #expect(after[1] != before[1])
  }

  /// Tables in another schema, or none of their name where the search path leads, have no rows, whatever
  /// the checkpoint says.
  @Test func `another schema is read anew, and so is a table that is gone`() async throws {
    let schemas = ["a", "b"].map { "\(place.stateSchema)_\($0)" }
    for schema in schemas { try await probe.execute("CREATE SCHEMA \(schema)") }
    let world = ScriptedWorld(repos: 3, items: 7)
    func run(_ prefix: String) async throws -> JobReport {
      let job = CursorJob(
        name: "scripted", source: ScriptedSource(world), into: place.sink(), tablePrefix: prefix,
        options: CursorJobOptions(policy: CheckpointPolicy(records: 5)))
      let outcome = try await job.run()
      #expect(outcome.exitCode == 0)
      return outcome.report
    }
    func count(_ table: String) async throws -> [[String?]] {
      try await probe.query("SELECT count(*) FROM \(table)")
    }
    let all = [["\(world.items.count)"]] as [[String?]]
    for schema in schemas {
      let report = try await run(schema + ".")
      #expect(report.recovery == "fresh_start")
      #expect(report.notes.isEmpty == (schema == schemas[0]))
      #expect(try await count("\(schema).items") == all)
      #expect(try await run(schema + ".").recovery == "normal")
    }
    try await probe.execute("DROP TABLE \(schemas[1]).items")
    let dropped = try await run(schemas[1] + ".")
    #expect(dropped.notes.first?.contains("is not there any more") == true)
    #expect(try await count("\(schemas[1]).items") == all)
    try await probe.execute("TRUNCATE \(schemas[1]).items")
    #expect(try await run(schemas[1] + ".").notes.first?.contains("was emptied") == true)
    #expect(try await count("\(schemas[1]).items") == all)
    for schema in schemas { try await probe.execute("DROP SCHEMA \(schema) CASCADE") }
  }

  @Test func `the checkpoint can be looked at as JSON`() async throws {
    let job = try await SimpleJob(on: place.sink())
    try await job.commit(1, SimpleJob.page((1, "one")))
    #expect(
      try await probe.query(
        """
        SELECT checkpoint_data ->> 'phase', checkpoint_data -> 'page',
          pg_typeof(checkpoint_data)::text FROM \(place.stateSchema).job_schedules
        """) == [["issues", "1", "jsonb"]])
  }

  @Test(arguments: [FaultPoint.jobMarked, .jobDeleted, .commitHalfMerged, .jobBefore])
  func `a stopped owner holds nothing that who takes its job over waits for`(
    _ point: FaultPoint
  ) async throws {
    let gate = Gate(at: point)
    let job = try await SimpleJob(
      on: PostgresSink(
        url: place.url, stateSchema: place.stateSchema, faults: gate.faults,
        lockPatience: .seconds(300)))
    let page = try SimpleJob.page((1, "one"))
    let commit = Task { try await job.commit(1, page) }
    try await gate.arrival()
    let start = ContinuousClock.now
    let sink = place.sink()
    try await SimpleJob.prepare(sink)
    let lease = try await SimpleJob.acquire(
      nil, on: sink, owner: LeaseOwner(host: "elsewhere", pid: 2, processStart: "y"),
      takeOver: true)
    let outcome = try await sink.stage(page).commit(SimpleJob.checkpoint(1), under: lease)
    guard case .committed = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(ContinuousClock.now - start < .seconds(150))
    // Woken, it finds its transaction gone, and itself fenced.
    gate.open()
    await #expect {
      try await commit.value
    } throws: { error in
      guard case SinkError.transient = error else { return false }
      return true
    }
    await #expect {
      try await job.commit(1, page)
    } throws: { error in
      guard case SinkError.fenced(let holder) = error else { return false }
      return holder.owner.pid == 2
    }
    #expect(try await issues() == [["1", "one"]])
    #expect(try await sink.jobs(named: []).first?.generation == 1)
  }

  @Test func `a page that commits for longer than its lease loses neither job nor backend`()
    async throws
  {
    let gate = Gate(at: .jobBefore)
    let job = try await SimpleJob(
      on: PostgresSink(url: place.url, stateSchema: place.stateSchema, faults: gate.faults))
    let page = try SimpleJob.page((1, "one"))
    let commit = Task { try await job.commit(1, page) }
    try await gate.arrival()
    defer { gate.open() }
    let expiry =
      "SELECT expires_at > clock_timestamp() + interval '1 hour' FROM "
      + "\(place.stateSchema).leases"
    #expect(try await probe.value(expiry) == "f")
    try await finishes(within: .seconds(10)) {
      try await job.sink.renew(job.lease, duration: .seconds(7_200))
    }
    #expect(try await probe.value(expiry) == "t")
    // Who wants the job meanwhile is told at once that it is in work.
    let other = place.sink()
    try await finishes(within: .seconds(10)) {
      try await SimpleJob.prepare(other)
      try await other.record([JobFact(.corruptCheckpoint)], of: "sync")
      let outcome = try await other.acquireJob(
        SimpleJob.request(
          nil, on: other, owner: LeaseOwner(host: "elsewhere", pid: 2, processStart: "y")))
      guard case .held = outcome else {
        Issue.record("\(outcome)")
        return
      }
      await #expect(throws: SinkError.self) { try await other.change(.reset, of: "sync") }
    }
    gate.open()
    guard case .committed = try await commit.value else {
      Issue.record("not committed")
      return
    }
    #expect(try await issues() == [["1", "one"]])
  }

  @Test func `while keys are counted the lease is renewed`() async throws {
    let job = try await SimpleJob(on: place.sink())
    try await job.commit(1, SimpleJob.page((1, "one"), (2, "two")))
    let other = PostgresProbe(url: place.url)
    try await other.execute("BEGIN")
    try await other.execute("LOCK TABLE issues IN ACCESS EXCLUSIVE MODE")
    let count = Task {
      try await job.sink.keyCheck(of: SimpleJob.issues, named: "issues")
    }
    while try await probe.value(
      "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'issues'::regclass") != "1"
    {
      try await Task.sleep(for: .milliseconds(5))
    }
    try await finishes(within: .seconds(10)) {
      try await job.sink.renew(job.lease, duration: .seconds(60))
    }
    try await other.execute("COMMIT")
    #expect(try await count.value == KeyCheck(rows: 2, duplicates: 0))
  }

  @Test func `a lease whose answer is lost is given again, as the same attempt`() async throws {
    let first = try await SimpleJob(on: place.sink())
    try await first.commit(1, SimpleJob.page((1, "one")))
    try await first.sink.endJob(JobEnd(status: .pending), under: first.lease)
    let proxy = try CuttingProxy(to: await TestServer.shared.port)
    let sink = PostgresSink(url: proxy.redirect(place.url), stateSchema: place.stateSchema)
    let request = try await SimpleJob.request(nil, on: sink)
    proxy.cutAfterCommit()
    await #expect(throws: SinkError.self) { try await sink.acquireJob(request) }
    guard case .acquired(let lease, let schedule) = try await sink.acquireJob(request) else {
      Issue.record("not acquired")
      return
    }
    #expect(proxy.cuts == 1)
    #expect(lease.fence == 2)
    #expect(schedule.attempt == 2)
    #expect(try await sink.jobHistory(JobHistoryFilter(kinds: [.crashed])).isEmpty)
  }

  /// Does something that must not wait for what is open meanwhile.
  private func finishes(
    within limit: Duration, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    let isDone = Mutex(false)
    let task = Task {
      defer { isDone.withLock { $0 = true } }
      try await body()
    }
    let end = ContinuousClock.now + limit
    while !isDone.withLock({ $0 }) {
      guard ContinuousClock.now < end else {
        Issue.record("it waits for a transaction that is open", sourceLocation: sourceLocation)
        return
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    try await task.value
  }

  @Test func `a page whose answer is lost is found by its generation`() async throws {
    let proxy = try CuttingProxy(to: await TestServer.shared.port)
    let job = try await SimpleJob(
      on: PostgresSink(url: proxy.redirect(place.url), stateSchema: place.stateSchema))
    let page = try SimpleJob.page((1, "one"))
    let staged = try await job.sink.stage(page)
    proxy.cutAfterCommit()
    await #expect {
      try await staged.commit(SimpleJob.checkpoint(1), under: job.lease)
    } throws: { error in
      guard case SinkError.transient = error else { return false }
      return true
    }
    let again = try await staged.commit(SimpleJob.checkpoint(1), under: job.lease)
    guard case .alreadyCommitted = again else {
      Issue.record("\(again)")
      return
    }
    proxy.cutAfterCommit()
    let end = JobEnd(status: .finished, generation: 1, facts: [JobFact(.finished)])
    await #expect(throws: SinkError.self) { try await job.sink.endJob(end, under: job.lease) }
    try await job.sink.endJob(end, under: job.lease)
    #expect(proxy.cuts == 2)
    #expect(try await issues() == [["1", "one"]])
    #expect(
      try await job.sink.jobHistory(JobHistoryFilter()).map(\.kind)
        == [.finished, .checkpoint, .started])
  }

  @Test func `others that write a page's keys are waited for`() async throws {
    let job = try await SimpleJob(on: place.sink())
    try await job.commit(1, SimpleJob.page((1, "one")))
    let other = PostgresProbe(url: place.url)
    try await other.execute("BEGIN")
    try await other.execute("UPDATE issues SET title = 'other' WHERE id = 1")
    try await other.execute("INSERT INTO issues VALUES (2, 'other')")
    let page = try SimpleJob.page((1, "ONE"), (2, "two"), (3, "three"))
    let commit = Task { try await job.commit(2, page) }
    try await Task.sleep(for: .milliseconds(200))
    try await other.execute("COMMIT")
    guard case .committed(let written, _, _) = try await commit.value else {
      Issue.record("not committed")
      return
    }
    #expect(written == ["issues": counts(3, inserted: 1, updated: 2)])
    #expect(try await issues() == [["1", "ONE"], ["2", "two"], ["3", "three"]])
    #expect(try await job.sink.jobs(named: []).first?.generation == 2)
  }

  @Test func `pages that a crash of the server takes are missed, and come again`() async throws {
    // Hardly anything reaches the disk by itself before the crash.
    let server = try await PostgresServer(
      isDurable: true, settings: ["synchronous_commit=off", "wal_writer_delay=10s"])
    let probe = PostgresProbe(url: server.url())
    var job = try await SimpleJob(on: PostgresSink(url: server.url()))
    var committed = 0
    var left = 0
    while left == committed, committed < 10 {
      for _ in 0..<2 {
        committed += 1
        try await job.commit(committed, SimpleJob.page((Int64(committed), "page")))
      }
      try await server.crash()
      job = SimpleJob(job.lease, on: PostgresSink(url: server.url()))
      left = try #require(try await job.sink.jobs(named: ["sync"]).first?.generation)
      // Rows and marks are gone together.
      #expect(try await probe.query("SELECT count(*) FROM issues") == [["\(left)"]])
    }
    try #require(left < committed)
    await #expect {
      try await job.sink.endJob(
        JobEnd(status: .finished, generation: committed), under: job.lease)
    } throws: { error in
      guard case SinkError.incomplete = error else { return false }
      return true
    }
    let behind = try await job.commit(committed + 1, SimpleJob.page((99, "late")))
    guard case .behind(left) = behind else {
      Issue.record("\(behind)")
      return
    }
    #expect(
      try await job.sink.jobCheckpoints(of: "sync").first?.generation == (left > 0 ? left : nil))
    for number in left + 1...committed {
      try await job.commit(number, SimpleJob.page((Int64(number), "page")))
    }
    // The end is durable, and all pages with it.
    try await job.sink.endJob(JobEnd(status: .finished, generation: committed), under: job.lease)
    try await server.crash()
    #expect(try await probe.query("SELECT count(*) FROM issues") == [["\(committed)"]])
    let found = try await PostgresSink(url: server.url()).jobs(named: [])
    #expect(found.map(\.status) == [.finished])
    #expect(found.map(\.generation) == [committed])
  }

  @Test func `state of the version before jobs is brought up to date`() async throws {
    try await place.sink().prepareState()
    let state = place.stateSchema
    try await probe.execute(
      """
      DROP TABLE \(state).job_schedules, \(state).job_checkpoints, \(state).job_history;
      ALTER TABLE \(state).sync_metadata DROP COLUMN rows_in_place;
      DROP INDEX \(state).processing_history_completed;
      ALTER TABLE \(state).processing_history DROP COLUMN list_digest, DROP COLUMN table_name,
        DROP COLUMN state_digest, DROP COLUMN state_size, DROP COLUMN state_file,
        DROP COLUMN state;
      DELETE FROM \(state).schema_version WHERE version > 3
      """)
    let sink = place.sink()
    #expect(try await sink.jobs(named: []).isEmpty)
    #expect(try await sink.jobHistory(JobHistoryFilter()).isEmpty)
    try await sink.prepareState()
    #expect(try await probe.value("SELECT max(version) FROM \(state).schema_version") == "6")
    _ = try await SimpleJob(on: sink)
  }
}
