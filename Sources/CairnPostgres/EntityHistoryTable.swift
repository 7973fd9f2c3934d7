import Cairn

/// `processing_history`: a row per attempt that has ended. Rows are only added; what they keep of state
/// is forgotten some day.
struct EntityHistoryTable {
  let state: StateSchema

  /// Writes how the current attempt of a run ended, from its checkpoint.
  ///
  /// - Parameters:
  ///   - batches: Batches that it committed; nil for what its last mark says.
  ///   - markSeconds: Seconds that their marks took; nil likewise.
  ///   - keepsState: Whether the state of the last mark stays here.
  func insert(
    _ ending: EntityAttempt.Ending, of syncID: SyncID, error: String? = nil, batches: Int? = nil,
    markSeconds: Double? = nil, keepsState: Bool = false, on connection: Connection
  ) throws {
    let endedAt: String
    let startedAt: String
    switch ending {
    case .completed, .failed, .stopped: (startedAt, endedAt) = ("attempt_started_at", SinkClock.now)
    // When it was killed nobody knows: after its last mark.
    case .crashed:
      (startedAt, endedAt) = ("attempt_started_at", "greatest(checkpoint_at, attempt_started_at)")
    case .expired, .discarded, .cleaned: (startedAt, endedAt) = ("started_at", SinkClock.now)
    }
    try connection.query(
      """
      INSERT INTO \(state.history) (
        sync_id, processor_name, partition_name, attempt, ending, entities_saved,
        entities_completed, total_entities, last_entity_id, batches, mark_seconds, started_at,
        ended_at, error, list_digest, table_name, state_digest, state_size, state_file, state)
      SELECT sync_id, processor_name, partition_name, attempt, $2, entities_saved,
        entities_completed, total_entities, last_entity_id, coalesce($3::bigint, attempt_batches),
        coalesce($4::double precision, attempt_mark_seconds), \(startedAt), \(endedAt),
        coalesce($5, error), list_digest, table_name,
        CASE WHEN $6::boolean THEN state_digest END, CASE WHEN $6::boolean THEN state_size END,
        CASE WHEN $6::boolean THEN state_file END, CASE WHEN $6::boolean THEN state END
      FROM \(state.checkpoints) WHERE sync_id = $1
      """,
      [
        .text(syncID.description), .text(ending.rawValue), .integer(batches),
        .text(markSeconds.map { "\($0)" }), .text(error), .text("\(keepsState)"),
      ])
  }

  /// The last completed run of a processor and partition, with the state that it kept, if it did the
  /// same list for the same table. A run over no entities tells nothing of those before it.
  func completed(_ new: NewEntityRun, on connection: Connection) throws -> CompletedEntities? {
    let row = try connection.query(
      """
      SELECT \(columns), list_digest, table_name, state_digest, state_size, state_file,
        encode(state, 'hex') AS state_hex
      FROM \(state.history)
      WHERE processor_name = $1 AND partition_name = $2 AND ending = 'completed'
        AND total_entities > 0
      ORDER BY id DESC LIMIT 1
      """, [.text(new.processor), .text(new.partition)]
    ).named()
    guard let row, try row.text("list_digest") == new.listDigest,
      try row.text("table_name") == new.table
    else { return nil }
    return CompletedEntities(attempt: try attempt(row), state: try EntityTable.state(row))
  }

  /// Forgets the states that completed runs of a processor have kept: of the same partition, and of any
  /// whose run ended too long ago. Those that another end has in hand are left to it: nobody is to wait
  /// for a process that is stopped there.
  ///
  /// - Returns: The runs.
  func dropStates(
    of new: NewEntityRun, olderThan expiry: Duration?, on connection: Connection
  ) throws -> [SyncID] {
    try connection.query(
      """
      UPDATE \(state.history)
      SET state_digest = NULL, state_size = NULL, state_file = NULL, state = NULL
      WHERE id IN (
        SELECT id FROM \(state.history)
        WHERE processor_name = $1 AND ending = 'completed' AND state_digest IS NOT NULL
          AND (partition_name = $2 OR ended_at < \(SinkClock.later(by: "$3")))
        FOR UPDATE SKIP LOCKED)
      RETURNING sync_id
      """,
      [.text(new.processor), .text(new.partition), .text(expiry.map { "\(-$0.inSeconds)" })]
    ).namedRows.compactMap { SyncID(try $0.required("sync_id")) }
  }

  /// Whether a run was completed.
  func isCompleted(_ syncID: SyncID, on connection: Connection) throws -> Bool {
    try connection.query(
      "SELECT EXISTS (SELECT FROM \(state.history) WHERE sync_id = $1 AND ending = 'completed')",
      [.text(syncID.description)]
    ).isTrue(0, 0)
  }

  /// The attempts that satisfy a filter, latest first.
  func select(
    _ filter: EntityAttemptFilter, on connection: Connection
  ) throws -> [EntityAttempt] {
    var conditions: [String] = ["true"]
    var parameters: [Parameter] = []
    if let processor = filter.processor {
      parameters.append(.text(processor))
      conditions.append("processor_name = $\(parameters.count)")
    }
    if let within = filter.within {
      parameters.append(.text("\(-within.inSeconds)"))
      conditions.append("ended_at >= \(SinkClock.later(by: "$\(parameters.count)"))")
    }
    let limit = filter.limit.map { " LIMIT \($0)" } ?? ""
    return try connection.query(
      """
      SELECT \(columns) FROM \(state.history)
      WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC\(limit)
      """, parameters
    ).namedRows.map(attempt)
  }

  /// What an attempt consists of: every version of the table has it.
  private var columns: String {
    """
    sync_id, processor_name, partition_name, attempt, ending, entities_saved, entities_completed,
    total_entities, last_entity_id, batches, mark_seconds, error,
    \(SinkClock.text("started_at")) AS started, \(SinkClock.text("ended_at")) AS ended,
    \(SinkClock.seconds(from: "started_at", to: "ended_at")) AS seconds
    """
  }

  private func attempt(_ row: NamedRow) throws -> EntityAttempt {
    let idText = try row.required("sync_id")
    let endingText = try row.required("ending")
    guard let syncID = SyncID(idText), let ending = EntityAttempt.Ending(rawValue: endingText)
    else {
      throw SinkError.fatal(
        "run '\(idText)' with the ending '\(endingText)' in processing_history is not understood",
        remedy: "")
    }
    func number(_ column: String) throws -> Int { Int(try row.requiredInteger(column)) }
    return EntityAttempt(
      syncID: syncID, processor: try row.required("processor_name"),
      partition: try row.required("partition_name"), attempt: try number("attempt"),
      ending: ending, entitiesSaved: try number("entities_saved"),
      entitiesCompleted: try number("entities_completed"),
      totalEntities: try number("total_entities"),
      lastEntityID: try row.required("last_entity_id"), batches: try number("batches"),
      markSeconds: try row.real("mark_seconds") ?? 0, startedAt: try row.required("started"),
      endedAt: try row.required("ended"), seconds: max(try row.real("seconds") ?? 0, 0),
      error: try row.text("error"))
  }
}
