/// How the stored values of a column are to be understood when they are compared.
enum StoredKind: Sendable, Hashable {
  case boolean
  case int32(isSigned: Bool)
  case int64(isSigned: Bool)
  case int96
  case float
  case double
  case float16
  /// Byte by byte, unsigned.
  case bytes
  /// A big-endian two's-complement number of any length.
  case bigEndian

  /// Nil for a column whose values have no order: of the legacy INTERVAL.
  init?(_ column: ColumnDescriptor) {
    if column.logicalType == .interval { return nil }
    var isSigned = true
    if case .integer(_, isSigned: false) = column.logicalType { isSigned = false }
    switch column.physicalType {
    case .boolean: self = .boolean
    case .int32: self = .int32(isSigned: isSigned)
    case .int64: self = .int64(isSigned: isSigned)
    case .int96: self = .int96
    case .float: self = .float
    case .double: self = .double
    case .byteArray, .fixedLengthByteArray:
      if case .decimal = column.logicalType {
        self = .bigEndian
      } else {
        self = column.logicalType == .float16 ? .float16 : .bytes
      }
    }
  }

  /// Whether values may be NaN.
  var hasNaN: Bool { self == .float || self == .double || self == .float16 }

  /// Whether the legacy bounds of old files, found by comparing values as signed ones, are bounds.
  var isOrderedAsSigned: Bool {
    switch self {
    case .boolean, .int32(isSigned: true), .int64(isSigned: true), .float, .double: true
    case .int32, .int64, .int96, .float16, .bytes, .bigEndian: false
    }
  }

  /// The value that has these bytes in PLAIN encoding (without length), or nil if none has.
  func value(_ bytes: [UInt8]) -> StoredValue? {
    func number<Value: BitwiseCopyable>(_: Value.Type) -> Value? {
      guard bytes.count == MemoryLayout<Value>.size else { return nil }
      return bytes.withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
    }
    switch self {
    case .boolean: return number(UInt8.self).map { .integer($0 & 1 == 1 ? 1 : 0) }
    case .int32(isSigned: true): return number(Int32.self).map { .integer(Int128($0)) }
    case .int32(isSigned: false): return number(UInt32.self).map { .integer(Int128($0)) }
    case .int64(isSigned: true): return number(Int64.self).map { .integer(Int128($0)) }
    case .int64(isSigned: false): return number(UInt64.self).map { .integer(Int128($0)) }
    case .int96: return number(Int96.self).map { .integer($0.nanoseconds) }
    case .float: return number(Float.self).map { .number(Double($0)) }
    case .double: return number(Double.self).map { .number($0) }
    case .float16: return number(UInt16.self).map { .number(Self.double(float16: $0)) }
    case .bytes: return .bytes(ByteKey(bytes: bytes))
    case .bigEndian:
      return bytes.isEmpty ? nil : .integer(bytes.withUnsafeBytes { Self.integer(bigEndian: $0) })
    }
  }

  /// A two's-complement number; one beyond 128 bits becomes the nearest that has them.
  static func integer(bigEndian bytes: UnsafeRawBufferPointer) -> Int128 {
    let isNegative = (bytes.first ?? 0) >= 0x80
    var value: Int128 = isNegative ? -1 : 0
    let fill: UInt8 = isNegative ? 0xFF : 0
    let spare = max(bytes.count - 16, 0)
    if spare > 0 {
      let hasSign = (bytes[spare] >= 0x80) == isNegative
      guard hasSign, bytes[..<spare].allSatisfy({ $0 == fill }) else {
        return isNegative ? .min : .max
      }
    }
    for index in spare..<bytes.count { value = value &<< 8 | Int128(bytes[index]) }
    return value
  }

  /// The value of an IEEE 754 binary16, by its bits. (`Float16` is not on every platform.)
  static func double(float16 bits: UInt16) -> Double {
    let sign: Double = bits >> 15 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Double(bits & 0x3FF)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default:
      return sign * Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
    }
  }
}

extension Int96 {
  /// Nanoseconds since 1970-01-01T00:00.
  var nanoseconds: Int128 {
    (Int128(julianDay) - 2_440_588) * 86_400_000_000_000 + Int128(nanosecondsOfDay)
  }

  /// The same as whole seconds, and nanoseconds since then.
  var instant: (seconds: Int64, nanoseconds: Int64) {
    // Neither term comes near 64 bits.
    var (seconds, rest) = nanosecondsOfDay.quotientAndRemainder(dividingBy: 1_000_000_000)
    if rest < 0 {
      seconds -= 1
      rest += 1_000_000_000
    }
    return ((Int64(julianDay) - 2_440_588) * 86_400 + seconds, rest)
  }
}

/// Bytes that are compared one by one, unsigned.
struct ByteKey: Sendable, Hashable, Comparable {
  var bytes: [UInt8]

  static func < (left: ByteKey, right: ByteKey) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }
}

/// A stored value, or a bound of some, in the form it is compared in.
enum StoredValue: Sendable, Comparable {
  case integer(Int128)
  case number(Double)
  case bytes(ByteKey)

  var isNaN: Bool {
    if case .number(let value) = self { value.isNaN } else { false }
  }

  static func < (left: StoredValue, right: StoredValue) -> Bool {
    switch (left, right) {
    case (.integer(let left), .integer(let right)): left < right
    case (.number(let left), .number(let right)): left < right
    case (.bytes(let left), .bytes(let right)): left < right
    default: false  // values of one column are of one case
    }
  }
}
