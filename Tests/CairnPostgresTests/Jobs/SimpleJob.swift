import Cairn
import CairnPostgres
import CairnTesting
import Testing

/// A job with pages of the test's own choice, for what only PostgreSQL does.
struct SimpleJob {
  static let issues = RecordTable(
    "issues",
    columns: [
      TargetColumn(name: "id", type: .bigint, isRequired: true),
      TargetColumn(name: "title", type: .text, isRequired: false),
    ], key: ["id"])

  let sink: PostgresSink
  var lease: Lease

  /// Prepares table and state, and begins an attempt.
  init(on sink: PostgresSink) async throws {
    self.sink = sink
    try await Self.prepare(sink)
    lease = try await Self.acquire(SyncID("sync_20250129_143022_0000000a"), on: sink)
  }

  /// Goes on with an attempt on other connections.
  init(_ lease: Lease, on sink: PostgresSink) {
    self.sink = sink
    self.lease = lease
  }

  /// What comes before an attempt.
  static func prepare(_ sink: PostgresSink) async throws {
    try await sink.prepareState()
    _ = try await sink.registerJob(NewJob(name: "sync", type: "simple", scopeDigest: "all"))
    _ = try await sink.prepareRecordTable(Self.issues, named: "issues", evolution: .evolve)
  }

  /// Takes the job's lease.
  static func acquire(
    _ run: SyncID?, on sink: PostgresSink, owner: LeaseOwner = .current(), takeOver: Bool = false
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
    _ run: SyncID?, on sink: PostgresSink, owner: LeaseOwner = .current(), takeOver: Bool = false
  ) async throws -> JobLeaseRequest {
    JobLeaseRequest(
      job: "sync", run: run,
      witness: JobWitness(
        try await sink.jobs(named: ["sync"]).first,
        standing: try await sink.jobCheckpoints(of: "sync").first { !$0.isAside }?.generation),
      owner: owner, duration: .seconds(600), takeOver: takeOver)
  }

  /// A page with some issues.
  static func page(_ issues: (Int64, String)...) throws -> JobWork {
    JobWork(
      rows: [
        JobWork.Rows(
          table: Self.issues, name: "issues",
          batch: try RecordBatch(
            columns: Self.issues.columns, rows: issues.map { [.integer($0), .text($1)] }))
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
