import Cairn

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `stage_checkpoints` has a row per saved stage, `stage_pipelines` one per execution of a pipeline with
/// its owner and fence. An empty token means that nobody owns it.
struct StageTables {
  let state: StateSchema

  var sql: String {
    """
    CREATE TABLE \(state.pipelines) (
      sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      pipeline_id text NOT NULL UNIQUE,
      pipeline text NOT NULL,
      claim_key text NOT NULL,
      input_hash text NOT NULL,
      status text NOT NULL,
      attempt integer NOT NULL,
      started_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL,
      completed_at timestamptz,
      error text,
      fence bigint NOT NULL,
      token text NOT NULL,
      host text NOT NULL,
      pid integer NOT NULL,
      process_start text NOT NULL,
      expires_at timestamptz NOT NULL
    );
    CREATE INDEX stage_pipelines_key ON \(state.pipelines) (claim_key);
    CREATE INDEX stage_pipelines_updated ON \(state.pipelines) (updated_at);

    CREATE TABLE \(state.stages) (
      sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      checkpoint_id text NOT NULL,
      pipeline_id text NOT NULL,
      stage text NOT NULL,
      stage_version integer NOT NULL,
      saved_at timestamptz NOT NULL,
      data_hash text NOT NULL,
      row_count bigint NOT NULL,
      data_file text,
      state_file text NOT NULL,
      description text NOT NULL
    );
    CREATE INDEX stage_checkpoints_id ON \(state.stages) (checkpoint_id);
    CREATE INDEX stage_checkpoints_stage ON \(state.stages) (pipeline_id, stage, sequence);
    CREATE INDEX stage_checkpoints_saved ON \(state.stages) (saved_at);
    """
  }

  // MARK: Executions

  /// An execution and who owns it.
  struct Owned {
    var execution: PipelineExecution
    var lease: PipelineLease
    /// Whether the owner keeps others out: not given back, not expired by the server's clock, and not
    /// known to be dead.
    var isHeld: Bool
    var holder: LeaseHolder

    init(_ row: NamedRow) throws {
      holder = try LeaseTable.holder(row)
      isHeld = try row.isTrue("lease_is_held") && holder.owner.isAliveOnThisHost
      lease = PipelineLease(
        pipelineID: try row.required("pipeline_id"), key: try row.required("claim_key"),
        fence: try row.requiredInteger("lease_fence"), token: try row.required("lease_token"))
      execution = PipelineExecution(
        pipelineID: lease.pipelineID, pipeline: try row.required("pipeline"), key: lease.key,
        inputDigest: try row.required("input_hash"),
        status: PipelineStatus(rawValue: try row.required("status")) ?? .failed,
        attempt: Int(try row.requiredInteger("attempt")), startedAt: try row.required("started"),
        updatedAt: try row.required("updated"), completedAt: try row.text("completed"),
        error: try row.text("error"), holder: isHeld ? holder : nil)
    }
  }

  /// The executions that satisfy a condition, newest first.
  func executions(
    where condition: String, _ parameters: [Parameter] = [], on connection: Connection
  ) throws -> [Owned] {
    try connection.query(
      """
      SELECT l.pipeline_id, l.pipeline, l.claim_key, l.input_hash, l.status, l.attempt, l.error,
        \(Self.time("l.started_at")) AS started, \(Self.time("l.updated_at")) AS updated,
        \(Self.time("l.completed_at")) AS completed, \(LeaseTable.columns("l"))
      FROM \(state.pipelines) l
      WHERE \(condition) ORDER BY l.updated_at DESC, l.sequence DESC
      """, parameters
    ).namedRows.map(Owned.init)
  }

  /// A `timestamptz` in ISO 8601 UTC to the microsecond, as programs write it.
  private static func time(_ expression: String) -> String {
    "to_char(\(expression) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
  }

  /// Claims, in the transaction that is open.
  func claim(_ claim: PipelineClaim, on connection: Connection) throws -> PipelineClaimOutcome {
    // Of several that ask at once the others wait until this one is done.
    try connection.query(
      "SELECT pg_advisory_xact_lock($1)",
      [.integer(TargetLock.key(of: "pipeline \(state.name) \(claim.key)"))])
    // The last one that was begun, whatever the clocks said.
    let former = try executions(
      where: """
        l.sequence = (SELECT max(sequence) FROM \(state.pipelines) WHERE claim_key = $1)
        """, [.text(claim.key)], on: connection
    ).first
    if let former, former.isHeld, !claim.takeOver {
      return .held(former.execution, former.holder)
    }
    let execution = claim.attempt(of: former?.execution, holder: nil)
    let isSame = execution.pipelineID == former?.execution.pipelineID
    let lease = PipelineLease(
      pipelineID: execution.pipelineID, key: claim.key,
      fence: isSame ? (former?.lease.fence ?? 0) + 1 : 1, token: Lease.randomToken())
    try connection.query(
      """
      INSERT INTO \(state.pipelines) AS p (
        pipeline_id, pipeline, claim_key, input_hash, status, attempt, started_at, updated_at,
        fence, token, host, pid, process_start, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
        \(SinkClock.later(by: "$14")))
      ON CONFLICT (pipeline_id) DO UPDATE SET input_hash = excluded.input_hash,
        status = excluded.status, attempt = excluded.attempt, updated_at = excluded.updated_at,
        completed_at = NULL, error = NULL, fence = excluded.fence, token = excluded.token,
        host = excluded.host, pid = excluded.pid, process_start = excluded.process_start,
        expires_at = excluded.expires_at
      WHERE p.claim_key = excluded.claim_key
      """,
      [
        .text(execution.pipelineID), .text(execution.pipeline), .text(claim.key),
        .text(execution.inputDigest), .text(execution.status.rawValue),
        .integer(execution.attempt), .text(execution.startedAt), .text(execution.updatedAt),
        .integer(lease.fence), .text(lease.token), .text(claim.owner.host),
        .integer(claim.owner.pid), .text(claim.owner.processStart),
        .text("\(claim.leaseDuration.inSeconds)"),
      ])
    guard
      let begun = try executions(
        where: "l.pipeline_id = $1 AND l.claim_key = $2",
        [.text(execution.pipelineID), .text(claim.key)], on: connection
      ).first
    else {
      throw SinkError.fatal(
        "the execution '\(execution.pipelineID)' belongs to another pipeline",
        remedy: "Give the pipeline's execution another id.")
    }
    return .claimed(lease, begun.execution)
  }

  /// Who owns an execution instead of `lease`; nil when the lease counts. The row stays locked until
  /// the transaction ends, so that nobody takes it over meanwhile.
  func successor(of lease: PipelineLease, on connection: Connection) throws -> Successor? {
    try connection.query(
      "SELECT FROM \(state.pipelines) WHERE pipeline_id = $1 FOR UPDATE",
      [.text(lease.pipelineID)])
    let present = try executions(
      where: "l.pipeline_id = $1", [.text(lease.pipelineID)], on: connection
    ).first
    guard let present else { return Successor(holder: nil) }
    if present.lease == lease, lease.token != "" { return nil }
    return Successor(holder: present.holder)
  }

  // MARK: Checkpoints

  func insert(_ checkpoint: StageCheckpoint, on connection: Connection) throws {
    try connection.query(
      """
      INSERT INTO \(state.stages) (
        checkpoint_id, pipeline_id, stage, stage_version, saved_at, data_hash, row_count,
        data_file, state_file, description)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      """,
      [
        .text(checkpoint.id), .text(checkpoint.pipelineID), .text(checkpoint.stage),
        .integer(checkpoint.version), .text(checkpoint.timestamp), .text(checkpoint.dataHash),
        .integer(checkpoint.rows), .text(checkpoint.dataFile), .text(checkpoint.stateFile),
        .text(String(decoding: try JSONEncoder().encode(checkpoint), as: UTF8.self)),
      ])
  }

  func select(
    _ filter: CheckpointFilter, on connection: Connection
  ) throws -> [StageCheckpoint] {
    var conditions = ["true"]
    var parameters: [Parameter] = []
    for (column, value) in [
      ("checkpoint_id =", filter.id), ("pipeline_id =", filter.pipelineID),
      ("stage =", filter.stage), ("saved_at <", filter.savedBefore),
    ] {
      guard let value else { continue }
      parameters.append(.text(value))
      conditions.append("\(column) $\(parameters.count)")
    }
    let found = try connection.query(
      """
      SELECT description FROM \(state.stages) WHERE \(conditions.joined(separator: " AND "))
      ORDER BY sequence DESC\(filter.limit.map { " LIMIT \($0)" } ?? "")
      """, parameters)
    return try (0..<found.rowCount).map { row in
      try JSONDecoder().decode(
        StageCheckpoint.self, from: Data((found.text(row, 0) ?? "").utf8))
    }
  }

  func delete(_ checkpoint: StageCheckpoint, on connection: Connection) throws {
    try connection.query(
      "DELETE FROM \(state.stages) WHERE checkpoint_id = $1 AND state_file = $2",
      [.text(checkpoint.id), .text(checkpoint.stateFile)])
  }
}

/// Somebody who has taken an execution over, if it is there at all.
struct Successor: Sendable {
  var holder: LeaseHolder?
}
