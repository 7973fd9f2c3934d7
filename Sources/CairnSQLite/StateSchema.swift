import Cairn
import GRDB

/// Cairn's own tables in the target's file, and how they come to be.
///
/// `cairn_sync_metadata` has a row per run, `cairn_chunk_ledger` one per committed chunk,
/// `cairn_rejects` one per rejected row, `cairn_leases` one per run with its owner and fence,
/// `cairn_samples` a few committed rows by which a damaged target is noticed,
/// `cairn_recorded_keys` the tables of ``RecordedKeys``, `cairn_processing_checkpoints` one per
/// processor and partition that is being worked on, `cairn_processing_history` one per attempt at that
/// which has ended; for those of stages see ``StageTables``, for those of cursor jobs ``JobTable``.
enum StateSchema {
  /// The version this program writes.
  static let version = migrations.count
  /// The first version with the tables of ``EntityTable``.
  static let firstWithEntities = 2
  /// The first version with the tables of stages.
  static let firstWithStages = 3
  /// The first version with the tables of ``JobTable``.
  static let firstWithJobs = 4

  /// What leads from each version to the next; the first makes version 1 out of nothing.
  private static let migrations = [
    """
    CREATE TABLE cairn_sync_metadata (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      sync_id TEXT NOT NULL UNIQUE,
      file_name TEXT NOT NULL,
      status TEXT NOT NULL,
      phase TEXT NOT NULL,
      attempt INTEGER NOT NULL,
      records_total INTEGER NOT NULL DEFAULT 0,
      records_inserted INTEGER NOT NULL DEFAULT 0,
      records_updated INTEGER NOT NULL DEFAULT 0,
      records_unchanged INTEGER NOT NULL DEFAULT 0,
      records_superseded INTEGER NOT NULL DEFAULT 0,
      records_kept INTEGER NOT NULL DEFAULT 0,
      records_failed INTEGER NOT NULL DEFAULT 0,
      validation_errors INTEGER NOT NULL DEFAULT 0,
      chunks_committed INTEGER NOT NULL DEFAULT 0,
      started_at TEXT NOT NULL,
      attempt_started_at TEXT NOT NULL,
      completed_at TEXT,
      abandoned_at TEXT,
      error TEXT,
      job TEXT NOT NULL,
      table_name TEXT NOT NULL,
      table_identity TEXT NOT NULL,
      source_fingerprint TEXT NOT NULL,
      source_path TEXT,
      source_size INTEGER,
      source_modified_at INTEGER,
      job_digest TEXT NOT NULL,
      checkpoint_directory TEXT,
      end_chunk INTEGER,
      end_offset INTEGER,
      end_row INTEGER,
      end_line INTEGER,
      swapped INTEGER NOT NULL DEFAULT 0,
      witness TEXT NOT NULL,
      resolved TEXT NOT NULL
    );
    CREATE UNIQUE INDEX cairn_sync_metadata_identity
      ON cairn_sync_metadata (table_identity, source_fingerprint, job_digest)
      WHERE abandoned_at IS NULL;
    CREATE INDEX cairn_sync_metadata_table ON cairn_sync_metadata (table_identity);

    CREATE TABLE cairn_leases (
      sync_id TEXT NOT NULL PRIMARY KEY,
      fence INTEGER NOT NULL,
      token TEXT NOT NULL,
      host TEXT NOT NULL,
      pid INTEGER NOT NULL,
      process_start TEXT NOT NULL,
      expires_at TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE cairn_chunk_ledger (
      sync_id TEXT NOT NULL,
      chunk_id INTEGER NOT NULL,
      start_offset INTEGER NOT NULL,
      start_row INTEGER NOT NULL,
      start_line INTEGER NOT NULL,
      end_offset INTEGER NOT NULL,
      end_row INTEGER NOT NULL,
      end_line INTEGER NOT NULL,
      content_digest TEXT NOT NULL,
      records_total INTEGER NOT NULL DEFAULT 0,
      records_inserted INTEGER NOT NULL DEFAULT 0,
      records_updated INTEGER NOT NULL DEFAULT 0,
      records_unchanged INTEGER NOT NULL DEFAULT 0,
      records_superseded INTEGER NOT NULL DEFAULT 0,
      records_kept INTEGER NOT NULL DEFAULT 0,
      records_failed INTEGER NOT NULL DEFAULT 0,
      fence INTEGER NOT NULL,
      committed_at TEXT NOT NULL,
      PRIMARY KEY (sync_id, chunk_id)
    ) WITHOUT ROWID;

    CREATE TABLE cairn_rejects (
      id INTEGER PRIMARY KEY,
      sync_id TEXT NOT NULL,
      chunk_id INTEGER NOT NULL,
      row INTEGER NOT NULL,
      line INTEGER NOT NULL,
      byte_offset INTEGER NOT NULL,
      column_name TEXT,
      rule TEXT NOT NULL,
      reason TEXT NOT NULL,
      raw BLOB,
      watched INTEGER NOT NULL DEFAULT 0,
      rejected_at TEXT NOT NULL,
      replayed TEXT,
      replayed_at TEXT
    );
    CREATE INDEX cairn_rejects_row ON cairn_rejects (sync_id, row);
    CREATE INDEX cairn_rejects_watched ON cairn_rejects (sync_id, rejected_at)
      WHERE watched AND replayed IS NULL;

    CREATE TABLE cairn_samples (
      sync_id TEXT NOT NULL,
      chunk_id INTEGER NOT NULL,
      position INTEGER NOT NULL,
      column_name TEXT NOT NULL,
      value,
      PRIMARY KEY (sync_id, chunk_id, position)
    ) WITHOUT ROWID;

    CREATE TABLE cairn_recorded_keys (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      scope TEXT NOT NULL,
      definition TEXT NOT NULL,
      UNIQUE (scope, definition)
    );
    """,
    EntityTable.creation,
    StageTables.sql,
    JobTable.creation,
    // By the versions before, a finish was told by what the run said then.
    """
    ALTER TABLE cairn_sync_metadata ADD COLUMN rows_in_place INTEGER NOT NULL DEFAULT 0;
    UPDATE cairn_sync_metadata SET rows_in_place = 1
    WHERE completed_at IS NOT NULL OR phase = 'finishing';
    """,
    EntityTable.completedLists,
  ]

  /// The version of the tables in a file: 0 when there are none.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when it is one that this program does not know.
  static func versionFound(_ db: Database, path: String) throws -> Int {
    let tables = try Int.fetchOne(
      db, sql: "SELECT count(*) FROM main.sqlite_master WHERE name = 'cairn_schema_version'")
    guard tables == 1 else { return 0 }
    let found =
      try Int.fetchOne(db, sql: "SELECT max(version) FROM main.cairn_schema_version") ?? 0
    guard found <= version else {
      throw SinkError.fatal(
        "the state tables in \(path) have version \(found); this program knows them up to version "
          + "\(version)",
        remedy: "Use the newer cairn that wrote them.")
    }
    return found
  }

  /// Makes the tables in a file, or brings them to the current version.
  static func prepare(_ file: DatabaseFile) async throws {
    let path = file.path
    try await file.write { db in
      // Reading first spares the write lock when nothing is to be done.
      guard try versionFound(db, path: path) < version else { return }
      try file.begin(db)
      try file.finishing(db) {
        try migrate(db, path: path)
        try db.execute(sql: "COMMIT")
      }
    }
  }

  /// Makes the tables, or brings them to the current version, in the transaction that is open.
  static func migrate(_ db: Database, path: String) throws {
    var found = try versionFound(db, path: path)
    guard found < version else { return }
    try db.execute(
      sql: """
        CREATE TABLE IF NOT EXISTS cairn_schema_version (
          version INTEGER PRIMARY KEY, migrated_at TEXT NOT NULL)
        """)
    while found < version {
      try db.execute(sql: migrations[found])
      found += 1
      try db.execute(
        sql: "INSERT INTO cairn_schema_version VALUES (?, \(SinkClock.now))", arguments: [found])
    }
  }
}

/// The sink's clock: SQLite's, in SQL.
enum SinkClock {
  /// Now, in ISO 8601 UTC to the millisecond.
  static let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"

  /// The seconds from one time to another.
  static func seconds(from start: String, to end: String) -> String {
    "((julianday(\(end)) - julianday(\(start))) * 86400.0)"
  }

  /// Now and as many seconds as the SQL expression says.
  static func later(by parameter: String) -> String {
    "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', printf('%+.3f seconds', \(parameter)))"
  }
}
