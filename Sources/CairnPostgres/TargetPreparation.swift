import Cairn

/// Creates a target, or checks that the one there fits the job.
struct TargetPreparation {
  let target: TargetTable
  let name: QualifiedName

  /// Creates or checks the target in the transaction that is open.
  ///
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)``.
  func run(_ shapes: ShapeCache, on connection: Connection) throws -> TargetShape {
    try checkJob()
    if try !exists(on: connection) { try create(on: connection) }
    var shape = try shapes.read(name, on: connection)
    if target.mayAddColumns {
      for column in target.columns where shape.column(named: column.name) == nil {
        try connection.execute(addition(of: column))
      }
      shape = try shapes.read(name, on: connection)
    }
    if target.mayCreateKey, !target.key.isEmpty, shape.uniqueKey(on: target.key) == nil,
      target.key.allSatisfy({ shape.column(named: $0) != nil })
    {
      try createKey(on: connection)
      shape = try shapes.read(name, on: connection)
    }
    try check(shape, on: connection)
    return shape
  }

  private func createKey(on connection: Connection) throws {
    do {
      try connection.execute(keyCreation)
    } catch let failure as PostgresFailure where failure.state == "23505" {
      throw SinkError.targetMismatch(
        table: target.name,
        problems: ["it has rows with equal (\(keyList)), so that no unique index can be created"],
        remedy: "Delete all but one of such rows, or load by another key.")
    }
  }

  /// Whether anything of the target's name is there.
  func exists(on connection: Connection) throws -> Bool {
    try connection.query(
      """
      SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2
      """, [.text(name.schema), .text(name.name)]
    ).rowCount > 0
  }

  private func create(on connection: Connection) throws {
    do {
      try connection.execute(creation)
    } catch let failure as PostgresFailure where failure.state == "42501" {
      throw SinkError.fatal(
        "table \(name.sql) is missing, and this role may not create it: \(failure.message)",
        remedy: "Let somebody who may create it run:\n\(creation);\n"
          + "GRANT SELECT, INSERT, UPDATE, DELETE ON \(name.sql) TO the role;")
    }
  }

  /// The statement that creates the table.
  var creation: String {
    var lines = target.columns.map { column -> String in
      var line = "\(column.name.quotedIdentifier) \(column.type.declaredType)"
      if column.isRequired || target.key.contains(column.name) { line += " NOT NULL" }
      return line
    }
    if !target.key.isEmpty { lines.append("PRIMARY KEY (\(keyList))") }
    return """
      CREATE TABLE \(name.sql) (
        \(lines.joined(separator: ",\n  "))
      )
      """
  }

  private var keyList: String { target.key.map(\.quotedIdentifier).joined(separator: ", ") }

  private func addition(of column: TargetColumn) -> String {
    "ALTER TABLE \(name.sql) ADD COLUMN \(column.name.quotedIdentifier) "
      + column.type.declaredType
  }

  /// What would be wrong with any table.
  private func checkJob() throws {
    var problems: [String] = []
    var seen = Set<String>()
    for column in target.columns {
      if !seen.insert(column.name).inserted {
        problems.append("column '\(column.name)' is loaded twice")
      }
      if column.name.utf8.count > TableName.longest || column.name.utf8.contains(0)
        || column.name.isEmpty
      {
        problems.append("'\(column.name)' cannot be the name of a column in PostgreSQL")
      }
    }
    if target.columns.isEmpty { problems.append("the job loads no column") }
    for key in target.key where !seen.contains(key) {
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

  private func check(_ shape: TargetShape, on connection: Connection) throws {
    var problems: [String] = []
    var remedies: [String] = []
    for column in target.columns { check(column, shape, &problems, &remedies) }
    for column in shape.columns where !target.columns.contains(where: { $0.name == column.name }) {
      check(unloaded: column, &problems, &remedies)
    }
    if !target.key.isEmpty, shape.uniqueKey(on: target.key) == nil {
      problems.append(
        "no primary key or unique index consists of just (\(keyList)) and is valid, immediate and "
          + "without a condition")
      remedies.append(keyCreation)
    }
    for name in target.key {
      if let column = shape.column(named: name), column.base.array == 0 {
        problems.append(
          "key column '\(name)' is \(column.declaredType), by which no keys can be looked up")
      }
    }
    if shape.hasRules {
      problems.append("it has rules, which rows that are copied in pass by; use triggers instead")
    }
    if !shape.missingPrivileges.isEmpty {
      problems.append("this role lacks \(shape.missingPrivileges.joined(separator: ", ")) on it")
      remedies.append(
        "GRANT \(shape.missingPrivileges.joined(separator: ", ")) ON \(name.sql) TO CURRENT_USER;")
    }
    if target.mode == .replace { try checkReplacing(shape, &problems, &remedies, on: connection) }
    guard problems.isEmpty else {
      throw SinkError.targetMismatch(
        table: target.name, problems: problems,
        remedy: remedies.isEmpty
          ? "Change the table or the job's columns."
          : "Change the table or the job's columns, for example:\n"
            + remedies.map { "  \($0)" }.joined(separator: "\n"))
    }
  }

  /// The statement that makes the key that is missing.
  var keyCreation: String {
    let index = String("\(name.name)_\(target.key.joined(separator: "_"))_key".prefix(60))
    return "CREATE UNIQUE INDEX \(index.quotedIdentifier) ON \(name.sql) (\(keyList));"
  }

  private func check(
    _ column: TargetColumn, _ shape: TargetShape, _ problems: inout [String],
    _ remedies: inout [String]
  ) {
    guard let found = shape.column(named: column.name) else {
      let similar = shape.columns.first { $0.name.lowercased() == column.name.lowercased() }
      problems.append(
        "column '\(column.name)' (\(column.type)) is missing"
          + (similar.map { "; there is '\($0.name)', which is another name" } ?? ""))
      remedies.append("\(addition(of: column));")
      return
    }
    let place = "\(name.sql) ALTER COLUMN \(found.name.quotedIdentifier)"
    if found.isGenerated {
      problems.append(
        "column '\(found.name)' is generated by the server: leave it out of the job's columns")
      remedies.append("ALTER TABLE \(place) DROP EXPRESSION;")
    } else if found.identity == "a" {
      problems.append(
        "column '\(found.name)' is always numbered by the server: leave it out of the job's columns"
      )
      remedies.append("ALTER TABLE \(place) SET GENERATED BY DEFAULT;")
    } else if let misfit = column.type.misfit(in: found) {
      problems.append(misfit)
      remedies.append("ALTER TABLE \(place) TYPE \(column.type.declaredType);")
    }
  }

  private func check(
    unloaded column: ShapeColumn, _ problems: inout [String], _ remedies: inout [String]
  ) {
    let filled = column.hasDefault || column.isGenerated || !column.identity.isEmpty
    let place = "\(name.sql) ALTER COLUMN \(column.name.quotedIdentifier)"
    if column.isNotNull, !filled {
      problems.append(
        "column '\(column.name)' is NOT NULL without a default, and the job does not load it")
      remedies.append("ALTER TABLE \(place) DROP NOT NULL;")
    } else if column.domainForbidsNull {
      problems.append(
        "column '\(column.name)' is of a domain that allows no NULL, and the job does not load it")
      remedies.append("ALTER TABLE \(place) TYPE \(column.base.sql);")
    }
  }

  private func checkReplacing(
    _ shape: TargetShape, _ problems: inout [String], _ remedies: inout [String],
    on connection: Connection
  ) throws {
    let mayCreate = try connection.query(
      "SELECT has_schema_privilege($1, 'CREATE')", [.text(name.schema)]
    ).isTrue(0, 0)
    if !mayCreate {
      problems.append(
        "mode replace makes a table beside it, and this role may not create one in schema "
          + "'\(name.schema)'")
      remedies.append("GRANT CREATE ON SCHEMA \(name.schema.quotedIdentifier) TO CURRENT_USER;")
    }
    // A table that takes the target's place deletes no rows; emptying the target does.
    guard try TableSwap.obstacle(to: shape, on: connection) != nil else { return }
    problems += try Self.harmOfDeleting(from: shape, on: connection)
  }

  /// Rows of other tables that deleting the target's rows would delete or change.
  static func harmOfDeleting(
    from shape: TargetShape, on connection: Connection
  ) throws -> [String] {
    let harmed = try connection.query(
      """
      SELECT conrelid::regclass, CASE confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL'
        WHEN 'd' THEN 'SET DEFAULT' END
      FROM pg_constraint
      WHERE contype = 'f' AND confrelid = $1 AND conrelid <> $1 AND confdeltype IN ('c', 'n', 'd')
      """, [.integer(shape.oid)])
    return (0..<harmed.rowCount).map { row in
      "table \(harmed.text(row, 0) ?? "") refers to it with ON DELETE \(harmed.text(row, 1) ?? ""),"
        + " which replacing would set off; use mode upsert"
    }
  }
}
