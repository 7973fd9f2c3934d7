import Cairn
import GRDB

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `cairn_processing_checkpoints`: a row per processor and partition that is being worked on.
enum EntityTable {
  /// The table and the one of ``EntityHistoryTable``.
  static let creation = """
    CREATE TABLE cairn_processing_checkpoints (
      sync_id TEXT NOT NULL PRIMARY KEY,
      processor_name TEXT NOT NULL,
      partition_name TEXT NOT NULL,
      last_entity_id TEXT NOT NULL,
      entities_completed INTEGER NOT NULL,
      total_entities INTEGER NOT NULL,
      checkpoint_at TEXT NOT NULL,
      checkpoint_key TEXT NOT NULL,
      completed_ranges TEXT NOT NULL,
      list_digest TEXT NOT NULL,
      prefix_digest TEXT NOT NULL,
      table_name TEXT NOT NULL,
      target TEXT,
      started_at TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      attempt_started_at TEXT NOT NULL,
      attempt_open INTEGER NOT NULL,
      entities_saved INTEGER NOT NULL,
      attempt_batches INTEGER NOT NULL,
      attempt_mark_seconds REAL NOT NULL,
      failures_in_a_row INTEGER NOT NULL,
      failed_at TEXT,
      error TEXT,
      state_digest TEXT,
      state_size INTEGER,
      state_file TEXT,
      state BLOB,
      UNIQUE (processor_name, partition_name)
    );
    CREATE TABLE cairn_processing_history (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      sync_id TEXT NOT NULL,
      processor_name TEXT NOT NULL,
      partition_name TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      ending TEXT NOT NULL,
      entities_saved INTEGER NOT NULL,
      entities_completed INTEGER NOT NULL,
      total_entities INTEGER NOT NULL,
      last_entity_id TEXT NOT NULL,
      batches INTEGER NOT NULL,
      mark_seconds REAL NOT NULL,
      started_at TEXT NOT NULL,
      ended_at TEXT NOT NULL,
      error TEXT
    );
    CREATE INDEX cairn_processing_history_processor
      ON cairn_processing_history (processor_name, ended_at);
    """

  /// What a completed run leaves behind, so that its list is not appended twice.
  static let completedLists = """
    ALTER TABLE cairn_processing_history ADD COLUMN list_digest TEXT;
    ALTER TABLE cairn_processing_history ADD COLUMN table_name TEXT;
    ALTER TABLE cairn_processing_history ADD COLUMN state_digest TEXT;
    ALTER TABLE cairn_processing_history ADD COLUMN state_size INTEGER;
    ALTER TABLE cairn_processing_history ADD COLUMN state_file TEXT;
    ALTER TABLE cairn_processing_history ADD COLUMN state BLOB;
    CREATE INDEX cairn_processing_history_completed
      ON cairn_processing_history (processor_name, partition_name) WHERE ending = 'completed';
    CREATE INDEX cairn_processing_history_states
      ON cairn_processing_history (processor_name) WHERE state_digest IS NOT NULL;
    """

  /// The checkpoints that satisfy a filter, those of the latest commit first.
  static func select(_ filter: EntityCheckpointFilter, in db: Database) throws -> [EntityCheckpoint]
  {
    var conditions = ["1"]
    var arguments: [(any DatabaseValueConvertible)?] = []
    if let processor = filter.processor {
      conditions.append("c.processor_name = ?")
      arguments.append(processor)
    }
    if let partition = filter.partition {
      conditions.append("c.partition_name = ?")
      arguments.append(partition)
    }
    return try Row.fetchAll(
      db.cachedStatement(sql: selection(conditions.joined(separator: " AND "))),
      arguments: StatementArguments(arguments)
    ).map(checkpoint)
  }

  /// The checkpoint of a run, or nil when it is cleared.
  static func checkpoint(of syncID: SyncID, in db: Database) throws -> EntityCheckpoint? {
    try Row.fetchOne(
      db.cachedStatement(sql: selection("c.sync_id = ?")), arguments: [syncID.description]
    ).map(checkpoint)
  }

  private static func selection(_ condition: String) -> String {
    """
    SELECT c.*, l.fence, l.token, l.host, l.pid, l.process_start, l.expires_at,
      l.expires_at > \(SinkClock.now) AS is_leased,
      \(SinkClock.seconds(from: "c.checkpoint_at", to: SinkClock.now)) AS age,
      \(SinkClock.seconds(from: "c.failed_at", to: SinkClock.now)) AS failure_age
    FROM cairn_processing_checkpoints c LEFT JOIN cairn_leases l ON l.sync_id = c.sync_id
    WHERE \(condition) ORDER BY c.checkpoint_at DESC, c.processor_name, c.partition_name
    """
  }

  /// Inserts a run that begins; its lease is the caller's to add.
  static func insert(_ new: NewEntityRun, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO cairn_processing_checkpoints (
          sync_id, processor_name, partition_name, last_entity_id, entities_completed,
          total_entities, checkpoint_at, checkpoint_key, completed_ranges, list_digest,
          prefix_digest, table_name, started_at, attempt, attempt_started_at, attempt_open,
          entities_saved, attempt_batches, attempt_mark_seconds, failures_in_a_row)
        VALUES (?, ?, ?, '', 0, ?, \(SinkClock.now), ?, '', ?, '', ?, \(SinkClock.now), 1,
          \(SinkClock.now), 1, 0, 0, 0, 0)
        """,
      arguments: [
        new.syncID.description, new.processor, new.partition, new.total, new.key, new.listDigest,
        new.table,
      ])
  }

  /// Counts a new attempt.
  static func beginAttempt(_ syncID: SyncID, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_processing_checkpoints
        SET attempt = attempt + 1, attempt_started_at = \(SinkClock.now), attempt_open = 1,
          entities_saved = entities_completed, attempt_batches = 0, attempt_mark_seconds = 0
        WHERE sync_id = ?
        """, arguments: [syncID.description])
  }

  /// Notes that the attempt has said how it ended.
  static func endAttempt(_ syncID: SyncID, error: String?, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_processing_checkpoints SET attempt_open = 0, error = coalesce(?, error)
        WHERE sync_id = ?
        """, arguments: [error, syncID.description])
  }

  /// Counts a failure.
  static func recordFailure(_ error: String, of syncID: SyncID, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_processing_checkpoints
        SET failures_in_a_row = failures_in_a_row + 1, failed_at = \(SinkClock.now), error = ?
        WHERE sync_id = ?
        """, arguments: [error, syncID.description])
  }

  /// Gives a checkpoint up, with all that its run left behind; the history tells of it.
  static func discard(
    _ checkpoint: EntityCheckpoint, as ending: EntityAttempt.Ending, in db: Database
  ) throws {
    if checkpoint.isOpen {
      try EntityHistoryTable.insert(.crashed, of: checkpoint.syncID, in: db)
    }
    try EntityHistoryTable.insert(ending, of: checkpoint.syncID, in: db)
    try ShadowTable(of: checkpoint.syncID).drop(in: db)
    try LeaseTable.revoke(checkpoint.syncID, by: .current(), in: db)
    try remove(checkpoint.syncID, in: db)
  }

  /// Deletes the checkpoint of a run.
  static func remove(_ syncID: SyncID, in db: Database) throws {
    try db.execute(
      sql: "DELETE FROM cairn_processing_checkpoints WHERE sync_id = ?",
      arguments: [syncID.description])
  }

  /// The state that a row of the checkpoints or of the history holds.
  static func state(_ row: Row) -> StoredState? {
    guard let digest: String = row["state_digest"] else { return nil }
    return StoredState(
      digest: digest, size: row["state_size"] ?? 0,
      bytes: (row["state"] as Data?).map { Array($0) }, file: row["state_file"])
  }

  private static func checkpoint(_ row: Row) throws -> EntityCheckpoint {
    let idText: String = row["sync_id"]
    let rangesText: String = row["completed_ranges"]
    guard let syncID = SyncID(idText) else {
      throw SinkError.fatal(
        "'\(idText)' in cairn_processing_checkpoints is not a sync id", remedy: "")
    }
    guard let completed = CompletedRanges(rangesText) else {
      throw SinkError.fatal(
        "run \(syncID) has unreadable ranges in cairn_processing_checkpoints: '\(rangesText)'",
        remedy: "")
    }
    var holder: LeaseHolder?
    if row["is_leased"] == true, let token: String = row["token"], token != "" {
      holder = LeaseTable.holder(row)
    }
    return EntityCheckpoint(
      new: NewEntityRun(
        syncID: syncID, processor: row["processor_name"], partition: row["partition_name"],
        total: row["total_entities"], listDigest: row["list_digest"], table: row["table_name"]),
      lastEntityID: row["last_entity_id"], completed: completed, total: row["total_entities"],
      prefixDigest: row["prefix_digest"], checkpointAt: row["checkpoint_at"],
      age: .seconds(row["age"] as Double), attempt: row["attempt"],
      attemptStartedAt: row["attempt_started_at"], completedBefore: row["entities_saved"],
      isOpen: row["attempt_open"], state: state(row), target: row["target"],
      failuresInARow: row["failures_in_a_row"],
      failureAge: (row["failure_age"] as Double?).map { .seconds($0) }, error: row["error"],
      holder: holder)
  }
}
