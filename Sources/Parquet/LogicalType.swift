/// What stored values mean: `LogicalType` of the Parquet format (LogicalTypes.md).
public enum LogicalType: Sendable, Hashable {
  /// Resolution of a time or timestamp.
  public enum TimeUnit: Sendable, Hashable, CaseIterable {
    /// Thousandths of a second.
    case milliseconds
    /// Millionths of a second.
    case microseconds
    /// Billionths of a second.
    case nanoseconds
  }

  /// UTF-8 text in a BYTE_ARRAY.
  case string
  /// One of a fixed set of UTF-8 names in a BYTE_ARRAY.
  case enumeration
  /// A JSON document in a BYTE_ARRAY.
  case json
  /// A BSON document in a BYTE_ARRAY.
  case bson
  /// 16 bytes in network order in a FIXED_LEN_BYTE_ARRAY(16).
  case uuid
  /// IEEE 754 binary16 in a FIXED_LEN_BYTE_ARRAY(2).
  case float16
  /// Days since 1970-01-01 in an INT32.
  case date
  /// Unscaled two's-complement number; the value is it times 10^-scale.
  case decimal(precision: Int, scale: Int)
  /// Time of day since midnight, in an INT32 (milliseconds) or INT64.
  case time(unit: TimeUnit, isAdjustedToUTC: Bool)
  /// Time since 1970-01-01T00:00, in an INT64; an instant if adjusted to UTC, else local.
  case timestamp(unit: TimeUnit, isAdjustedToUTC: Bool)
  /// An integer of 8, 16, 32 (INT32) or 64 (INT64) bits.
  case integer(bitWidth: Int, isSigned: Bool)
  /// Legacy: months, days and milliseconds in a FIXED_LEN_BYTE_ARRAY(12).
  case interval
  /// Every value is null.
  case unknown
}

/// `ConvertedType` of the Parquet format: what readers older than `LogicalType` understand.
enum ConvertedType: Int32 {
  case utf8 = 0
  case map = 1
  case mapKeyValue = 2
  case list = 3
  case enumeration = 4
  case decimal = 5
  case date = 6
  case timeMilliseconds = 7
  case timeMicroseconds = 8
  case timestampMilliseconds = 9
  case timestampMicroseconds = 10
  case unsigned8 = 11
  case unsigned16 = 12
  case unsigned32 = 13
  case unsigned64 = 14
  case signed8 = 15
  case signed16 = 16
  case signed32 = 17
  case signed64 = 18
  case json = 19
  case bson = 20
  case interval = 21
}

extension LogicalType {
  /// The legacy annotation with the same meaning, if there is one (LogicalTypes.md,
  /// "Compatibility"). Local times have none in the specification; pyarrow and parquet-mr write
  /// the annotation for UTC ones only, and so do we.
  var convertedType: ConvertedType? {
    switch self {
    case .string: .utf8
    case .enumeration: .enumeration
    case .json: .json
    case .bson: .bson
    case .date: .date
    case .decimal: .decimal
    case .interval: .interval
    case .time(unit: .milliseconds, isAdjustedToUTC: true): .timeMilliseconds
    case .time(unit: .microseconds, isAdjustedToUTC: true): .timeMicroseconds
    case .timestamp(unit: .milliseconds, isAdjustedToUTC: true): .timestampMilliseconds
    case .timestamp(unit: .microseconds, isAdjustedToUTC: true): .timestampMicroseconds
    case .integer(bitWidth: 8, let isSigned): isSigned ? .signed8 : .unsigned8
    case .integer(bitWidth: 16, let isSigned): isSigned ? .signed16 : .unsigned16
    case .integer(bitWidth: 32, let isSigned): isSigned ? .signed32 : .unsigned32
    case .integer(bitWidth: 64, let isSigned): isSigned ? .signed64 : .unsigned64
    case .uuid, .float16, .time, .timestamp, .integer, .unknown: nil
    }
  }

  /// The meaning of a legacy annotation; nil for those of groups (lists and maps).
  init?(converted: ConvertedType, precision: Int, scale: Int) {
    switch converted {
    case .utf8: self = .string
    case .enumeration: self = .enumeration
    case .json: self = .json
    case .bson: self = .bson
    case .date: self = .date
    case .decimal: self = .decimal(precision: precision, scale: scale)
    case .interval: self = .interval
    case .timeMilliseconds: self = .time(unit: .milliseconds, isAdjustedToUTC: true)
    case .timeMicroseconds: self = .time(unit: .microseconds, isAdjustedToUTC: true)
    case .timestampMilliseconds: self = .timestamp(unit: .milliseconds, isAdjustedToUTC: true)
    case .timestampMicroseconds: self = .timestamp(unit: .microseconds, isAdjustedToUTC: true)
    case .unsigned8: self = .integer(bitWidth: 8, isSigned: false)
    case .unsigned16: self = .integer(bitWidth: 16, isSigned: false)
    case .unsigned32: self = .integer(bitWidth: 32, isSigned: false)
    case .unsigned64: self = .integer(bitWidth: 64, isSigned: false)
    case .signed8: self = .integer(bitWidth: 8, isSigned: true)
    case .signed16: self = .integer(bitWidth: 16, isSigned: true)
    case .signed32: self = .integer(bitWidth: 32, isSigned: true)
    case .signed64: self = .integer(bitWidth: 64, isSigned: true)
    case .map, .mapKeyValue, .list: return nil
    }
  }

  /// Whether values of physical type `physical` (of `length` bytes, if fixed) can have this
  /// meaning.
  func fits(_ physical: PhysicalType, length: Int?) -> Bool {
    switch self {
    case .string, .enumeration, .json, .bson: return physical == .byteArray
    case .uuid: return physical == .fixedLengthByteArray && length == 16
    case .float16: return physical == .fixedLengthByteArray && length == 2
    case .interval: return physical == .fixedLengthByteArray && length == 12
    case .date: return physical == .int32
    case .time(let unit, _): return physical == (unit == .milliseconds ? .int32 : .int64)
    case .timestamp: return physical == .int64
    case .integer(let width, _):
      return width == 64 ? physical == .int64 : [8, 16, 32].contains(width) && physical == .int32
    case .unknown: return true
    case .decimal(let precision, let scale):
      guard precision >= 1, (0...precision).contains(scale) else { return false }
      switch physical {
      case .int32: return precision <= 9
      case .int64: return precision <= 18
      case .byteArray: return true
      case .fixedLengthByteArray:
        // The most digits n bytes of two's complement always hold: floor((8n-1) * log10(2)).
        return precision <= (8 * (length ?? 0) - 1) * 30103 / 100_000
      case .boolean, .int96, .float, .double: return false
      }
    }
  }
}
