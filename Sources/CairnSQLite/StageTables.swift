import Cairn
import GRDB

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `cairn_stage_checkpoints` has a row per saved stage, `cairn_stage_pipelines` one per execution of a
/// pipeline with its owner and fence. An empty token means that nobody owns it.
enum StageTables {
  static let sql = """
    CREATE TABLE cairn_stage_pipelines (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      pipeline_id TEXT NOT NULL UNIQUE,
      pipeline TEXT NOT NULL,
      claim_key TEXT NOT NULL,
      input_hash TEXT NOT NULL,
      status TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      started_at TEXT NOT NULL,
      updated_at TEXT NOT NULL,
      completed_at TEXT,
      error TEXT,
      fence INTEGER NOT NULL,
      token TEXT NOT NULL,
      host TEXT NOT NULL,
      pid INTEGER NOT NULL,
      process_start TEXT NOT NULL,
      expires_at TEXT NOT NULL
    );
    CREATE INDEX cairn_stage_pipelines_key ON cairn_stage_pipelines (claim_key);
    CREATE INDEX cairn_stage_pipelines_updated ON cairn_stage_pipelines (updated_at);

    CREATE TABLE cairn_stage_checkpoints (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      checkpoint_id TEXT NOT NULL,
      pipeline_id TEXT NOT NULL,
      stage TEXT NOT NULL,
      stage_version INTEGER NOT NULL,
      saved_at TEXT NOT NULL,
      data_hash TEXT NOT NULL,
      row_count INTEGER NOT NULL,
      data_file TEXT,
      state_file TEXT NOT NULL,
      description TEXT NOT NULL
    );
    CREATE INDEX cairn_stage_checkpoints_id ON cairn_stage_checkpoints (checkpoint_id);
    CREATE INDEX cairn_stage_checkpoints_stage
      ON cairn_stage_checkpoints (pipeline_id, stage, sequence);
    CREATE INDEX cairn_stage_checkpoints_saved ON cairn_stage_checkpoints (saved_at);
    """

  // MARK: Executions

  /// An execution and who owns it.
  struct Owned {
    var execution: PipelineExecution
    var lease: PipelineLease
    /// Whether the owner keeps others out: not given back, not expired by the sink's clock, and not
    /// known to be dead.
    var isHeld: Bool
    var holder: LeaseHolder

    init(_ row: Row) {
      holder = LeaseTable.holder(row)
      isHeld =
        row["token"] != "" && row["is_leased"] == true && holder.owner.isAliveOnThisHost
      lease = PipelineLease(
        pipelineID: row["pipeline_id"], key: row["claim_key"], fence: row["fence"],
        token: row["token"])
      execution = PipelineExecution(
        pipelineID: row["pipeline_id"], pipeline: row["pipeline"], key: row["claim_key"],
        inputDigest: row["input_hash"],
        status: PipelineStatus(rawValue: row["status"]) ?? .failed, attempt: row["attempt"],
        startedAt: row["started_at"], updatedAt: row["updated_at"],
        completedAt: row["completed_at"], error: row["error"], holder: isHeld ? holder : nil)
    }
  }

  /// The executions that satisfy a condition, newest first.
  static func executions(
    where condition: String, _ arguments: StatementArguments, in db: Database
  ) throws -> [Owned] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT *, expires_at > \(SinkClock.now) AS is_leased FROM cairn_stage_pipelines
        WHERE \(condition) ORDER BY updated_at DESC, sequence DESC
        """,
      arguments: arguments
    ).map(Owned.init)
  }

  static func claim(_ claim: PipelineClaim, in db: Database) throws -> PipelineClaimOutcome {
    // The last one that was begun, whatever the clocks said.
    let former = try executions(
      where: "sequence = (SELECT max(sequence) FROM cairn_stage_pipelines WHERE claim_key = ?)",
      [claim.key], in: db
    ).first
    if let former, former.isHeld, !claim.takeOver {
      return .held(former.execution, former.holder)
    }
    let execution = claim.attempt(of: former?.execution, holder: nil)
    let isSame = execution.pipelineID == former?.execution.pipelineID
    let lease = PipelineLease(
      pipelineID: execution.pipelineID, key: claim.key,
      fence: isSame ? (former?.lease.fence ?? 0) + 1 : 1, token: Lease.randomToken())
    try db.execute(
      sql: """
        INSERT INTO cairn_stage_pipelines (
          pipeline_id, pipeline, claim_key, input_hash, status, attempt, started_at, updated_at,
          fence, token, host, pid, process_start, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(SinkClock.later(by: "?")))
        ON CONFLICT (pipeline_id) DO UPDATE SET input_hash = excluded.input_hash,
          status = excluded.status, attempt = excluded.attempt, updated_at = excluded.updated_at,
          completed_at = NULL, error = NULL, fence = excluded.fence, token = excluded.token,
          host = excluded.host, pid = excluded.pid, process_start = excluded.process_start,
          expires_at = excluded.expires_at
        WHERE claim_key = excluded.claim_key
        """,
      arguments: [
        execution.pipelineID, execution.pipeline, claim.key, execution.inputDigest,
        execution.status.rawValue, execution.attempt, execution.startedAt, execution.updatedAt,
        lease.fence, lease.token, claim.owner.host, claim.owner.pid, claim.owner.processStart,
        claim.leaseDuration.inSeconds,
      ])
    guard
      let begun = try executions(
        where: "pipeline_id = ? AND claim_key = ?", [execution.pipelineID, claim.key], in: db
      ).first
    else {
      throw SinkError.fatal(
        "the execution '\(execution.pipelineID)' belongs to another pipeline",
        remedy: "Give the pipeline's execution another id.")
    }
    return .claimed(lease, begun.execution)
  }

  /// Who owns an execution instead of `lease`; nil when the lease counts.
  static func successor(of lease: PipelineLease, in db: Database) throws -> Successor? {
    let present = try executions(where: "pipeline_id = ?", [lease.pipelineID], in: db).first
    guard let present else { return Successor(holder: nil) }
    if present.lease == lease, lease.token != "" { return nil }
    return Successor(holder: present.holder)
  }

  // MARK: Checkpoints

  static func insert(_ checkpoint: StageCheckpoint, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO cairn_stage_checkpoints (
          checkpoint_id, pipeline_id, stage, stage_version, saved_at, data_hash, row_count,
          data_file, state_file, description)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        checkpoint.id, checkpoint.pipelineID, checkpoint.stage, checkpoint.version,
        checkpoint.timestamp, checkpoint.dataHash, checkpoint.rows, checkpoint.dataFile,
        checkpoint.stateFile, String(decoding: try JSONEncoder().encode(checkpoint), as: UTF8.self),
      ])
  }

  static func select(_ filter: CheckpointFilter, in db: Database) throws -> [StageCheckpoint] {
    var conditions = ["1"]
    var arguments: StatementArguments = []
    for (condition, value) in [
      ("checkpoint_id = ?", filter.id), ("pipeline_id = ?", filter.pipelineID),
      ("stage = ?", filter.stage), ("saved_at < ?", filter.savedBefore),
    ] {
      guard let value else { continue }
      conditions.append(condition)
      arguments += [value]
    }
    arguments += [filter.limit ?? -1]
    let texts = try String.fetchAll(
      db,
      sql: """
        SELECT description FROM cairn_stage_checkpoints
        WHERE \(conditions.joined(separator: " AND ")) ORDER BY sequence DESC LIMIT ?
        """,
      arguments: arguments)
    return try texts.map {
      try JSONDecoder().decode(StageCheckpoint.self, from: Data($0.utf8))
    }
  }

  static func delete(_ checkpoint: StageCheckpoint, in db: Database) throws {
    try db.execute(
      sql: "DELETE FROM cairn_stage_checkpoints WHERE checkpoint_id = ? AND state_file = ?",
      arguments: [checkpoint.id, checkpoint.stateFile])
  }
}

/// Somebody who has taken an execution over, if it is there at all.
struct Successor: Sendable {
  var holder: LeaseHolder?
}
