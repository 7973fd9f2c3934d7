import Cairn
import GRDB

/// `cairn_processing_history`: a row per attempt that has ended. Rows are only added.
enum EntityHistoryTable {
  /// Writes how the current attempt of a run ended, from its checkpoint.
  ///
  /// - Parameters:
  ///   - batches: Batches that it committed; nil for what its last mark says.
  ///   - markSeconds: Seconds that their marks took; nil likewise.
  static func insert(
    _ ending: EntityAttempt.Ending, of syncID: SyncID, error: String? = nil, batches: Int? = nil,
    markSeconds: Double? = nil, in db: Database
  ) throws {
    let endedAt: String
    let startedAt: String
    switch ending {
    case .completed, .failed, .stopped: (startedAt, endedAt) = ("attempt_started_at", SinkClock.now)
    // When it was killed nobody knows: after its last mark.
    case .crashed:
      (startedAt, endedAt) = ("attempt_started_at", "max(checkpoint_at, attempt_started_at)")
    case .expired, .discarded, .cleaned: (startedAt, endedAt) = ("started_at", SinkClock.now)
    }
    try db.execute(
      sql: """
        INSERT INTO cairn_processing_history (
          sync_id, processor_name, partition_name, attempt, ending, entities_saved,
          entities_completed, total_entities, last_entity_id, batches, mark_seconds, started_at,
          ended_at, error)
        SELECT sync_id, processor_name, partition_name, attempt, ?, entities_saved,
          entities_completed, total_entities, last_entity_id, coalesce(?, attempt_batches),
          coalesce(?, attempt_mark_seconds), \(startedAt), \(endedAt), coalesce(?, error)
        FROM cairn_processing_checkpoints WHERE sync_id = ?
        """,
      arguments: [ending.rawValue, batches, markSeconds, error, syncID.description])
  }

  /// Whether a run was completed.
  static func isCompleted(_ syncID: SyncID, in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db,
      sql: """
        SELECT EXISTS (
          SELECT 1 FROM cairn_processing_history WHERE sync_id = ? AND ending = 'completed')
        """, arguments: [syncID.description]) == true
  }

  /// The attempts that satisfy a filter, latest first.
  static func select(_ filter: EntityAttemptFilter, in db: Database) throws -> [EntityAttempt] {
    var conditions = ["1"]
    var arguments: [(any DatabaseValueConvertible)?] = []
    if let processor = filter.processor {
      conditions.append("processor_name = ?")
      arguments.append(processor)
    }
    if let within = filter.within {
      conditions.append("ended_at >= \(SinkClock.later(by: "?"))")
      arguments.append(-within.inSeconds)
    }
    let limit = filter.limit.map { " LIMIT \($0)" } ?? ""
    return try Row.fetchAll(
      db,
      sql: """
        SELECT *, \(SinkClock.seconds(from: "started_at", to: "ended_at")) AS seconds
        FROM cairn_processing_history WHERE \(conditions.joined(separator: " AND "))
        ORDER BY id DESC\(limit)
        """, arguments: StatementArguments(arguments)
    ).map(attempt)
  }

  private static func attempt(_ row: Row) throws -> EntityAttempt {
    let idText: String = row["sync_id"]
    let endingText: String = row["ending"]
    guard let syncID = SyncID(idText), let ending = EntityAttempt.Ending(rawValue: endingText)
    else {
      throw SinkError.fatal(
        "run '\(idText)' with the ending '\(endingText)' in cairn_processing_history is not"
          + " understood", remedy: "")
    }
    return EntityAttempt(
      syncID: syncID, processor: row["processor_name"], partition: row["partition_name"],
      attempt: row["attempt"], ending: ending, entitiesSaved: row["entities_saved"],
      entitiesCompleted: row["entities_completed"], totalEntities: row["total_entities"],
      lastEntityID: row["last_entity_id"], batches: row["batches"],
      markSeconds: row["mark_seconds"], startedAt: row["started_at"], endedAt: row["ended_at"],
      seconds: max(row["seconds"] as Double, 0), error: row["error"])
  }
}
