import Cairn

/// `processing_history`: a row per attempt that has ended. Rows are only added.
struct EntityHistoryTable {
  let state: StateSchema

  /// Writes how the current attempt of a run ended, from its checkpoint.
  ///
  /// - Parameters:
  ///   - batches: Batches that it committed; nil for what its last mark says.
  ///   - markSeconds: Seconds that their marks took; nil likewise.
  func insert(
    _ ending: EntityAttempt.Ending, of syncID: SyncID, error: String? = nil, batches: Int? = nil,
    markSeconds: Double? = nil, on connection: Connection
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
        ended_at, error)
      SELECT sync_id, processor_name, partition_name, attempt, $2, entities_saved,
        entities_completed, total_entities, last_entity_id, coalesce($3::bigint, attempt_batches),
        coalesce($4::double precision, attempt_mark_seconds), \(startedAt), \(endedAt),
        coalesce($5, error)
      FROM \(state.checkpoints) WHERE sync_id = $1
      """,
      [
        .text(syncID.description), .text(ending.rawValue), .integer(batches),
        .text(markSeconds.map { "\($0)" }), .text(error),
      ])
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
      SELECT *, \(SinkClock.text("started_at")) AS started, \(SinkClock.text("ended_at")) AS ended,
        \(SinkClock.seconds(from: "started_at", to: "ended_at")) AS seconds
      FROM \(state.history) WHERE \(conditions.joined(separator: " AND "))
      ORDER BY id DESC\(limit)
      """, parameters
    ).namedRows.map(attempt)
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
