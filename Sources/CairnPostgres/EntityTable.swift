import Cairn

/// `processing_checkpoints`: a row per processor and partition that is being worked on.
struct EntityTable {
  let state: StateSchema

  /// The table and the one of ``EntityHistoryTable``.
  var creation: String {
    """
    CREATE TABLE \(state.checkpoints) (
      sync_id text PRIMARY KEY,
      processor_name text NOT NULL,
      partition_name text NOT NULL,
      last_entity_id text NOT NULL,
      entities_completed bigint NOT NULL,
      total_entities bigint NOT NULL,
      checkpoint_at timestamptz NOT NULL,
      checkpoint_key text NOT NULL,
      completed_ranges text NOT NULL,
      list_digest text NOT NULL,
      prefix_digest text NOT NULL,
      table_name text NOT NULL,
      target text,
      started_at timestamptz NOT NULL,
      attempt integer NOT NULL,
      attempt_started_at timestamptz NOT NULL,
      attempt_open boolean NOT NULL,
      entities_saved bigint NOT NULL,
      attempt_batches bigint NOT NULL,
      attempt_mark_seconds double precision NOT NULL,
      failures_in_a_row integer NOT NULL,
      failed_at timestamptz,
      error text,
      state_digest text,
      state_size bigint,
      state_file text,
      state bytea,
      UNIQUE (processor_name, partition_name)
    ) WITH (fillfactor = 50);
    CREATE TABLE \(state.history) (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      sync_id text NOT NULL,
      processor_name text NOT NULL,
      partition_name text NOT NULL,
      attempt integer NOT NULL,
      ending text NOT NULL,
      entities_saved bigint NOT NULL,
      entities_completed bigint NOT NULL,
      total_entities bigint NOT NULL,
      last_entity_id text NOT NULL,
      batches bigint NOT NULL,
      mark_seconds double precision NOT NULL,
      started_at timestamptz NOT NULL,
      ended_at timestamptz NOT NULL,
      error text
    );
    CREATE INDEX processing_history_processor ON \(state.history) (processor_name, ended_at);
    """
  }

  /// What a completed run leaves behind, so that its list is not appended twice.
  var completedLists: String {
    """
    ALTER TABLE \(state.history) ADD COLUMN list_digest text, ADD COLUMN table_name text,
      ADD COLUMN state_digest text, ADD COLUMN state_size bigint, ADD COLUMN state_file text,
      ADD COLUMN state bytea;
    CREATE INDEX processing_history_completed
      ON \(state.history) (processor_name, partition_name, id) WHERE ending = 'completed';
    CREATE INDEX processing_history_states
      ON \(state.history) (processor_name) WHERE state_digest IS NOT NULL;
    """
  }

  /// The checkpoints that satisfy a filter, those of the latest commit first.
  func select(
    _ filter: EntityCheckpointFilter, on connection: Connection
  ) throws -> [EntityCheckpoint] {
    var conditions: [String] = ["true"]
    var parameters: [Parameter] = []
    if let processor = filter.processor {
      parameters.append(.text(processor))
      conditions.append("c.processor_name = $\(parameters.count)")
    }
    if let partition = filter.partition {
      parameters.append(.text(partition))
      conditions.append("c.partition_name = $\(parameters.count)")
    }
    return try connection.query(
      selection(conditions.joined(separator: " AND ")), parameters
    ).namedRows.map(checkpoint)
  }

  /// The checkpoint of a run, or nil when it is cleared.
  func checkpoint(of syncID: SyncID, on connection: Connection) throws -> EntityCheckpoint? {
    try connection.query(selection("c.sync_id = $1"), [.text(syncID.description)]).named().map(
      checkpoint)
  }

  private func selection(_ condition: String) -> String {
    """
    SELECT c.*, \(LeaseTable.columns("l")), \(SinkClock.text("c.checkpoint_at")) AS marked,
      \(SinkClock.text("c.attempt_started_at")) AS attempt_started,
      \(SinkClock.seconds(from: "c.checkpoint_at", to: SinkClock.now)) AS age,
      \(SinkClock.seconds(from: "c.failed_at", to: SinkClock.now)) AS failure_age,
      encode(c.state, 'hex') AS state_hex
    FROM \(state.checkpoints) c LEFT JOIN \(state.leases) l ON l.sync_id = c.sync_id
    WHERE \(condition) ORDER BY c.checkpoint_at DESC, c.processor_name, c.partition_name
    """
  }

  /// Inserts a run that begins; its lease is the caller's to add.
  func insert(_ new: NewEntityRun, on connection: Connection) throws {
    try connection.query(
      """
      INSERT INTO \(state.checkpoints) (
        sync_id, processor_name, partition_name, last_entity_id, entities_completed,
        total_entities, checkpoint_at, checkpoint_key, completed_ranges, list_digest,
        prefix_digest, table_name, started_at, attempt, attempt_started_at, attempt_open,
        entities_saved, attempt_batches, attempt_mark_seconds, failures_in_a_row)
      SELECT $1, $2, $3, '', 0, $4::bigint, t.now, $5, '', $6, '', $7, t.now, 1, t.now, true, 0, 0,
        0, 0
      FROM (SELECT \(SinkClock.now) AS now) t
      """,
      [
        .text(new.syncID.description), .text(new.processor), .text(new.partition),
        .integer(new.total), .text(new.key), .text(new.listDigest), .text(new.table),
      ])
  }

  /// Counts a new attempt.
  func beginAttempt(_ syncID: SyncID, on connection: Connection) throws {
    try connection.query(
      """
      UPDATE \(state.checkpoints)
      SET attempt = attempt + 1, attempt_started_at = \(SinkClock.now), attempt_open = true,
        entities_saved = entities_completed, attempt_batches = 0, attempt_mark_seconds = 0
      WHERE sync_id = $1
      """, [.text(syncID.description)])
  }

  /// Notes that the attempt has said how it ended.
  func endAttempt(_ syncID: SyncID, error: String?, on connection: Connection) throws {
    try connection.query(
      """
      UPDATE \(state.checkpoints) SET attempt_open = false, error = coalesce($2, error)
      WHERE sync_id = $1
      """, [.text(syncID.description), .text(error)])
  }

  /// Counts a failure.
  func recordFailure(_ error: String, of syncID: SyncID, on connection: Connection) throws {
    try connection.query(
      """
      UPDATE \(state.checkpoints)
      SET failures_in_a_row = failures_in_a_row + 1, failed_at = \(SinkClock.now), error = $2
      WHERE sync_id = $1
      """, [.text(syncID.description), .text(error)])
  }

  /// Gives a checkpoint up, with all that its run left behind; the history tells of it.
  func discard(
    _ checkpoint: EntityCheckpoint, as ending: EntityAttempt.Ending, on connection: Connection
  ) throws {
    let history = EntityHistoryTable(state: state)
    if checkpoint.isOpen {
      try history.insert(.crashed, of: checkpoint.syncID, on: connection)
    }
    try history.insert(ending, of: checkpoint.syncID, on: connection)
    if !checkpoint.new.table.isEmpty {
      let name = try QualifiedName.resolve(checkpoint.new.table, on: connection)
      try ShadowTable(of: checkpoint.syncID, beside: name).drop(on: connection)
    }
    try LeaseTable(state: state).revoke(checkpoint.syncID, by: .current(), on: connection)
    try remove(checkpoint.syncID, on: connection)
  }

  /// Deletes the checkpoint of a run.
  func remove(_ syncID: SyncID, on connection: Connection) throws {
    try connection.query(
      "DELETE FROM \(state.checkpoints) WHERE sync_id = $1", [.text(syncID.description)])
  }

  /// The state that a row of the checkpoints or of the history holds.
  static func state(_ row: NamedRow) throws -> StoredState? {
    guard let digest = try row.text("state_digest") else { return nil }
    return StoredState(
      digest: digest, size: Int(try row.requiredInteger("state_size")),
      bytes: try row.text("state_hex").map(bytes), file: try row.text("state_file"))
  }

  private func checkpoint(_ row: NamedRow) throws -> EntityCheckpoint {
    let idText = try row.required("sync_id")
    let rangesText = try row.required("completed_ranges")
    guard let syncID = SyncID(idText) else {
      throw SinkError.fatal("'\(idText)' in processing_checkpoints is not a sync id", remedy: "")
    }
    guard let completed = CompletedRanges(rangesText) else {
      throw SinkError.fatal(
        "run \(syncID) has unreadable ranges in processing_checkpoints: '\(rangesText)'",
        remedy: "")
    }
    func number(_ column: String) throws -> Int { Int(try row.requiredInteger(column)) }
    var holder: LeaseHolder?
    if try row.isTrue("lease_is_held") { holder = try LeaseTable.holder(row) }
    let total = try number("total_entities")
    return EntityCheckpoint(
      new: NewEntityRun(
        syncID: syncID, processor: try row.required("processor_name"),
        partition: try row.required("partition_name"), total: total,
        listDigest: try row.required("list_digest"), table: try row.required("table_name")),
      lastEntityID: try row.required("last_entity_id"), completed: completed, total: total,
      prefixDigest: try row.required("prefix_digest"), checkpointAt: try row.required("marked"),
      age: .seconds(try row.real("age") ?? 0), attempt: try number("attempt"),
      attemptStartedAt: try row.required("attempt_started"),
      completedBefore: try number("entities_saved"), isOpen: try row.isTrue("attempt_open"),
      state: try Self.state(row), target: try row.text("target"),
      failuresInARow: try number("failures_in_a_row"),
      failureAge: try row.real("failure_age").map { .seconds($0) }, error: try row.text("error"),
      holder: holder)
  }

  /// Undoes the server's `encode(…, 'hex')`.
  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    func digit(_ byte: UInt8) -> UInt8 { byte < 0x3A ? byte &- 0x30 : byte &- 0x57 }
    var text = hexadecimal
    return text.withUTF8 { digits in
      (0..<digits.count / 2).map { digit(digits[2 * $0]) << 4 | digit(digits[2 * $0 + 1]) }
    }
  }
}
