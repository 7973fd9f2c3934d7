import Cairn

/// Creates a table for records, or checks that the one there fits, and adds the columns that it lacks
/// if it is told to.
struct RecordTablePreparation {
  let table: RecordTable
  let name: QualifiedName
  let evolution: FieldEvolution

  /// Whether the table is to be created or to get columns.
  func changesTable(_ shapes: ShapeCache, on connection: Connection) throws -> Bool {
    guard try preparation(of: table.columns).exists(on: connection) else { return true }
    guard evolution == .evolve else { return false }
    let found = try shapes.read(name, on: connection)
    return !table.columns.allSatisfy { found.column(named: $0.name) != nil }
  }

  /// Creates, checks or evolves the table in the transaction that is open.
  ///
  /// - Returns: The names of the columns that rows may have.
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)``.
  func run(_ shapes: ShapeCache, on connection: Connection) throws -> [String] {
    guard table.problems.isEmpty else {
      throw SinkError.targetMismatch(
        table: name.sql, problems: table.problems, remedy: "Correct what the source declares.")
    }
    guard try preparation(of: table.columns).exists(on: connection) else {
      _ = try preparation(of: table.columns).run(shapes, on: connection)
      if let index { try connection.execute(index) }
      return table.columns.map(\.name)
    }
    let found = try shapes.read(name, on: connection)
    let missing = table.columns.filter { found.column(named: $0.name) == nil }
    var columns = table.columns
    switch evolution {
    case .evolve: break
    case .freeze:
      guard missing.isEmpty else { throw frozen(missing) }
    case .ignore:
      let needed = missing.filter { table.indispensable.contains($0.name) }
      guard needed.isEmpty else { throw frozen(needed) }
      columns.removeAll { column in missing.contains { $0.name == column.name } }
    }
    _ = try preparation(of: columns).run(shapes, on: connection)
    return columns.map(\.name)
  }

  private func preparation(of columns: [TargetColumn]) -> TargetPreparation {
    TargetPreparation(
      target: TargetTable(
        name: name.sql, columns: columns, key: table.key, mode: .upsert,
        mayAddColumns: evolution == .evolve),
      name: name)
  }

  /// The statement that makes the rows of a parent quick to find, where the key does not.
  private var index: String? {
    let columns = table.parentColumns
    guard !columns.isEmpty, Set(table.key.prefix(columns.count)) != Set(columns) else { return nil }
    return "CREATE INDEX ON \(name.sql) "
      + "(\(columns.map(\.quotedIdentifier).joined(separator: ", ")))"
  }

  private func frozen(_ missing: [TargetColumn]) -> SinkError {
    let additions = missing.map { column in
      "  ALTER TABLE \(name.sql) ADD COLUMN \(column.name.quotedIdentifier) "
        + "\(column.type.declaredType);"
    }
    let isChosen = evolution == .freeze
    return .targetMismatch(
      table: name.sql,
      problems: missing.map { column in
        "column '\(column.name)' (\(column.type)) is missing, "
          + (isChosen
            ? "and new fields are an error (freeze)" : "which cannot be left out (ignore)")
      },
      remedy: "Add what is missing:\n\(additions.joined(separator: "\n"))\nor let new fields become"
        + " columns (evolve)" + (isChosen ? " or be left out (ignore)." : "."))
  }
}
