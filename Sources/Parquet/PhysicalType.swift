/// How values are stored: `Type` of the Parquet format (parquet.thrift).
public enum PhysicalType: Int32, Sendable, Hashable, CaseIterable {
  /// BOOLEAN, one bit.
  case boolean = 0
  /// INT32.
  case int32 = 1
  /// INT64.
  case int64 = 2
  /// INT96: legacy timestamps.
  case int96 = 3
  /// FLOAT, IEEE 754 binary32.
  case float = 4
  /// DOUBLE, IEEE 754 binary64.
  case double = 5
  /// BYTE_ARRAY: bytes of any length.
  case byteArray = 6
  /// FIXED_LEN_BYTE_ARRAY: bytes of the length the column declares.
  case fixedLengthByteArray = 7
}

extension PhysicalValues {
  /// The physical type of these values.
  public var physicalType: PhysicalType {
    switch self {
    case .boolean: .boolean
    case .int32: .int32
    case .int64: .int64
    case .int96: .int96
    case .float: .float
    case .double: .double
    case .byteArray: .byteArray
    case .fixedLengthByteArray: .fixedLengthByteArray
    }
  }
}
