import Cairn
import CairnSQLite
import CommandParts
import Foundation
import Synchronization
import Testing

/// Cursor jobs whose rows, checkpoints or scope are not what the last run left.
@Suite struct JobAnewTests: ScriptedJobTests {
  let place: ScriptedPlace

  init() throws { place = try ScriptedPlace() }

  /// A run reads everything, says why, and the target has it all.
  private func expectAnew(_ word: String, _ change: (inout CursorJob) -> Void = { _ in })
    async throws
  {
    var job = job(small)
    change(&job)
    let plan = try await job.plan()
    #expect(plan.plan.basis == .nothing)
    let outcome = try await job.run()
    #expect(outcome.exitCode == 0)
    #expect(outcome.report.recovery == "fresh_start" || plan.schedule?.status == .failed)
    #expect(outcome.report.reason.contains(word), "\(outcome.report.reason)")
    #expect(outcome.report.notes.contains { $0.contains(word) }, "\(outcome.report.notes)")
    #expect(outcome.report.requests == small.pages(limit: 5))
    let told = try await facts(.beganAnew)
    #expect(told.count == 1)
    #expect(told.first?.detail?.contains(word) == true)
    // And once only.
    #expect(try await job.run().report.recovery == "normal")
    #expect(try await facts(.beganAnew).count == 1)
  }

  // MARK: The target

  @Test func `other names of the tables are other tables`() async throws {
    _ = try await job(small).run()
    try await expectAnew("'b_items'") { $0.tablePrefix = "b_" }
    let moved = try await probe.literals("SELECT id FROM b_items")
    #expect(moved.count == small.items.count)
    // Back again: the rows there are as old as the first run.
    let back = try await job(small).run()
    #expect(back.report.recovery == "fresh_start")
    try await target.expect(small)
  }

  @Test(arguments: ["items", "notes"])
  func `a table that is dropped between runs is filled again`(_ table: String) async throws {
    _ = try await job(small).run()
    try await probe.execute("DROP TABLE \(table)")
    try await expectAnew("'\(table)' is not there any more")
    try await target.expect(small)
  }

  @Test func `one that is emptied is, too`() async throws {
    _ = try await job(small).run()
    try await probe.execute("DELETE FROM items")
    try await expectAnew("'items' was emptied")
    try await target.expect(small)
  }

  @Test func `under an unfinished run, too`() async throws {
    try await interrupt()
    try await probe.execute("DROP TABLE items")
    try await expectAnew("'items' is not there any more")
    try await target.expect(small)
  }

  @Test func `without counting rows it is noticed as well`() async throws {
    _ = try await job(small) { $0.checksRecovery = false }.run()
    try await probe.execute("DROP TABLE items")
    try await expectAnew("'items' is not there any more") { $0.options.checksRecovery = false }
    try await target.expect(small)
  }

  /// Killed after the table is there again, and before a page is: the rows still lack.
  @Test func `a kill right after does not make it forgotten`() async throws {
    _ = try await job(small).run()
    try await probe.execute("DROP TABLE items")
    _ = try await sink.prepareRecordTable(
      ScriptedSource(small).tables[0], named: "items", evolution: .evolve)
    try await expectAnew("'items' was emptied")
    try await target.expect(small)
  }

  @Test func `another scope says so, too`() async throws {
    _ = try await job(small).run()
    try await expectAnew("scope") { job in
      var source = ScriptedSource(small)
      source.scope = "all, and more"
      job.source = source
    }
  }

  @Test func `it is an event`() async throws {
    _ = try await job(small).run()
    try await probe.execute("DROP TABLE items")
    let log = EventLog(LogDestination(files: LogFiles(folder: folder.file("logs"))))
    _ = try await job(small) { $0.events = log }.run()
    await log.flush()
    let events = try #require(log.history).recent(pipelineID: "scripted")
    #expect(events.contains { $0.type == .checkpointRejected })
  }

  // MARK: Checkpoints

  @Test func `checkpoints that are gone are no silent start`() async throws {
    _ = try await job(small).run()
    try await probe.execute("DELETE FROM cairn_job_checkpoints")
    try await expectAnew("its checkpoints, up to generation")
    try await target.expect(small)
  }

  /// What people of other tools may bring: a checkpoint of the old format, put into the table by hand.
  @Test func `an imported checkpoint of the old format is gone on from`() async throws {
    let imported = job(small)
    try await sink.prepareState()
    _ = try await sink.registerJob(
      NewJob(name: "scripted", type: "scripted", scopeDigest: "", interval: nil))
    let data = """
      {"queue":[{"name":"org/repo-0","finished":true},{"name":"org/repo-2","finished":false,\
      "last_cursor":"20004"}],"phase":"items","checkpoint_version":"1.0",\
      "checkpoint_timestamp":"2025-01-16T10:45:00Z"}
      """
    try await probe.execute(
      """
      INSERT INTO cairn_job_checkpoints (job_name, generation, sync_id, data, digest, committed_at)
      VALUES ('scripted', 1, 'sync_20250116_104500_a3f4b2c1', '\(data)', '', '2025-01-16T10:45:00Z');
      UPDATE cairn_job_schedules SET generation = 1 WHERE job_name = 'scripted'
      """)
    let asked = Mutex<[String: String]>([:])
    let whole = Mutex<Set<String>>([])
    var job = imported
    var source = ScriptedSource(small) { request in
      guard request.partition.phase == "items" else { return nil }
      let name = request.partition.name
      asked.withLock { $0[name] = $0[name] ?? request.cursor ?? "its begin" }
      if request.since == nil { whole.withLock { _ = $0.insert(name) } }
      return nil
    }
    source.layout.countedPhase = "items"
    job.source = source
    let outcome = try await job.run()
    #expect(outcome.report.recovery == "checkpoint_resume")
    #expect(asked.withLock { $0["org/repo-2"] } == "20004")
    #expect(asked.withLock { $0["org/repo-0"] } == nil)
    #expect(asked.withLock { $0["org/repo-5"] } == "its begin")
    // What it said to be finished is read whole by the next run.
    whole.withLock { $0 = [] }
    #expect(try await job.run().exitCode == 0)
    #expect(whole.withLock { $0 } == ["org/repo-0"])
  }

  // MARK: Searches for deleted records

  @Test func `a run that reads everything into tables with rows searches them`() async throws {
    _ = try await job(small).run()
    let changed = ScriptedWorld(repos: 6, items: 12, state: 2, now: RunEnvironment.live.now())
    _ = try await sink.change(.reset, of: "scripted")
    let outcome = try await job(changed) { $0.deletions = .weekly }.run()
    #expect(outcome.report.deleted > 0)
    var expected = changed
    expected.repos["org/repo-1"] = small.repos["org/repo-1"]
    try await target.expect(expected)
    // The next one is due in a week.
    let next = Mutex(false)
    _ = try await job(changed) {
      $0.deletions = .weekly
    } before: { request in
      if request.partition.phase == "sweep" { next.withLock { $0 = true } }
      return nil
    }.run()
    #expect(!next.withLock { $0 })
  }

  @Test func `a first run into empty tables searches nothing`() async throws {
    let swept = Mutex(0)
    for _ in 0..<3 {
      _ = try await job(small) {
        $0.deletions = .sweep(everyRuns: 2, interval: nil)
      } before: { request in
        if request.partition.phase == "sweep" { swept.withLock { $0 += 1 } }
        return nil
      }.run()
      // The run after it neither: two are wanted between.
      if swept.withLock({ $0 }) == 0 { continue }
      #expect(try await facts(.finished).count == 3)
    }
    #expect(swept.withLock { $0 } == 6)
  }

  @Test func `without searches the first one stays due`() async throws {
    _ = try await job(small).run()
    _ = try await sink.change(.reset, of: "scripted")
    _ = try await job(small).run()
    let swept = Mutex(false)
    _ = try await job(small) {
      $0.deletions = .sweep(everyRuns: 100, interval: nil)
    } before: { request in
      if request.partition.phase == "sweep" { swept.withLock { $0 = true } }
      return nil
    }.run()
    #expect(swept.withLock { $0 })
  }

  // MARK: A restart is a recovery

  @Test func `a restart is held against the marks`() async throws {
    try await interrupt()
    try await probe.execute("DELETE FROM items WHERE id % 2 = 0")
    let outcome = try await job(small) { $0.recovery = .restart }.run()
    #expect(outcome.exitCode == 0)
    #expect(outcome.report.isConsistent == false)
    #expect(try await facts(.inconsistent).count == 1)
    #expect(try await facts(.consistent).count == 1)
    #expect(try await facts(.recovered).count == 1)
    try await target.expect(small)
    let metrics = JobMetrics.of(try await sink.jobHistory(JobHistoryFilter()))
    #expect(metrics.recoveries == 1)
    #expect(metrics.recoverySuccessRate == 0)
  }

  @Test func `a restart that comes to nothing is a failed recovery`() async throws {
    try await interrupt()
    _ = try await job(small) {
      $0.recovery = .restart
    } before: { _ in
      throw CursorSourceError.transient("no route to host")
    }.run()
    #expect(try await facts(.recovered).isEmpty)
    #expect(try await facts(.recoveryFailed).count == 1)
  }

  @Test func `a restart after a deadline warns once`() async throws {
    let until = RunEnvironment.live.now() + 7_200_000_000_000
    let waiting = job(small) {
      $0.recovery = .restart
    } before: { request in
      if request.partition.name == "org/repo-2" {
        try await request.context.wait(until: until, for: .retryAfter)
      }
      return nil
    }
    #expect(try await waiting.run(deadline: .seconds(3_600)).exitCode == 75)
    let outcome = try await job(small) { $0.recovery = .restart }.run()
    #expect(
      outcome.report.notes.count { $0.contains("checkpoint: { recovery: resume }") } == 1,
      "\(outcome.report.notes)")
    #expect(outcome.report.isConsistent == true)
    // One that was stopped by a signal does not.
    try await interrupt()
    #expect(
      try await job(small) { $0.recovery = .restart }.run().report.notes
        .allSatisfy { !$0.contains("deadline") })
  }
}
