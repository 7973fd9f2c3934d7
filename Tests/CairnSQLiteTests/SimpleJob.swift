import Cairn
import CairnSQLite
import CairnTesting
import Testing

/// A job with pages of the test's own choice, for what only SQLite does.
struct SimpleJob {
  static let issues = RecordTable(
    "issues",
    columns: [
      TargetColumn(name: "id", type: .bigint, isRequired: true),
      TargetColumn(name: "title", type: .text, isRequired: false),
    ], key: ["id"])
  static let comments = RecordTable(
    "comments",
    columns: [
      TargetColumn(name: "id", type: .bigint, isRequired: true),
      TargetColumn(name: "issue", type: .bigint, isRequired: false),
    ], key: ["id"], parent: RecordTable.Parent(table: "issues", columns: ["id": "issue"]))

  let sink: SQLiteSink
  var lease: Lease

  /// Prepares tables and state, and begins an attempt.
  init(on sink: SQLiteSink, owner: LeaseOwner = .current()) async throws {
    self.sink = sink
    try await sink.prepareState()
    for table in [Self.issues, Self.comments] {
      _ = try await sink.prepareRecordTable(table, named: table.name, evolution: .freeze)
    }
    _ = try await sink.registerJob(NewJob(name: "sync", type: "simple", scopeDigest: "all"))
    lease = try await Self.acquire(
      SyncID("sync_20250129_143022_0000000a"), on: sink, owner: owner)
  }

  /// Takes the job's lease.
  static func acquire(
    _ run: SyncID?, on sink: SQLiteSink, owner: LeaseOwner = .current(), takeOver: Bool = false
  ) async throws -> Lease {
    let outcome = try await sink.acquireJob(
      request(run, on: sink, owner: owner, takeOver: takeOver))
    guard case .acquired(let lease, _) = outcome else {
      throw BatteryFailure("the job's lease", expected: "acquired", found: "\(outcome)")
    }
    return lease
  }

  /// Looks at the job, to take its lease then.
  static func request(
    _ run: SyncID?, on sink: SQLiteSink, owner: LeaseOwner = .current(), takeOver: Bool = false
  ) async throws -> JobLeaseRequest {
    JobLeaseRequest(
      job: "sync", run: run,
      witness: JobWitness(
        try await sink.jobs(named: ["sync"]).first,
        standing: try await sink.jobCheckpoints(of: "sync").first { !$0.isAside }?.generation),
      owner: owner, duration: .seconds(600), takeOver: takeOver)
  }

  /// A page with some issues, which says of one that it has no comments any more.
  static func page(_ issues: [(Int64, String)], without comments: Int64) throws -> JobWork {
    JobWork(
      rows: [
        JobWork.Rows(
          table: Self.issues, name: "issues",
          batch: try RecordBatch(
            columns: Self.issues.columns, rows: issues.map { [.integer($0), .text($1)] }))
      ],
      replacedChildren: [
        (
          Self.comments, "comments",
          ReplacedChildren(
            table: "comments", parent: "issue",
            values: try RecordBatch(
              columns: [Self.comments.columns[1]], rows: [[.integer(comments)]]))
        )
      ])
  }

  static func checkpoint(_ generation: Int) -> NewJobCheckpoint {
    NewJobCheckpoint(
      generation: generation, data: #"{"phase": "issues", "page": \#(generation)}"#,
      digest: "digest \(generation)", facts: [JobFact(.checkpoint)])
  }

  /// Commits a page.
  @discardableResult
  func commit(_ generation: Int, _ work: JobWork) async throws -> JobCommitOutcome {
    try await sink.stage(work).commit(Self.checkpoint(generation), under: lease)
  }
}
