import Cairn
import GRDB

/// Creates a target, or checks that the one there fits the job.
struct TargetPreparation {
  let target: TargetTable
  let table: TableName

  init(_ target: TargetTable) throws {
    self.target = target
    table = try TableName(target.name)
  }

  /// Creates or checks the target in the transaction that is open.
  ///
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)``.
  func run(_ shapes: ShapeCache, in db: Database) throws -> TargetShape {
    try checkJob()
    do {
      if try TargetShape.read(table, in: db) == nil { try db.execute(sql: creation) }
    } catch is NotATable {
      // Reading the shape again says what it is.
    }
    var shape = try shapes.current(table, in: db)
    if target.mayAddColumns {
      for column in target.columns where shape.column(named: column.name) == nil {
        try db.execute(sql: addition(of: column))
      }
      shape = try shapes.current(table, in: db)
    }
    if target.mayCreateKey, !target.key.isEmpty, shape.uniqueKey(on: target.key) == nil,
      target.key.allSatisfy({ shape.column(named: $0) != nil })
    {
      try createKey(in: db)
      shape = try shapes.current(table, in: db)
    }
    try check(shape, in: db)
    return shape
  }

  /// The statement that makes a key that is missing.
  private var keyCreation: String {
    let name = "\(table.name)_\(target.key.joined(separator: "_"))"
    return "CREATE UNIQUE INDEX \(name.quotedIdentifier) ON \(table.quoted) (\(keyList));"
  }

  private func createKey(in db: Database) throws {
    do {
      try db.execute(sql: keyCreation)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
      throw SinkError.targetMismatch(
        table: target.name,
        problems: ["it has rows with equal (\(keyList)), so that no unique index can be created"],
        remedy: "Delete all but one of such rows, or load by another key.")
    }
  }

  /// The statement that creates the table.
  var creation: String {
    var lines = target.columns.map { column -> String in
      var line = column.name.quotedIdentifier
      if let type = column.type.declaredType {
        line += " \(type)"
      } else {
        line += " /* \(column.type) */"
      }
      if column.isRequired || isKey(column.name) { line += " NOT NULL" }
      return line
    }
    if !target.key.isEmpty { lines.append("PRIMARY KEY (\(keyList))") }
    return """
      CREATE TABLE \(table.quoted) (
        \(lines.joined(separator: ",\n  "))
      )
      """
  }

  private var keyList: String { target.key.map(\.quotedIdentifier).joined(separator: ", ") }

  private func isKey(_ name: String) -> Bool { target.key.contains { $0.isSameName(as: name) } }

  private func addition(of column: TargetColumn) -> String {
    let type = column.type.declaredType.map { " \($0)" } ?? ""
    return "ALTER TABLE main.\(table.quoted) ADD COLUMN \(column.name.quotedIdentifier)\(type)"
  }

  /// What would be wrong with any table.
  private func checkJob() throws {
    var problems: [String] = []
    var seen = Set<String>()
    for column in target.columns where !seen.insert(column.name.asciiLowercased).inserted {
      problems.append("column '\(column.name)' is loaded twice (SQLite ignores case in names)")
    }
    if target.columns.isEmpty { problems.append("the job loads no column") }
    for key in target.key where !seen.contains(key.asciiLowercased) {
      problems.append("key column '\(key)' is not among the columns that the job loads")
    }
    if target.key.isEmpty, target.mode == .upsert || target.mode == .insertOnly {
      problems.append("mode \(target.mode.rawValue) needs a key")
    }
    guard problems.isEmpty else {
      throw SinkError.targetMismatch(
        table: target.name, problems: problems, remedy: "Correct the job.")
    }
  }

  private func check(_ shape: TargetShape, in db: Database) throws {
    var problems: [String] = []
    var remedies: [String] = []
    for column in target.columns {
      guard let found = shape.column(named: column.name) else {
        problems.append("column '\(column.name)' (\(column.type)) is missing")
        remedies.append("\(addition(of: column));")
        continue
      }
      if found.isGenerated {
        problems.append("column '\(found.name)' is generated and cannot be loaded")
      } else if let misfit = column.type.misfit(in: found, isStrict: shape.isStrict) {
        problems.append(misfit)
      }
    }
    for column in shape.columns
    where column.isNotNull && !column.hasDefault && !column.isGenerated
      && !target.columns.contains(where: { $0.name.isSameName(as: column.name) })
      && column.name != shape.rowIDAlias
    {
      problems.append(
        "column '\(column.name)' is NOT NULL without a default, and the job does not load it")
    }
    if !target.key.isEmpty, shape.uniqueKey(on: target.key) == nil {
      problems.append("no primary key or unique index consists of just (\(keyList))")
      remedies.append(keyCreation)
    }
    if target.mode == .replace { problems += try harmOfReplacing(shape, in: db) }
    guard problems.isEmpty else {
      throw SinkError.targetMismatch(
        table: shape.name, problems: problems,
        remedy: remedies.isEmpty
          ? "Change the table or the job's columns."
          : "Change the table or the job's columns, for example:\n"
            + remedies.map { "  \($0)" }.joined(separator: "\n"))
    }
  }

  /// Rows of other tables that deleting the target's rows would delete or change.
  private func harmOfReplacing(_ shape: TargetShape, in db: Database) throws -> [String] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT DISTINCT m.name, f.on_delete
        FROM main.sqlite_master m, pragma_foreign_key_list(m.name, 'main') f
        WHERE m.type = 'table' AND f."table" = ? COLLATE NOCASE AND m.name <> ?
          AND f.on_delete <> 'NO ACTION'
        """,
      arguments: [shape.name, shape.name]
    ).map { row in
      let child: String = row["name"]
      let action: String = row["on_delete"]
      return
        "table '\(child)' refers to it with ON DELETE \(action), which replacing would set off; "
        + "use mode upsert"
    }
  }
}
