public import Parquet

/// The distinct values of a column, in memory as its type needs them.
public enum ColumnValues: Sendable {
  /// `text` and `json`: UTF-8.
  case text(ByteStrings)
  /// `boolean`.
  case boolean([Bool])
  /// `integer`.
  case integer([Int32])
  /// `bigint`.
  case bigint([Int64])
  /// `double`.
  case double([Double])
  /// `numeric(p,s)`: the number times 10^s.
  case numeric([Int128])
  /// `date`: days since 1970-01-01.
  case date([Int32])
  /// `time`: microseconds since midnight.
  case time([Int64])
  /// `timestamp` and `timestamptz`: microseconds since 1970-01-01 00:00:00, of the local clock or
  /// of UTC.
  case timestamp([Int64])
  /// `uuid`: the 16 bytes as a big-endian number.
  case uuid([UInt128])

  /// How many values there are.
  public var count: Int {
    switch self {
    case .text(let values): values.count
    case .boolean(let values): values.count
    case .integer(let values): values.count
    case .bigint(let values): values.count
    case .double(let values): values.count
    case .numeric(let values): values.count
    case .date(let values): values.count
    case .time(let values): values.count
    case .timestamp(let values): values.count
    case .uuid(let values): values.count
    }
  }
}

/// A named, typed column of a record batch, dictionary-coded.
///
/// `values` holds each distinct value (a value may appear twice, and some may be used by no row);
/// `indices` says for each row which of them it holds, or ``null``. So that work is done once per
/// distinct value, every step from the parser to the sink keeps this form.
public struct Column: Sendable {
  /// The index of a row without a value.
  public static let null = UInt32.max

  /// The column's name.
  public var name: String
  /// What it holds.
  public var type: ColumnType
  /// The values rows refer to.
  public var values: ColumnValues
  /// For each row the position of its value in `values`, or ``null``. Nil when row `i` holds value
  /// `i` and none is null.
  public var indices: [UInt32]?

  /// Makes a column; `values` must be of the case that `type` calls for.
  public init(name: String, type: ColumnType, values: ColumnValues, indices: [UInt32]? = nil) {
    self.name = name
    self.type = type
    self.values = values
    self.indices = indices
  }

  /// How many rows the column has.
  public var rowCount: Int { indices?.count ?? values.count }

  /// The position in `values` of a row's value, or nil when the row has none.
  public func valueIndex(atRow row: Int) -> Int? {
    guard let indices else { return row }
    let index = indices[row]
    return index == Column.null ? nil : Int(index)
  }

  /// The column with only the rows given, in that order.
  public func selecting(rows: [UInt32]) -> Column {
    var selected = self
    if let indices {
      selected.indices = rows.map { indices[Int($0)] }
    } else {
      selected.indices = rows
    }
    return selected
  }
}
