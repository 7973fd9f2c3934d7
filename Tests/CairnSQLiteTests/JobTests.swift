import Cairn
import CairnSQLite
import CairnTesting
import Foundation
import Synchronization
import Testing

@Suite("Cursor jobs in SQLite") struct JobTests {
  let folder: TemporaryFolder
  var path: String { folder.file("target.db") }
  var probe: SQLiteProbe { SQLiteProbe(path: path) }

  init() throws { folder = try TemporaryFolder() }

  /// Copies of the database file and its log, made when a fault point is reached: what a kill there
  /// leaves on the disk.
  private final class Snapshots: Sendable {
    private let path: String
    private let point: FaultPoint
    private let count = Mutex(0)

    init(of path: String, at point: FaultPoint) {
      self.path = path
      self.point = point
    }

    var faults: FaultPoints {
      FaultPoints { [self] reached in
        guard reached == point else { return }
        let number = count.withLock { count in
          count += 1
          return count
        }
        for file in ["", "-wal"] where FileManager.default.fileExists(atPath: path + file) {
          try? FileManager.default.copyItem(
            atPath: path + file, toPath: "\(path).\(number)\(file)")
        }
      }
    }
  }

  @Test(arguments: [FaultPoint.jobMarked, .jobDeleted, .jobBefore, .jobAfter])
  func `killed inside a page's commit, all of the page is there or nothing`(
    _ point: FaultPoint
  ) async throws {
    let snapshots = Snapshots(of: path, at: point)
    let job = try await SimpleJob(on: SQLiteSink(path: path, faults: snapshots.faults))
    try await job.commit(1, SimpleJob.page([(1, "one"), (2, "two")], without: 7))
    try await probe.execute("INSERT INTO comments VALUES (10, 1), (11, 2)")
    let second = try SimpleJob.page([(2, "TWO"), (3, "three")], without: 1)
    try await job.commit(2, second)

    let copy = SQLiteProbe(path: path + ".2")
    let isDone = point == .jobAfter
    let before = [["1", "\"one\""], ["2", "\"two\""]]
    let after = [["1", "\"one\""], ["2", "\"TWO\""], ["3", "\"three\""]]
    #expect(
      try await copy.literals("SELECT * FROM issues ORDER BY id") == (isDone ? after : before))
    #expect(
      try await copy.literals("SELECT id FROM comments ORDER BY id")
        == (isDone ? [["11"]] : [["10"], ["11"]]))
    #expect(
      try await copy.literals(
        "SELECT generation, (SELECT count(*) FROM cairn_job_history WHERE kind = 'checkpoint')"
          + " FROM cairn_job_schedules") == (isDone ? [["2", "2"]] : [["1", "1"]]))
    // Whoever goes on commits it, or finds it.
    let sink = SQLiteSink(path: path + ".2")
    let lease = try await SimpleJob.acquire(nil, on: sink, takeOver: true)
    let outcome = try await sink.stage(second).commit(SimpleJob.checkpoint(2), under: lease)
    switch outcome {
    case .committed: #expect(!isDone)
    case .alreadyCommitted: #expect(isDone)
    case .behind: Issue.record("\(outcome)")
    }
    #expect(try await copy.literals("SELECT * FROM issues ORDER BY id") == after)
    #expect(try await sink.jobs(named: []).first?.generation == 2)
  }

  @Test(arguments: [FaultPoint.jobEnding, .jobEnded])
  func `killed at an attempt's end, it has ended or crashed`(_ point: FaultPoint) async throws {
    let snapshots = Snapshots(of: path, at: point)
    var dead = LeaseOwner.current()
    dead.pid = .max
    let job = try await SimpleJob(
      on: SQLiteSink(path: path, faults: snapshots.faults), owner: dead)
    try await job.commit(1, SimpleJob.page([(1, "one")], without: 7))
    try await job.sink.endJob(
      JobEnd(status: .finished, generation: 1, facts: [JobFact(.finished)]), under: job.lease)
    let sink = SQLiteSink(path: path + ".1")
    let status = try await sink.jobs(named: ["sync"]).first?.status
    #expect(status == (point == .jobEnded ? .finished : .running))
    let lease = try await SimpleJob.acquire(nil, on: sink)
    #expect(lease.fence == 2)
    #expect(
      try await sink.jobHistory(JobHistoryFilter(kinds: [.finished, .crashed])).map(\.kind)
        == [point == .jobEnded ? .finished : .crashed])
  }

  @Test func `the checkpoint can be looked at as JSON, and the children have their index`()
    async throws
  {
    let job = try await SimpleJob(on: SQLiteSink(path: path))
    try await job.commit(1, SimpleJob.page([(1, "one")], without: 7))
    #expect(
      try await probe.literals(
        "SELECT checkpoint_data ->> '$.phase', checkpoint_data ->> 'page' FROM cairn_job_schedules")
        == [["\"issues\"", "1"]])
    #expect(
      try await probe.literals("EXPLAIN QUERY PLAN DELETE FROM comments WHERE issue IN (1, 2)")
        .description.contains("comments_issue"))
    // A page without rows writes to no table.
    try await job.commit(2, JobWork(rows: []))
    #expect(try await probe.literals("SELECT count(*) FROM issues") == [["1"]])
  }

  @Test func `keys are counted beside what the sink does else`() async throws {
    let hold = DispatchSemaphore(value: 0)
    let isHeld = Mutex(false)
    let sink = SQLiteSink(
      path: path,
      faults: FaultPoints { reached in
        guard reached == .jobAfter else { return }
        isHeld.withLock { $0 = true }
        hold.wait()
      })
    let job = try await SimpleJob(on: sink)
    let commit = Task {
      try await job.commit(1, SimpleJob.page([(1, "one"), (2, "two")], without: 7))
    }
    while !isHeld.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(2)) }
    // The sink's own connection is in use: whoever waits for it waits until the count is done.
    let watchdog = Task {
      try await Task.sleep(for: .seconds(200))
      Issue.record("counting waits for the sink's own connection")
      hold.signal()
    }
    #expect(
      try await sink.keyCheck(of: SimpleJob.issues, named: "issues")
        == KeyCheck(rows: 2, duplicates: 0))
    watchdog.cancel()
    hold.signal()
    _ = try await commit.value
  }

  @Test func `a row that ends the transaction is named`() async throws {
    let job = try await SimpleJob(on: SQLiteSink(path: path))
    try await probe.execute(
      """
      CREATE TRIGGER guard BEFORE INSERT ON issues WHEN NEW.title = 'bad'
      BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END
      """)
    await #expect {
      try await job.commit(1, SimpleJob.page([(1, "good"), (2, "bad")], without: 7))
    } throws: { error in
      "\(error)".contains("'issues'") && "\(error)".contains("id: 2")
        && "\(error)".contains("not this one")
    }
    #expect(try await probe.literals("SELECT count(*) FROM issues") == [["0"]])
    #expect(try await job.sink.jobCheckpoints(of: "sync").isEmpty)
  }

  @Test func `deferred foreign keys are kept, and named when they are broken`() async throws {
    try await probe.execute(
      """
      CREATE TABLE issues (id INTEGER NOT NULL PRIMARY KEY, title TEXT);
      CREATE TABLE comments (id INTEGER NOT NULL PRIMARY KEY,
        issue INTEGER REFERENCES issues (id) DEFERRABLE INITIALLY DEFERRED);
      """)
    let job = try await SimpleJob(on: SQLiteSink(path: path))
    func comments(_ rows: [[CellValue]]) throws -> JobWork.Rows {
      JobWork.Rows(
        table: SimpleJob.comments, name: "comments",
        batch: try RecordBatch(columns: SimpleJob.comments.columns, rows: rows))
    }
    var work = try SimpleJob.page([(1, "one")], without: 7)
    work.rows.insert(try comments([[.integer(10), .integer(1)]]), at: 0)
    try await job.commit(1, work)
    await #expect {
      try await job.commit(2, JobWork(rows: [try comments([[.integer(11), .integer(2)]])]))
    } throws: {
      "\($0)".contains("foreign key")
    }
    #expect(try await probe.literals("SELECT id FROM comments") == [["10"]])
  }

  @Test func `state of the version before jobs is brought up to date`() async throws {
    let sink = SQLiteSink(path: path)
    try await sink.prepareState()
    try await probe.execute(
      """
      DROP TABLE cairn_job_schedules; DROP TABLE cairn_job_checkpoints;
      DROP TABLE cairn_job_history;
      ALTER TABLE cairn_sync_metadata DROP COLUMN rows_in_place;
      DROP INDEX cairn_processing_history_completed;
      DROP INDEX cairn_processing_history_states;
      ALTER TABLE cairn_processing_history DROP COLUMN list_digest;
      ALTER TABLE cairn_processing_history DROP COLUMN table_name;
      ALTER TABLE cairn_processing_history DROP COLUMN state_digest;
      ALTER TABLE cairn_processing_history DROP COLUMN state_size;
      ALTER TABLE cairn_processing_history DROP COLUMN state_file;
      ALTER TABLE cairn_processing_history DROP COLUMN state;
      DELETE FROM cairn_schema_version WHERE version > 3
      """)
    let older = SQLiteSink(path: path)
    #expect(try await older.jobs(named: []).isEmpty)
    #expect(try await older.jobHistory(JobHistoryFilter()).isEmpty)
    #expect(try await older.jobCheckpoints(of: "sync").isEmpty)
    try await older.prepareState()
    #expect(
      try await probe.literals("SELECT max(version) FROM cairn_schema_version") == [["6"]])
    _ = try await SimpleJob(on: older)
  }
}
