/// Values of one column chunk, in their Parquet physical type.
public enum PhysicalValues: Sendable {
  /// BOOLEAN.
  case boolean([Bool])
  /// INT32.
  case int32([Int32])
  /// INT64.
  case int64([Int64])
  /// INT96.
  case int96([Int96])
  /// FLOAT.
  case float([Float])
  /// DOUBLE.
  case double([Double])
  /// BYTE_ARRAY.
  case byteArray(ByteStrings)
  /// FIXED_LEN_BYTE_ARRAY: every string has the length its column declares.
  case fixedLengthByteArray(ByteStrings)

  /// How many values there are.
  public var count: Int {
    switch self {
    case .boolean(let values): values.count
    case .int32(let values): values.count
    case .int64(let values): values.count
    case .int96(let values): values.count
    case .float(let values): values.count
    case .double(let values): values.count
    case .byteArray(let values), .fixedLengthByteArray(let values): values.count
    }
  }
}

/// One column of a row group: values, and which of them each row holds. In a list column each row has
/// a list of elements, and what is said of rows below holds for elements.
///
/// A dictionary-coded vector has `indices`, one a row, into `values`; a row whose index is
/// ``null`` has no value. A plain vector has no indices: row `i` holds value `i`, and none is null.
/// Values may appear more than once in `values`, and some may not be used by any row.
public struct ColumnVector: Sendable {
  /// The index of a row without a value.
  public static let null = UInt32.max

  /// The values that rows refer to.
  public var values: PhysicalValues
  /// For each row the position of its value in `values`, or ``null``; nil for a plain vector.
  public var indices: [UInt32]?
  /// Whether it is known that no two of `values` are equal. A writer then states how many different
  /// ones there are.
  public var valuesAreDistinct: Bool
  /// Which elements each row has; nil unless it is a list column.
  public var lists: ListRows?

  /// Makes a vector from values and, when it is dictionary-coded, one index a row.
  public init(
    values: PhysicalValues, indices: [UInt32]? = nil, valuesAreDistinct: Bool = false,
    lists: ListRows? = nil
  ) {
    self.values = values
    self.indices = indices
    self.valuesAreDistinct = valuesAreDistinct
    self.lists = lists
  }

  /// How many rows there are.
  public var rowCount: Int { lists?.rowCount ?? elementCount }

  /// How many values, nulls included, all rows have together: one a row, except in lists.
  public var elementCount: Int { indices?.count ?? values.count }
}
