/// How the values of a column compare, for its bounds (parquet.thrift, TypeDefinedOrder).
enum SortOrder: Equatable {
  case boolean
  case signed
  case unsigned
  case floatingPoint
  /// As IEEE 754 binary16 numbers, the lowest byte first.
  case float16
  /// Byte by byte, unsigned.
  case bytes
  /// As big-endian two's-complement numbers.
  case bigEndianSigned
  /// Not at all: no bounds are written or believed.
  case undefined

  init(_ physical: PhysicalType, _ logical: LogicalType?) {
    switch logical {
    case .interval, .unknown: self = .undefined
    case .float16: self = .float16
    case .integer(_, isSigned: false): self = .unsigned
    default:
      switch physical {
      case .boolean: self = .boolean
      case .int32, .int64: self = .signed
      case .float, .double: self = .floatingPoint
      case .int96: self = .undefined
      case .byteArray, .fixedLengthByteArray:
        if case .decimal = logical { self = .bigEndianSigned } else { self = .bytes }
      }
    }
  }

  /// Whether `left` comes before `right` as a big-endian two's-complement number; empty is 0.
  static func bigEndianSignedPrecedes(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    let leftSign: UInt8 = (left.first ?? 0) >= 0x80 ? 0xFF : 0
    let rightSign: UInt8 = (right.first ?? 0) >= 0x80 ? 0xFF : 0
    if leftSign != rightSign { return leftSign == 0xFF }
    let length = max(left.count, right.count)
    for index in 0..<length {
      let leftIndex = index - (length - left.count)
      let rightIndex = index - (length - right.count)
      let leftByte = leftIndex < 0 ? leftSign : left[leftIndex]
      let rightByte = rightIndex < 0 ? rightSign : right[rightIndex]
      if leftByte != rightByte { return leftByte < rightByte }
    }
    return false
  }
}
