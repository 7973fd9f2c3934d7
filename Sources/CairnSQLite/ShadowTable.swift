import Cairn
import GRDB

/// The table that a replacing run fills while the old rows stay visible.
struct ShadowTable {
  /// Its name.
  var name: String

  init(of syncID: SyncID) { name = "cairn_shadow_\(syncID)" }

  /// Whether it is there.
  func exists(in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db, sql: "SELECT EXISTS (SELECT 1 FROM main.sqlite_master WHERE name = ?)",
      arguments: [name]) == true
  }

  /// Creates it like the target: columns, constraints and unique indexes.
  func create(like shape: TargetShape, in db: Database) throws {
    let indexes = try String.fetchAll(
      db,
      sql: """
        SELECT m.sql FROM main.sqlite_master m
        JOIN pragma_index_list(?, 'main') i ON i.name = m.name
        WHERE m.type = 'index' AND i."unique" AND m.sql IS NOT NULL
        """,
      arguments: [shape.name])
    // SQLite itself rewrites the statements for the other name, references of the table to itself
    // included: in a database of its own, where the table is renamed.
    let statements = try DatabaseQueue().writeWithoutTransaction { scratch in
      try scratch.execute(sql: "PRAGMA foreign_keys = OFF")
      try scratch.execute(sql: shape.sql)
      for sql in indexes { try scratch.execute(sql: sql) }
      try scratch.execute(
        sql: "ALTER TABLE \(shape.name.quotedIdentifier) RENAME TO \(name.quotedIdentifier)")
      return try String.fetchAll(
        scratch,
        sql: """
          SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL
          ORDER BY type DESC, rowid
          """,
        arguments: [name])
    }
    for (number, sql) in statements.enumerated() {
      if number == 0 {
        try db.execute(sql: sql)
      } else {
        try db.execute(sql: try Self.renamingIndex(sql, to: "\(name)_\(number)"))
      }
    }
  }

  /// Replaces the rows of the target by the ones loaded here, and drops this table.
  func swap(into shape: TargetShape, columns: [String], in db: Database) throws {
    let target = shape.name.quotedIdentifier
    let shadow = name.quotedIdentifier
    let list = columns.map(\.quotedIdentifier).joined(separator: ", ")
    try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
    try db.execute(sql: "DELETE FROM main.\(target)")
    let order = shape.isWithoutRowID ? "" : " ORDER BY rowid"
    try db.execute(
      sql: "INSERT INTO main.\(target) (\(list)) SELECT \(list) FROM main.\(shadow)\(order)")
    try drop(in: db)
  }

  /// Drops it, if it is there.
  func drop(in db: Database) throws {
    try db.execute(sql: "DROP TABLE IF EXISTS main.\(name.quotedIdentifier)")
  }

  /// Gives the index of a stored `CREATE UNIQUE INDEX name ON …` another name.
  static func renamingIndex(_ sql: String, to name: String) throws -> String {
    let prefix = "CREATE UNIQUE INDEX "
    guard sql.hasPrefix(prefix) else {
      throw SinkError.fatal("the index definition \(sql) is not understood", remedy: "")
    }
    let rest = sql.dropFirst(prefix.count)
    let end: Substring.Index?
    switch rest.first {
    case "\"": end = Self.endOfQuoted(rest, by: "\"")
    case "`": end = Self.endOfQuoted(rest, by: "`")
    case "'": end = Self.endOfQuoted(rest, by: "'")
    case "[": end = rest.firstIndex(of: "]").map { rest.index(after: $0) }
    default: end = rest.firstIndex { $0.isWhitespace }
    }
    guard let end else {
      throw SinkError.fatal("the index definition \(sql) is not understood", remedy: "")
    }
    return prefix + name.quotedIdentifier + rest[end...]
  }

  private static func endOfQuoted(_ text: Substring, by quote: Character) -> Substring.Index? {
    var position = text.index(after: text.startIndex)
    while position < text.endIndex {
      let next = text.index(after: position)
      if text[position] == quote {
        guard next < text.endIndex, text[next] == quote else { return next }
        position = text.index(after: next)
      } else {
        position = next
      }
    }
    return nil
  }
}
