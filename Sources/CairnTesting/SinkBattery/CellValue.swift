public import Cairn
internal import Parquet

/// The value of one cell of a target, as its column's type understands it.
public enum CellValue: Sendable, Hashable, CustomStringConvertible {
  /// No value.
  case null
  /// `text` and `json`.
  case text(String)
  /// `boolean`.
  case boolean(Bool)
  /// `integer` and `bigint`.
  case integer(Int64)
  /// `double`.
  case double(Double)
  /// `numeric(p,s)`: the number times 10^s.
  case numeric(Int128)
  /// `date`: days since 1970-01-01.
  case date(Int32)
  /// `time`: microseconds since midnight.
  case time(Int64)
  /// `timestamp` and `timestamptz`: microseconds since 1970-01-01 00:00:00.
  case timestamp(Int64)
  /// `uuid`: the 16 bytes as a big-endian number.
  case uuid(UInt128)

  /// The value as failures show it.
  public var description: String {
    switch self {
    case .null: "null"
    case .text(let value): "'\(value)'"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .double(let value): "\(value)"
    case .numeric(let value): "\(value)e-scale"
    case .date(let value): "day \(value)"
    case .time(let value): "\(value) µs"
    case .timestamp(let value): "\(value) µs"
    case .uuid(let value): "uuid \(String(value, radix: 16))"
    }
  }
}

extension RecordBatch {
  /// Makes a batch of plain rows.
  ///
  /// The dictionaries are made the hard way: values are repeated in them, and one is used by no row.
  ///
  /// - Parameters:
  ///   - columns: What the columns hold.
  ///   - rows: For each row a value for each column, of the column's type.
  /// - Throws: ``BatteryFailure`` when a value is not of its column's type.
  public init(columns: [TargetColumn], rows: [[CellValue]]) throws {
    var made: [Column] = []
    for (position, column) in columns.enumerated() {
      let cells = rows.map { $0[position] }
      let indices = cells.enumerated().map { row, cell in
        cell == .null ? Column.null : UInt32(row)
      }
      made.append(
        Column(
          name: column.name, type: column.type,
          values: try Self.values(cells, of: column), indices: indices))
    }
    try self.init(columns: made)
  }

  private static func values(_ cells: [CellValue], of column: TargetColumn) throws -> ColumnValues {
    /// The values, with `filler` where there is none.
    func taken<Value>(_ filler: Value, _ value: (CellValue) -> Value?) throws -> [Value] {
      try cells.map { cell in
        if cell == .null { return filler }
        guard let value = value(cell) else {
          throw BatteryFailure(
            "a value for column '\(column.name)'", expected: "\(column.type)", found: "\(cell)")
        }
        return value
      }
    }
    switch column.type {
    case .text, .json:
      return .text(ByteStrings(try taken("") { if case .text(let it) = $0 { it } else { nil } }))
    case .boolean:
      return .boolean(try taken(false) { if case .boolean(let it) = $0 { it } else { nil } })
    case .integer:
      return .integer(
        try taken(0) { if case .integer(let it) = $0 { Int32(exactly: it) } else { nil } })
    case .bigint:
      return .bigint(try taken(0) { if case .integer(let it) = $0 { it } else { nil } })
    case .double:
      return .double(try taken(0) { if case .double(let it) = $0 { it } else { nil } })
    case .numeric:
      return .numeric(try taken(0) { if case .numeric(let it) = $0 { it } else { nil } })
    case .date:
      return .date(try taken(0) { if case .date(let it) = $0 { it } else { nil } })
    case .time:
      return .time(try taken(0) { if case .time(let it) = $0 { it } else { nil } })
    case .timestamp, .timestamptz:
      return .timestamp(try taken(0) { if case .timestamp(let it) = $0 { it } else { nil } })
    case .uuid:
      return .uuid(try taken(0) { if case .uuid(let it) = $0 { it } else { nil } })
    }
  }
}
