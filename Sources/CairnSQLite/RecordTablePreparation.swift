import Cairn
import GRDB

/// Creates a table for records, or checks that the one there fits, and adds the columns that it lacks
/// if it is told to.
struct RecordTablePreparation {
  let table: RecordTable
  let name: TableName
  let evolution: FieldEvolution

  /// Creates, checks or evolves the table in the transaction that is open.
  ///
  /// - Returns: The names of the columns that rows may have.
  /// - Throws: ``SinkError/targetMismatch(table:problems:remedy:)``.
  func run(_ shapes: ShapeCache, in db: Database) throws -> [String] {
    guard table.problems.isEmpty else {
      throw SinkError.targetMismatch(
        table: name.name, problems: table.problems, remedy: "Correct what the source declares.")
    }
    let found: TargetShape?
    do {
      found = try TargetShape.read(name, in: db)
    } catch let error as NotATable {
      throw SinkError.targetMismatch(
        table: name.name, problems: ["it is a \(error.kind)"],
        remedy: "Records can only be written into a table.")
    }
    guard let found else {
      _ = try preparation(of: table.columns).run(shapes, in: db)
      if let index { try db.execute(sql: index) }
      return table.columns.map(\.name)
    }
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
    _ = try preparation(of: columns).run(shapes, in: db)
    return columns.map(\.name)
  }

  private func preparation(of columns: [TargetColumn]) throws -> TargetPreparation {
    try TargetPreparation(
      TargetTable(
        name: name.quoted, columns: columns, key: table.key, mode: .upsert,
        mayAddColumns: evolution == .evolve))
  }

  /// The statement that makes the rows of a parent quick to find, where the key does not.
  private var index: String? {
    let columns = table.parentColumns
    guard !columns.isEmpty, Set(table.key.prefix(columns.count)) != Set(columns) else { return nil }
    let index = "\(name.name)_\(columns.joined(separator: "_"))"
    let list = columns.map(\.quotedIdentifier).joined(separator: ", ")
    return "CREATE INDEX IF NOT EXISTS \(index.quotedIdentifier) ON \(name.quoted) (\(list))"
  }

  private func frozen(_ missing: [TargetColumn]) -> SinkError {
    let additions = missing.map { column in
      "  ALTER TABLE \(name.quoted) ADD COLUMN \(column.name.quotedIdentifier)"
        + (column.type.declaredType.map { " \($0)" } ?? "") + ";"
    }
    let isChosen = evolution == .freeze
    return .targetMismatch(
      table: name.name,
      problems: missing.map { column in
        "column '\(column.name)' (\(column.type)) is missing, "
          + (isChosen
            ? "and new fields are an error (freeze)" : "which cannot be left out (ignore)")
      },
      remedy: "Add what is missing:\n\(additions.joined(separator: "\n"))\nor let new fields become"
        + " columns (evolve)" + (isChosen ? " or be left out (ignore)." : "."))
  }
}
