import Cairn

/// `job_checkpoints`: the generations of jobs' checkpoints, each the mark of a page.
struct JobCheckpointTable {
  let state: StateSchema

  /// How many generations are kept of a job, and as many of those that were moved aside.
  static let kept = 3

  /// The generations of a job's checkpoint, newest first.
  func select(_ job: String, on connection: Connection) throws -> [StoredJobCheckpoint] {
    try connection.query(
      """
      SELECT generation, sync_id, data, digest, is_aside,
        \(SinkClock.text("committed_at")) AS committed
      FROM \(state.jobCheckpoints) WHERE job_name = $1 ORDER BY generation DESC
      """, [.text(job)]
    ).namedRows.map { row in
      let run = try row.required("sync_id")
      guard let syncID = SyncID(run) else {
        throw SinkError.fatal("'\(run)' in job_checkpoints is not a sync id", remedy: "")
      }
      return StoredJobCheckpoint(
        generation: Int(try row.requiredInteger("generation")), run: syncID,
        data: try row.required("data"), digest: try row.required("digest"),
        committedAt: try row.required("committed"), isAside: try row.isTrue("is_aside"))
    }
  }

  /// The newest generation of a job's checkpoint that was not moved aside.
  func newest(_ job: String, on connection: Connection) throws -> Int? {
    try connection.query(
      """
      SELECT max(generation) FROM \(state.jobCheckpoints) WHERE job_name = $1 AND NOT is_aside
      """, [.text(job)]
    ).integer(0, 0).map { Int($0) }
  }

  /// Inserts a generation, and forgets those that are not kept any more.
  func insert(
    _ checkpoint: NewJobCheckpoint, of job: String, run: SyncID, on connection: Connection
  ) throws {
    try connection.query(
      """
      INSERT INTO \(state.jobCheckpoints) (
        job_name, generation, sync_id, data, digest, committed_at)
      VALUES ($1, $2, $3, $4, $5, \(SinkClock.now))
      """,
      [
        .text(job), .integer(checkpoint.generation), .text(run.description),
        .text(checkpoint.data), .text(checkpoint.digest),
      ])
    try prune(job, on: connection)
  }

  /// Moves all generations of a job aside.
  func moveAside(_ job: String, on connection: Connection) throws {
    try connection.query(
      "UPDATE \(state.jobCheckpoints) SET is_aside = true WHERE job_name = $1", [.text(job)])
    try prune(job, on: connection)
  }

  private func prune(_ job: String, on connection: Connection) throws {
    try connection.query(
      """
      DELETE FROM \(state.jobCheckpoints) WHERE job_name = $1 AND generation NOT IN (
        SELECT generation FROM (
          SELECT generation, row_number() OVER (
            PARTITION BY is_aside ORDER BY generation DESC) AS place
          FROM \(state.jobCheckpoints) WHERE job_name = $1) c
        WHERE place <= \(Self.kept))
      """, [.text(job)])
  }

  /// What to make of a checkpoint that was not noted.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when the lease was lost.
  func refusal(
    of checkpoint: NewJobCheckpoint, under lease: Lease, on connection: Connection
  ) throws -> JobCommitOutcome {
    try LeaseTable(state: state).check(lease, on: connection)
    let job = try JobTable(state: state).job(of: lease.syncID, on: connection)
    guard job.generation >= checkpoint.generation else {
      return .behind(generation: job.generation)
    }
    let isSame = try connection.query(
      """
      SELECT digest = $1 AND sync_id = $2 FROM \(state.jobCheckpoints)
      WHERE job_name = $3 AND generation = $4
      """,
      [
        .text(checkpoint.digest), .text(lease.syncID.description), .text(job.job.name),
        .integer(checkpoint.generation),
      ])
    guard isSame.rowCount == 1, isSame.isTrue(0, 0) else {
      throw SinkError.fatal(
        "generation \(checkpoint.generation) of job '\(job.job.name)' is another checkpoint; the"
          + " newest is \(job.generation)", remedy: "Run the job again.")
    }
    return .alreadyCommitted
  }
}
