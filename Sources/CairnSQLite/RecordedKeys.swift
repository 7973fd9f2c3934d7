import Cairn
import GRDB

/// The keys that commits wrote while an earlier chunk was outstanding, so that a chunk that comes
/// late leaves them alone; and those of rejects that may come back corrected, which are watched: each
/// commit that writes one leaves its position there.
///
/// There is a table for each target and key, `cairn_keys_<number>`, whose key columns compare as the
/// target's do. `cairn_recorded_keys` lists them. For `insert_only` the keys also tell which rows
/// are the run's own. A key that is watched and was written by nobody since has no position.
struct RecordedKeys {
  /// The table's name.
  var table: String
  private var key: UniqueKey

  /// Makes the table of a target and key if there is none.
  ///
  /// - Parameter scope: The target's identity, or the shadow table's name.
  static func create(
    scope: String, shape: TargetShape, key: UniqueKey, in db: Database
  ) throws -> RecordedKeys {
    if let found = try find(scope: scope, shape: shape, key: key, in: db) { return found }
    let definition = definition(shape: shape, key: key)
    try db.execute(
      sql: "INSERT INTO cairn_recorded_keys (scope, definition) VALUES (?, ?)",
      arguments: [scope, definition])
    let table = "cairn_keys_\(db.lastInsertedRowID)"
    let parts = (0..<key.columns.count).map { "k\($0)" }.joined(separator: ", ")
    try db.execute(
      sql: """
        CREATE TABLE \(table) (
          \(definition), sequence INTEGER, chunk_id INTEGER, row INTEGER,
          watched INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (\(parts))) WITHOUT ROWID
        """)
    return RecordedKeys(table: table, key: key)
  }

  /// The table of a target and key, or nil when there is none.
  static func find(
    scope: String, shape: TargetShape, key: UniqueKey, in db: Database
  ) throws -> RecordedKeys? {
    let id = try Int64.fetchOne(
      db, sql: "SELECT id FROM cairn_recorded_keys WHERE scope = ? AND definition = ?",
      arguments: [scope, definition(shape: shape, key: key)])
    return id.map { RecordedKeys(table: "cairn_keys_\($0)", key: key) }
  }

  /// Whether keys of later runs are recorded for the target by another key than this one.
  static func hasLater(
    than sequence: Int64, scope: String, otherThan keys: RecordedKeys?, in db: Database
  ) throws -> Bool {
    for table in try tables(scope: scope, in: db) where table != keys?.table {
      if try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM \(table) WHERE sequence > ?)",
        arguments: [sequence]) == true
      {
        return true
      }
    }
    return false
  }

  /// Deletes the keys of a target that no outstanding chunk can ask for any more.
  static func prune(scope: String, in db: Database) throws {
    let oldest = try Int64.fetchOne(
      db,
      sql: """
        SELECT min(sequence) FROM cairn_sync_metadata m
        WHERE table_identity = ? AND \(RunTable.isOutstanding)
        """,
      arguments: [scope])
    let isWatching = try RejectTable.areWatched(scope: scope, in: db)
    guard oldest != nil || isWatching else {
      try drop(scope: scope, in: db)
      return
    }
    for table in try tables(scope: scope, in: db) {
      if !isWatching { try db.execute(sql: "UPDATE \(table) SET watched = 0 WHERE watched") }
      try db.execute(
        sql: """
          DELETE FROM \(table)
          WHERE NOT watched AND (sequence IS NULL OR sequence < coalesce(?, sequence + 1))
          """,
        arguments: [oldest])
    }
  }

  /// Gives the keys of a shadow table to the target that it has become.
  static func move(from shadow: String, to scope: String, in db: Database) throws {
    try drop(scope: scope, in: db)
    try db.execute(
      sql: "UPDATE cairn_recorded_keys SET scope = ? WHERE scope = ?", arguments: [scope, shadow])
  }

  /// Drops all keys of a target or shadow table.
  static func drop(scope: String, in db: Database) throws {
    for table in try tables(scope: scope, in: db) {
      try db.execute(sql: "DROP TABLE \(table)")
    }
    try db.execute(sql: "DELETE FROM cairn_recorded_keys WHERE scope = ?", arguments: [scope])
  }

  private static func tables(scope: String, in db: Database) throws -> [String] {
    try Int64.fetchAll(
      db, sql: "SELECT id FROM cairn_recorded_keys WHERE scope = ?", arguments: [scope]
    ).map { "cairn_keys_\($0)" }
  }

  /// The columns `k0`, … of a table of keys, which compare as the target's do.
  static func definition(shape: TargetShape, key: UniqueKey) -> String {
    key.columns.enumerated().map { position, column in
      let affinity = shape.column(named: column.name)?.affinity ?? .blob
      return "k\(position) \(affinity.rawValue) NOT NULL COLLATE "
        + column.collation.quotedIdentifier + " /* \(column.name.commentText) */"
    }.joined(separator: ", ")
  }

  /// The most keys that are held in memory, to tell which rows need not be looked up.
  private static let mostInMemory = 10_000

  /// The first part of each key that is there; nil when there are too many.
  func firstParts(in db: Database) throws -> [DatabaseValue]? {
    let parts = try DatabaseValue.fetchAll(
      db, sql: "SELECT k0 FROM \(table) LIMIT \(Self.mostInMemory + 1)")
    return parts.count <= Self.mostInMemory ? parts : nil
  }

  // MARK: Statements

  private var condition: String {
    key.columns.indices.map { "k\($0) = ?\($0 + 1)" }.joined(separator: " AND ")
  }

  /// Yields a row when the key (parameters 1…) was recorded by a later chunk or run.
  func isLaterSQL(than sequence: Int64, chunk: Int) -> String {
    """
    SELECT 1 FROM \(table) WHERE \(condition)
    AND (sequence > \(sequence) OR (sequence = \(sequence) AND chunk_id > \(chunk)))
    """
  }

  /// Yields a row when the key (parameters 1…) was recorded by that run.
  func isOwnSQL(of sequence: Int64) -> String {
    "SELECT 1 FROM \(table) WHERE \(condition) AND sequence = \(sequence)"
  }

  /// The parameter that stands for the row's number in the source.
  var rowParameter: Int32 { Int32(key.columns.count) + 1 }

  private var parameters: String {
    (1...key.columns.count).map { "?\($0)" }.joined(separator: ", ")
  }

  /// Records that a row (``rowParameter``) wrote the key (parameters 1…).
  func recordSQL(sequence: Int64, chunk: Int) -> String {
    """
    INSERT INTO \(table) VALUES (\(parameters), \(sequence), \(chunk), ?\(rowParameter), 0)
    ON CONFLICT DO UPDATE
    SET sequence = excluded.sequence, chunk_id = excluded.chunk_id, row = excluded.row
    """
  }

  /// Records that a row (``rowParameter``) wrote the key (parameters 1…), if the key is there.
  func touchSQL(sequence: Int64, chunk: Int) -> String {
    """
    UPDATE \(table) SET sequence = \(sequence), chunk_id = \(chunk), row = ?\(rowParameter)
    WHERE \(condition)
    """
  }

  /// Records of keys that are watched that they were written, where a row of the target has them for
  /// which a condition holds.
  ///
  /// - Parameter alias: How the condition calls the row.
  func touchSQL(
    rowsOf target: String, as alias: String = "t", where condition: String, sequence: Int64,
    chunk: Int, row: UInt64
  ) -> String {
    // The columns on the left say how they compare: as the target's unique key does.
    let isSame = key.columns.enumerated().map { position, column in
      "\(table).k\(position) = \(alias).\(column.name.quotedIdentifier)"
    }.joined(separator: " AND ")
    return """
      UPDATE \(table) SET sequence = \(sequence), chunk_id = \(chunk), row = \(row)
      WHERE watched AND EXISTS (
        SELECT 1 FROM main.\(target.quotedIdentifier) AS \(alias)
        WHERE \(isSame) AND (\(condition)))
      """
  }

  /// Watches the key (parameters 1…).
  var watchSQL: String {
    """
    INSERT INTO \(table) VALUES (\(parameters), NULL, NULL, NULL, 1)
    ON CONFLICT DO UPDATE SET watched = 1
    """
  }

  /// Yields, for a key (parameters 1…) that is recorded or watched, whether a row after that one
  /// (``rowParameter``) of the run, or a later run, has written it.
  func isNewerSQL(than sequence: Int64) -> String {
    """
    SELECT coalesce(
      sequence > \(sequence) OR (sequence = \(sequence) AND row > ?\(rowParameter)), 0)
    FROM \(table) WHERE \(condition)
    """
  }
}

extension String {
  /// The text without what would end a comment of SQL.
  var commentText: String { replacing("*/", with: "* /") }
}
