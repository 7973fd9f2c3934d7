import Cairn
import GRDB

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Deletes rows that are not at their source any more, with those that belong to them, in the
/// transaction that is open.
struct VanishedRows {
  let staged: StagedSQLiteJobWork
  let standings: [TableName: EntityStanding]
  let db: Database

  /// - Returns: How many rows were deleted.
  func delete() throws -> Int {
    var deleted = 0
    for (tables, sweep) in staged.work.sweeps { deleted += try delete(outside: sweep, tables) }
    for children in staged.children { deleted += try delete(besides: children) }
    return deleted
  }

  // MARK: Sweeps

  private func delete(
    outside sweep: KeySweep, _ tables: [(table: RecordTable, name: String)]
  ) throws -> Int {
    guard let first = tables.first else { return 0 }
    let family = TableFamily(of: first.table, named: first.name, among: Array(tables.dropFirst()))
    guard family.members.count == tables.count else {
      throw SinkError.fatal(
        "of the tables that are swept, some do not belong to '\(first.name)'", remedy: "")
    }
    var conditions: [String] = []
    var arguments: [DatabaseValue] = []
    func add(_ condition: (String) -> String, _ value: DatabaseValue) {
      arguments.append(value)
      conditions.append(condition("?\(arguments.count)"))
    }
    for (name, text) in sweep.scope.sorted(by: { $0.key < $1.key }) {
      let value = try first.table.value(of: name, text)
      add({ "t0.\(name.quotedIdentifier) = \($0)" }, value)
    }
    let column = "t0.\(sweep.column.quotedIdentifier)"
    if let after = sweep.after { add({ "\(column) > \($0)" }, after.databaseValue) }
    if let through = sweep.through { add({ "\(column) <= \($0)" }, through.databaseValue) }
    let present = "[\(sweep.present.map(String.init).joined(separator: ","))]"
    add({ "\(column) NOT IN (SELECT value FROM json_each(\($0)))" }, present.databaseValue)
    return try delete(family, where: conditions.joined(separator: " AND "), arguments)
  }

  // MARK: Children

  private func delete(besides children: StagedSQLiteJobWork.Children) throws -> Int {
    guard let connection = db.sqliteConnection, let shape = staged.shapes[children.name],
      let key = shape.uniqueKey(on: children.table.key)
    else { throw SinkError.transient("table '\(children.name.name)' is being changed") }
    let parts = key.columns.indices.map { "k\($0)" }
    let parents = try keys(
      "\(self.parents(children, shape)), PRIMARY KEY (k0)", purpose: "parents")
    let kept = try keys(
      "\(RecordedKeys.definition(shape: shape, key: key)), PRIMARY KEY (\(parts.joined(separator: ", ")))",
      purpose: "kept")
    try fill(parents, with: children.parents, on: connection)
    for rows in staged.rows where rows.name == children.name {
      try fill(kept, with: rows.staged, on: connection)
    }
    // The columns on the left say how they compare: as the unique key does.
    let isKept = zip(parts, key.columns).map { part, column in
      "k.\(part) = t0.\(column.name.quotedIdentifier)"
    }
    return try delete(
      children.family,
      where: """
        t0.\(children.column.quotedIdentifier) IN (SELECT k0 FROM \(parents))
        AND NOT EXISTS (
          SELECT 1 FROM \(kept) AS k WHERE \(isKept.joined(separator: " AND ")))
        """, [])
  }

  /// An empty table of keys. It stays with the connection, named by what it is: each that is made or
  /// dropped has SQLite compile all statements anew, which were two fifths of a page's commit.
  private func keys(_ definition: String, purpose: String) throws -> String {
    let table = "temp." + "cairn \(purpose): \(definition)".quotedIdentifier
    try db.execute(
      sql: "CREATE TABLE IF NOT EXISTS \(table) (\(definition)) WITHOUT ROWID")
    try execute("DELETE FROM \(table)")
    return table
  }

  /// Executes a statement that further pages execute, too.
  private func execute(_ sql: String, _ arguments: [DatabaseValue] = []) throws {
    try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
  }

  private func parents(_ children: StagedSQLiteJobWork.Children, _ shape: TargetShape) -> String {
    RecordedKeys.definition(
      shape: shape,
      key: UniqueKey(columns: [KeyColumn(name: children.column, collation: "BINARY")]))
  }

  /// Writes the keys of rows into a table of keys.
  private func fill(
    _ table: String, with rows: StagedRows, on connection: OpaquePointer
  ) throws {
    let parameters = rows.keyPositions.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
    let insert = try staged.file.statement(
      "INSERT OR IGNORE INTO \(table) VALUES (\(parameters))", on: connection)
    try Binder.withBinders(for: rows.columns) { binders in
      for row in rows.groups.winners {
        for (position, column) in rows.keyPositions.enumerated() {
          binders[column].bind(
            binders[column].valueIndex(ofRow: Int(row)), to: insert.handle,
            at: Int32(position + 1))
        }
        try insert.run()
      }
    }
  }

  // MARK: Families

  /// Deletes rows of a table, and those that belong to them first.
  private func delete(
    _ family: TableFamily, where condition: String, _ arguments: [DatabaseValue]
  ) throws -> Int {
    let conditions = try family.conditions(first: condition, quoted: \.quotedIdentifier) {
      "main.\(try TableName($0.name).quoted)"
    }
    var deleted = 0
    for position in family.members.indices.reversed() {
      let name = family.members[position].name
      try touchKeys(
        of: TableName(name), as: "t\(position)", where: conditions[position], arguments)
      do {
        try execute(
          """
          DELETE FROM main.\(try TableName(name).quoted) AS t\(position)
          WHERE \(conditions[position])
          """, arguments)
      } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
        throw SinkError.fatal(
          "rows of table '\(name)' that are gone at the source cannot be deleted: "
            + (error.message ?? "\(error)"),
          remedy: "Let the constraint allow it, for example by ON DELETE CASCADE.")
      }
      deleted += db.changesCount
    }
    return deleted
  }

  /// Records of watched keys that their rows are gone: who comes back corrected is older than that.
  private func touchKeys(
    of name: TableName, as alias: String, where condition: String, _ arguments: [DatabaseValue]
  ) throws {
    guard let standing = standings[name], standing.areKeysWatched, let shape = staged.shapes[name]
    else { return }
    for key in shape.uniqueKeys {
      guard
        let recorded = try RecordedKeys.find(
          scope: name.identity, shape: shape, key: key, in: db)
      else { continue }
      try db.execute(
        sql: recorded.touchSQL(
          rowsOf: shape.name, as: alias, where: condition, sequence: standing.lastSequence,
          chunk: EntityStanding.chunk, row: EntityStanding.row),
        arguments: StatementArguments(arguments))
    }
  }
}

extension RecordTable {
  /// A column's value, given as text, as SQLite keeps it.
  fileprivate func value(of column: String, _ text: String) throws -> DatabaseValue {
    let type = columns.first { $0.name.isSameName(as: column) }?.type ?? .text
    let value: (any DatabaseValueConvertible)? =
      switch type {
      case .text, .json, .date, .time, .numeric: text
      case .uuid: text.asciiLowercased
      case .integer, .bigint: Int64(text)
      case .double: Double(text)
      case .boolean: ["true": 1, "false": 0][text]
      case .timestamp, .timestamptz: nil
      }
    guard let value else {
      throw SinkError.fatal(
        "a sweep of table '\(name)' cannot be limited to '\(text)' in column '\(column)' (\(type))",
        remedy: "")
    }
    return value.databaseValue
  }
}
