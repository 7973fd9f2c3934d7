internal import Cairn
internal import Parquet

/// Collects rows of a table, one by one, into columns.
///
/// Every column that the table declares is in the batch, null where a row says nothing of it. Columns
/// that it does not declare come behind them, if a row mentions them.
struct TableRowsBuilder {
  /// A value; its case must be that of the column's type.
  enum Cell {
    /// `text` and `json`.
    case text(String)
    case boolean(Bool)
    case integer(Int32)
    case bigint(Int64)
    case double(Double)
    /// Days since 1970-01-01.
    case date(Int32)
    /// `timestamptz`: microseconds since 1970-01-01 UTC.
    case instant(Int64)
  }

  private let table: String
  private var columns: [CellColumn]
  private var places: [String: Int]
  /// How many rows there are, with the one that is open.
  private(set) var rowCount = 0

  /// Begins without rows.
  init(_ table: RecordTable) {
    self.table = table.name
    columns = table.columns.map { CellColumn(name: $0.name, type: $0.type) }
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
      columns.append(CellColumn(name: name, type: type))
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
      table: table, batch: try RecordBatch(columns: columns.map { $0.column(rows: rowCount) }))
  }
}

/// A column that grows.
private struct CellColumn {
  let name: String
  let type: ColumnType
  private var values: CellValues?
  private var indices: [UInt32] = []

  private enum CellValues {
    case text([String])
    case boolean([Bool])
    case integer([Int32])
    case bigint([Int64])
    case double([Double])
    case date([Int32])
    case instant([Int64])
  }

  init(name: String, type: ColumnType) {
    self.name = name
    self.type = type
    values =
      switch type {
      case .text, .json: .text([])
      case .boolean: .boolean([])
      case .integer: .integer([])
      case .bigint: .bigint([])
      case .double: .double([])
      case .date: .date([])
      case .timestamptz: .instant([])
      case .numeric, .time, .timestamp, .uuid: nil
      }
  }

  mutating func set(_ cell: TableRowsBuilder.Cell, row: Int) {
    let count: Int
    // The list is taken out, so that it is not copied.
    let taken = values
    values = nil
    switch (taken, cell) {
    case (.text(var list), .text(let value)):
      count = list.count
      list.append(value)
      values = .text(list)
    case (.boolean(var list), .boolean(let value)):
      count = list.count
      list.append(value)
      values = .boolean(list)
    case (.integer(var list), .integer(let value)):
      count = list.count
      list.append(value)
      values = .integer(list)
    case (.bigint(var list), .bigint(let value)):
      count = list.count
      list.append(value)
      values = .bigint(list)
    case (.double(var list), .double(let value)):
      count = list.count
      list.append(value)
      values = .double(list)
    case (.date(var list), .date(let value)):
      count = list.count
      list.append(value)
      values = .date(list)
    case (.instant(var list), .instant(let value)):
      count = list.count
      list.append(value)
      values = .instant(list)
    default:
      values = taken
      return
    }
    while indices.count < row { indices.append(Column.null) }
    if indices.count > row {
      indices[row] = UInt32(count)
    } else {
      indices.append(UInt32(count))
    }
  }

  func column(rows: Int) -> Column {
    Column(
      name: name, type: type, values: columnValues,
      indices: indices + Array(repeating: Column.null, count: rows - indices.count))
  }

  private var columnValues: ColumnValues {
    switch values {
    case .text(let list): .text(ByteStrings(list))
    case .boolean(let list): .boolean(list)
    case .integer(let list): .integer(list)
    case .bigint(let list): .bigint(list)
    case .double(let list): .double(list)
    case .date(let list): .date(list)
    case .instant(let list): .timestamp(list)
    case nil: .text(ByteStrings([String]()))
    }
  }
}
