internal import Cairn

/// Collects rows of a table, one by one, into columns.
///
/// Every column that the table declares is in the batch, null where a row says nothing of it. Columns
/// that it does not declare come behind them, if a row mentions them. ``RecordRows`` is for tables of
/// which each column has its place in the record.
struct TableRowsBuilder {
  typealias Cell = GrowingColumn.Cell

  private let table: String
  private var columns: [GrowingColumn]
  private var places: [String: Int]
  /// How many rows there are, with the one that is open.
  private(set) var rowCount = 0

  /// Begins without rows.
  init(_ table: RecordTable) {
    self.table = table.name
    columns = table.columns.map { GrowingColumn(name: $0.name, type: $0.type) }
    places = Dictionary(
      columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Begins a row. What is not set in it is null.
  mutating func beginRow() { rowCount += 1 }

  /// Sets a value of the row. A value of another type than the column's is left out.
  mutating func set(_ name: String, _ cell: Cell?) {
    guard let cell, let place = places[name] else { return }
    columns[place].set(cell, row: rowCount - 1)
  }

  /// Sets a value of a column that the table need not declare. Where the value is nil the column is there
  /// all the same: what was cleared at the source is to be cleared in the target.
  mutating func set(_ name: String, type: ColumnType, _ cell: Cell?) {
    if places[name] == nil {
      places[name] = columns.count
      columns.append(GrowingColumn(name: name, type: type))
    }
    set(name, cell)
  }

  mutating func set(_ name: String, _ text: String?) { set(name, text.map { .text($0) }) }
  mutating func set(_ name: String, _ number: Int64?) { set(name, number.map { .bigint($0) }) }
  mutating func set(_ name: String, _ flag: Bool?) { set(name, flag.map { .boolean($0) }) }
  mutating func set(_ name: String, _ instant: Instant?) {
    set(name, instant.map { .instant($0.microseconds) })
  }

  /// The rows.
  func rows() throws(RecordBatchError) -> TableRows {
    TableRows(
      table: table,
      batch: try RecordBatch(
        columns: columns.map { column in
          var column = column
          column.fill(rows: rowCount)
          return column.column()
        }))
  }
}
