import Cairn
import GRDB

/// `cairn_processing_history`: a row per attempt that has ended. Rows are only added; what they keep of
/// state is forgotten some day.
enum EntityHistoryTable {
  /// Writes how the current attempt of a run ended, from its checkpoint.
  ///
  /// - Parameters:
  ///   - batches: Batches that it committed; nil for what its last mark says.
  ///   - markSeconds: Seconds that their marks took; nil likewise.
  ///   - keepsState: Whether the state of the last mark stays here.
  static func insert(
    _ ending: EntityAttempt.Ending, of syncID: SyncID, error: String? = nil, batches: Int? = nil,
    markSeconds: Double? = nil, keepsState: Bool = false, in db: Database
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
          ended_at, error, list_digest, table_name, state_digest, state_size, state_file, state)
        SELECT sync_id, processor_name, partition_name, attempt, ?1, entities_saved,
          entities_completed, total_entities, last_entity_id, coalesce(?2, attempt_batches),
          coalesce(?3, attempt_mark_seconds), \(startedAt), \(endedAt), coalesce(?4, error),
          list_digest, table_name, iif(?6, state_digest, NULL), iif(?6, state_size, NULL),
          iif(?6, state_file, NULL), iif(?6, state, NULL)
        FROM cairn_processing_checkpoints WHERE sync_id = ?5
        """,
      arguments: [
        ending.rawValue, batches, markSeconds, error, syncID.description, keepsState,
      ])
  }

  /// The last completed run of a processor and partition, with the state that it kept, if it did the
  /// same list for the same table. A run over no entities tells nothing of those before it.
  static func completed(_ new: NewEntityRun, in db: Database) throws -> CompletedEntities? {
    let row = try Row.fetchOne(
      db,
      sql: """
        SELECT \(columns), list_digest, table_name, state_digest, state_size, state_file, state
        FROM cairn_processing_history
        WHERE processor_name = ? AND partition_name = ? AND ending = 'completed'
          AND total_entities > 0
        ORDER BY id DESC LIMIT 1
        """, arguments: [new.processor, new.partition])
    guard let row else { return nil }
    // NULL where an earlier version wrote it.
    let list: String? = row["list_digest"]
    let table: String? = row["table_name"]
    guard list == new.listDigest, table == new.table else { return nil }
    return CompletedEntities(attempt: try attempt(row), state: EntityTable.state(row))
  }

  /// Forgets the states that completed runs of a processor have kept: of the same partition, and of any
  /// whose run ended too long ago.
  ///
  /// - Returns: The runs.
  static func dropStates(
    of new: NewEntityRun, olderThan expiry: Duration?, in db: Database
  ) throws -> [SyncID] {
    try String.fetchAll(
      db,
      sql: """
        UPDATE cairn_processing_history
        SET state_digest = NULL, state_size = NULL, state_file = NULL, state = NULL
        WHERE processor_name = ?1 AND ending = 'completed' AND state_digest IS NOT NULL
          AND (partition_name = ?2
            OR ?3 IS NOT NULL AND ended_at < \(SinkClock.later(by: "?3")))
        RETURNING sync_id
        """, arguments: [new.processor, new.partition, expiry.map { -$0.inSeconds }]
    ).compactMap(SyncID.init)
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
        SELECT \(columns) FROM cairn_processing_history
        WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC\(limit)
        """, arguments: StatementArguments(arguments)
    ).map(attempt)
  }

  /// What an attempt consists of: every version of the table has it.
  private static let columns = """
    sync_id, processor_name, partition_name, attempt, ending, entities_saved, entities_completed,
    total_entities, last_entity_id, batches, mark_seconds, started_at, ended_at, error,
    \(SinkClock.seconds(from: "started_at", to: "ended_at")) AS seconds
    """

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
