import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import GRDB
import Synchronization
import Testing

/// A database that loses what it had acknowledged, as one does that fails over to a replica: its file
/// is put back to how it was some pages ago, while the job runs.
@Suite struct JobLostCommitTests {
  private let folder: TemporaryFolder
  private let sink: SQLiteSink
  private let world = ScriptedWorld(repos: 6, items: 12)

  init() throws {
    folder = try TemporaryFolder()
    sink = SQLiteSink(path: folder.file("target.db"))
  }

  private var target: JobTarget { JobTarget(path: folder.file("target.db")) }

  private func job(
    _ world: ScriptedWorld, _ change: (inout CursorJobOptions) -> Void = { _ in },
    before: @escaping @Sendable (PageRequest) async throws -> Page? = { _ in nil }
  ) -> CursorJob {
    .scripted(
      world, into: sink,
      {
        $0.atOnce = 1
        change(&$0)
      }, before: before)
  }

  /// Keeps the database as it is, and puts it back, once each.
  private final class Failover: Sendable {
    private let path: String
    private let done = Mutex<Set<String>>([])

    init(_ folder: TemporaryFolder) { path = folder.file("target.db") }

    var copy: String { path + ".before" }
    var hasLost: Bool { done.withLock { $0.contains("lose") } }

    func keep() throws { try once("keep") { try $0.execute(sql: "VACUUM INTO '\(copy)'") } }

    func lose() throws {
      try once("lose") { db in
        try db.execute(sql: "ATTACH '\(copy)' AS old; BEGIN IMMEDIATE")
        for table in ["items", "notes", "cairn_job_checkpoints"] {
          try db.execute(
            sql: "DELETE FROM main.\(table); INSERT INTO main.\(table) SELECT * FROM old.\(table)")
        }
        try db.execute(
          sql: """
            UPDATE main.cairn_job_schedules SET generation =
              (SELECT o.generation FROM old.cairn_job_schedules o
               WHERE o.job_name = cairn_job_schedules.job_name);
            COMMIT
            """)
      }
    }

    private func once(_ name: String, _ work: (Database) throws -> Void) throws {
      guard done.withLock({ $0.insert(name).inserted }) else { return }
      var configuration = Configuration()
      configuration.busyMode = .timeout(10)
      try DatabaseQueue(path: path, configuration: configuration).writeWithoutTransaction(work)
    }
  }

  /// Keeps the database when `kept` partitions are over, and loses what came since when `lost` are.
  private func losing(
    _ failover: Failover, kept: Int, lost: Int
  ) -> @Sendable (JobProgress) -> Void {
    { progress in
      do {
        if progress.partitionsOver == kept { try failover.keep() }
        if progress.partitionsOver == lost { try failover.lose() }
      } catch {
        Issue.record(error)
      }
    }
  }

  @Test(arguments: [(2, 5), (3, 7), (6, 7)])
  func `pages that are lost are read again`(_ kept: Int, _ lost: Int) async throws {
    let failover = Failover(folder)
    let outcome = try await job(world).run(progress: losing(failover, kept: kept, lost: lost))
    #expect(failover.hasLost)
    #expect(outcome.exitCode == 0)
    #expect(
      outcome.report.notes == [
        "the sink lost commits that it had acknowledged; the job went on before them"
      ])
    #expect(outcome.report.pages > world.pages(limit: 5))
    try await target.expect(world)
    let schedule = try #require(try await sink.jobs(named: ["scripted"]).first)
    #expect(schedule.status == .finished)
    #expect(schedule.generation == outcome.report.generation)
    // The next run has nothing left to read.
    let next = try await job(world).run()
    #expect(next.report.recovery == "normal")
    #expect(next.report.records == 0 || next.report.records == world.items.count)
    try await target.expect(world)
  }

  /// After the last page there is nothing to ask for any more; what is lost then is read again, and the
  /// run is not finished without it.
  @Test func `a run is not finished while pages that were lost cannot be read`() async throws {
    let failover = Failover(folder)
    let outcome = try await job(world) { _ in
    } before: { request in
      guard failover.hasLost, request.partition.name == "org/repo-5" else { return nil }
      throw CursorSourceError.transient("502 Bad Gateway")
    }.run(progress: losing(failover, kept: 4, lost: 7))
    guard case .stopped(_, .sourceAway(let reason)) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(reason.contains("502 Bad Gateway"))
    #expect(try await sink.jobs(named: ["scripted"]).first?.status == .failed)
    let next = try await job(world).run()
    #expect(next.exitCode == 0)
    #expect(next.report.recovery == "retry_with_backoff")
    try await target.expect(world)
  }

  @Test func `a stop between loss and reading again is a stop`() async throws {
    let failover = Failover(folder)
    let stop = StopRequest()
    let outcome = try await job(world) {
      $0.stop = stop
    } before: { _ in
      if failover.hasLost { stop.raise(.signal("SIGTERM")) }
      return nil
    }.run(progress: losing(failover, kept: 4, lost: 7))
    guard case .stopped(_, .signal("SIGTERM")) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(try await job(world).run().exitCode == 0)
    try await target.expect(world)
  }

  /// All of the run's own pages are lost: it is as if it had just begun, with what the run before left.
  @Test func `a run that loses all of its pages still knows what is to be read`() async throws {
    _ = try await job(world).run()
    let before = try await since()
    let changed = ScriptedWorld(repos: 6, items: 12, state: 2, now: RunEnvironment.live.now())
    let failover = Failover(folder)
    try failover.keep()
    let asked = Mutex<[Int64?]>([])
    let outcome = try await job(changed) {
      $0.deletions = .sweep(everyRuns: 1, interval: nil)
    } before: { request in
      if failover.hasLost, request.partition.name == "org/repo-2",
        request.partition.phase == "items"
      {
        asked.withLock { $0.append(request.since) }
      }
      return nil
    }.run(progress: losing(failover, kept: -1, lost: 4))
    #expect(outcome.exitCode == 0)
    #expect(failover.hasLost)
    #expect(asked.withLock { $0 } == [before])
    // The search for deleted keys, which was due, was not put off.
    #expect(outcome.report.deleted > 0)
    var expected = changed
    expected.repos["org/repo-1"] = world.repos["org/repo-1"]
    try await target.expect(expected)
  }

  private func since() async throws -> Int64? {
    let choice = CheckpointChoice.choose(
      try await sink.jobCheckpoints(of: "scripted"),
      for: JobCheckpoint.Owner(
        job: "scripted", type: "scripted", phases: ["discovery", "items", "sweep"]),
      layout: .general)
    return choice.chosen?.checkpoint.lastSyncAt
  }
}
