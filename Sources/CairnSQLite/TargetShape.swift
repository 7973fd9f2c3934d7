import Cairn
import GRDB

/// A table as it is in the database: what decides how rows are written into it.
struct TargetShape: Sendable, Hashable {
  /// Its name as it was created.
  var name: String
  /// The SQL that created it.
  var sql: String
  /// Its columns, hidden ones left out.
  var columns: [ShapeColumn]
  /// The combinations of columns that are unique in all of the table.
  var uniqueKeys: [UniqueKey]
  /// The column that is the rowid itself, if one is.
  var rowIDAlias: String?
  /// Whether it is a WITHOUT ROWID table.
  var isWithoutRowID: Bool
  /// Whether it is a STRICT table.
  var isStrict: Bool
  /// Whether it has triggers.
  var hasTriggers: Bool

  /// The column of that name, as SQLite compares names.
  func column(named name: String) -> ShapeColumn? {
    columns.first { $0.name.isSameName(as: name) }
  }

  /// The unique key that consists of just these columns, in any order.
  func uniqueKey(on key: [String]) -> UniqueKey? {
    let wanted = Set(key.map(\.asciiLowercased))
    return uniqueKeys.first {
      $0.columns.count == wanted.count && Set($0.columns.map(\.name.asciiLowercased)) == wanted
    }
  }

  /// Reads the shape of a table; nil when there is no such table, view or virtual table.
  ///
  /// - Throws: ``NotATable`` when it is a view or a virtual table.
  static func read(_ table: TableName, in db: Database) throws -> TargetShape? {
    guard
      let entry = try Row.fetchOne(
        db,
        sql: """
          SELECT l.name, l.type, l.wr, l.strict, m.sql
          FROM pragma_table_list AS l
          JOIN main.sqlite_master AS m ON m.name = l.name AND m.type IN ('table', 'view')
          WHERE l.schema = 'main' AND l.name = ? COLLATE NOCASE
          """,
        arguments: [table.name])
    else { return nil }
    let type: String = entry["type"]
    guard type == "table" else { throw NotATable(kind: type == "view" ? "view" : "virtual table") }
    let name: String = entry["name"]
    let isStrict: Bool = entry["strict"]
    let isWithoutRowID: Bool = entry["wr"]
    var primaryKey: [(position: Int, column: ShapeColumn)] = []
    let columns = try Row.fetchAll(
      db, sql: "SELECT * FROM pragma_table_xinfo(?, 'main')", arguments: [name]
    ).compactMap { row -> ShapeColumn? in
      let hidden: Int = row["hidden"]
      guard hidden != 1 else { return nil }
      let declared: String = row["type"] ?? ""
      let column = ShapeColumn(
        name: row["name"], declaredType: declared,
        affinity: Affinity(declaredType: declared, isStrict: isStrict),
        isNotNull: row["notnull"], hasDefault: row["dflt_value"] != nil, isGenerated: hidden > 1)
      let position: Int = row["pk"]
      if position > 0 { primaryKey.append((position, column)) }
      return column
    }
    var uniqueKeys: [UniqueKey] = []
    var hasPrimaryKeyIndex = false
    let indexes = try Row.fetchAll(
      db, sql: "SELECT * FROM pragma_index_list(?, 'main')", arguments: [name])
    for index in indexes {
      if index["origin"] == "pk" { hasPrimaryKeyIndex = true }
      guard index["unique"] == true, index["partial"] == false else { continue }
      let indexName: String = index["name"]
      let parts = try Row.fetchAll(
        db, sql: "SELECT * FROM pragma_index_xinfo(?, 'main') WHERE key = 1",
        arguments: [indexName])
      let keyColumns = parts.compactMap { part -> KeyColumn? in
        guard let column: String = part["name"] else { return nil }
        return KeyColumn(name: column, collation: part["coll"])
      }
      // A part without a name is an expression or the rowid.
      if keyColumns.count == parts.count { uniqueKeys.append(UniqueKey(columns: keyColumns)) }
    }
    var rowIDAlias: String?
    if !isWithoutRowID, !hasPrimaryKeyIndex, primaryKey.count == 1 {
      let name = primaryKey[0].column.name
      rowIDAlias = name
      uniqueKeys.append(UniqueKey(columns: [KeyColumn(name: name, collation: "BINARY")]))
    }
    let triggers =
      try Int.fetchOne(
        db,
        sql: """
          SELECT count(*) FROM main.sqlite_master
          WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE
          """,
        arguments: [name]) ?? 0
    return TargetShape(
      name: name, sql: entry["sql"], columns: columns, uniqueKeys: uniqueKeys,
      rowIDAlias: rowIDAlias, isWithoutRowID: isWithoutRowID, isStrict: isStrict,
      hasTriggers: triggers > 0)
  }
}

/// A column of a table as it is.
struct ShapeColumn: Sendable, Hashable {
  var name: String
  var declaredType: String
  var affinity: Affinity
  var isNotNull: Bool
  var hasDefault: Bool
  var isGenerated: Bool
}

/// Columns that are unique together.
struct UniqueKey: Sendable, Hashable {
  var columns: [KeyColumn]

  /// How the key compares the values of a column.
  func collation(of column: String) -> String {
    columns.first { $0.name.isSameName(as: column) }?.collation ?? "BINARY"
  }
}

/// A column of a unique key.
struct KeyColumn: Sendable, Hashable {
  var name: String
  var collation: String
}

/// What was to be loaded is a view or a virtual table.
struct NotATable: Error {
  var kind: String
}
