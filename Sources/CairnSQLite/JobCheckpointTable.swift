import Cairn
import GRDB

/// `cairn_job_checkpoints`: the generations of jobs' checkpoints, each the mark of a page.
enum JobCheckpointTable {
  /// How many generations are kept of a job, and as many of those that were moved aside.
  static let kept = 3

  /// The generations of a job's checkpoint, newest first.
  static func select(_ job: String, in db: Database) throws -> [StoredJobCheckpoint] {
    try Row.fetchAll(
      db,
      sql: "SELECT * FROM cairn_job_checkpoints WHERE job_name = ? ORDER BY generation DESC",
      arguments: [job]
    ).map { row in
      let run: String = row["sync_id"]
      guard let syncID = SyncID(run) else {
        throw SinkError.fatal("'\(run)' in cairn_job_checkpoints is not a sync id", remedy: "")
      }
      return StoredJobCheckpoint(
        generation: row["generation"], run: syncID, data: row["data"], digest: row["digest"],
        committedAt: row["committed_at"], isAside: row["is_aside"])
    }
  }

  /// The newest generation of a job's checkpoint that was not moved aside.
  static func newest(_ job: String, in db: Database) throws -> Int? {
    try Int.fetchOne(
      db,
      sql: """
        SELECT max(generation) FROM cairn_job_checkpoints WHERE job_name = ? AND NOT is_aside
        """, arguments: [job])
  }

  /// Inserts a generation, and forgets those that are not kept any more.
  static func insert(
    _ checkpoint: NewJobCheckpoint, of job: String, run: SyncID, in db: Database
  ) throws {
    try db.execute(
      sql: """
        INSERT INTO cairn_job_checkpoints (
          job_name, generation, sync_id, data, digest, committed_at)
        VALUES (?, ?, ?, ?, ?, \(SinkClock.now))
        """,
      arguments: [
        job, checkpoint.generation, run.description, checkpoint.data, checkpoint.digest,
      ])
    try prune(job, in: db)
  }

  /// Moves all generations of a job aside.
  static func moveAside(_ job: String, in db: Database) throws {
    try db.execute(
      sql: "UPDATE cairn_job_checkpoints SET is_aside = 1 WHERE job_name = ?", arguments: [job])
    try prune(job, in: db)
  }

  private static func prune(_ job: String, in db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM cairn_job_checkpoints WHERE job_name = ?1 AND generation NOT IN (
          SELECT generation FROM (
            SELECT generation, row_number() OVER (
              PARTITION BY is_aside ORDER BY generation DESC) AS place
            FROM cairn_job_checkpoints WHERE job_name = ?1)
          WHERE place <= \(kept))
        """, arguments: [job])
  }

  /// What to make of a checkpoint that does not follow the newest.
  static func refusal(
    of checkpoint: NewJobCheckpoint, run: SyncID, in db: Database
  ) throws -> JobCommitOutcome {
    let job = try JobTable.job(of: run, in: db)
    guard job.generation >= checkpoint.generation else {
      return .behind(generation: job.generation)
    }
    let isSame = try Bool.fetchOne(
      db,
      sql: """
        SELECT digest = ? AND sync_id = ? FROM cairn_job_checkpoints
        WHERE job_name = ? AND generation = ?
        """,
      arguments: [
        checkpoint.digest, run.description, job.job.name, checkpoint.generation,
      ])
    guard isSame == true else {
      throw SinkError.fatal(
        "generation \(checkpoint.generation) of job '\(job.job.name)' is another checkpoint; the"
          + " newest is \(job.generation)", remedy: "Run the job again.")
    }
    return .alreadyCommitted
  }
}
