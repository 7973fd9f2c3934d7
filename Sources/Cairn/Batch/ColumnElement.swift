#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif
internal import Parquet

/// A Swift type that values of a column can be had as.
///
/// | type | columns |
/// |---|---|
/// | `String` | `text`, `json` |
/// | `Bool` | `boolean` |
/// | `Int`, `Int64` | `integer`, `bigint` |
/// | `Int32` | `integer` |
/// | `Double` | `double` |
/// | ``Decimal128`` | `numeric`, `integer`, `bigint` |
/// | ``LocalDate``, ``LocalTime``, ``LocalDateTime`` | `date`, `time`, `timestamp` |
/// | ``Instant``, `Date` | `timestamptz` |
/// | `UUID` | `uuid` |
public protocol ColumnElement: Sendable {
  /// The type that a new column of such values has.
  static var columnType: ColumnType { get }
  /// The values as this type, or nil when they are not of it.
  static func read(_ values: ColumnValues, type: ColumnType) -> [Self]?
  /// Values of ``columnType``, or of `type` when that can hold all of them.
  ///
  /// - Returns: Nil when `type` cannot hold them.
  static func write(_ values: [Self], type: ColumnType) -> ColumnValues?
}

extension String: ColumnElement {
  /// `text`.
  public static var columnType: ColumnType { .text }
  /// Reads `text` and `json`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [String]? {
    guard case .text(let texts) = values else { return nil }
    return (0..<texts.count).map { texts[$0] }
  }
  /// Writes `text` and `json`; the latter is not checked.
  public static func write(_ values: [String], type: ColumnType) -> ColumnValues? {
    type == .text || type == .json ? .text(ByteStrings(values)) : nil
  }
}

extension Bool: ColumnElement {
  /// `boolean`.
  public static var columnType: ColumnType { .boolean }
  /// Reads `boolean`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Bool]? {
    if case .boolean(let flags) = values { flags } else { nil }
  }
  /// Writes `boolean`.
  public static func write(_ values: [Bool], type: ColumnType) -> ColumnValues? {
    type == .boolean ? .boolean(values) : nil
  }
}

extension Int32: ColumnElement {
  /// `integer`.
  public static var columnType: ColumnType { .integer }
  /// Reads `integer`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Int32]? {
    if case .integer(let numbers) = values { numbers } else { nil }
  }
  /// Writes `integer` and `bigint`.
  public static func write(_ values: [Int32], type: ColumnType) -> ColumnValues? {
    switch type {
    case .integer: .integer(values)
    case .bigint: .bigint(values.map(Int64.init))
    default: nil
    }
  }
}

extension Int64: ColumnElement {
  /// `bigint`.
  public static var columnType: ColumnType { .bigint }
  /// Reads `integer` and `bigint`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Int64]? {
    switch values {
    case .integer(let numbers): numbers.map(Int64.init)
    case .bigint(let numbers): numbers
    default: nil
    }
  }
  /// Writes `bigint`, and `integer` when all values fit.
  public static func write(_ values: [Int64], type: ColumnType) -> ColumnValues? {
    switch type {
    case .bigint: return .bigint(values)
    case .integer:
      let fitting = values.compactMap { Int32(exactly: $0) }
      return fitting.count == values.count ? .integer(fitting) : nil
    default: return nil
    }
  }
}

extension Int: ColumnElement {
  /// `bigint`.
  public static var columnType: ColumnType { .bigint }
  /// Reads `integer` and `bigint`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Int]? {
    Int64.read(values, type: type)?.map { Int($0) }
  }
  /// Writes `bigint`, and `integer` when all values fit.
  public static func write(_ values: [Int], type: ColumnType) -> ColumnValues? {
    Int64.write(values.map(Int64.init), type: type)
  }
}

extension Double: ColumnElement {
  /// `double`.
  public static var columnType: ColumnType { .double }
  /// Reads `double`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Double]? {
    if case .double(let numbers) = values { numbers } else { nil }
  }
  /// Writes `double`.
  public static func write(_ values: [Double], type: ColumnType) -> ColumnValues? {
    type == .double ? .double(values) : nil
  }
}

extension Decimal128: ColumnElement {
  /// `numeric(38,9)`, where no column says otherwise.
  public static var columnType: ColumnType { .numeric(precision: 38, scale: 9) }
  /// Reads `numeric`, `integer` and `bigint`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Decimal128]? {
    switch (values, type) {
    case (.numeric(let numbers), .numeric(_, let scale)):
      numbers.map { Decimal128(unscaled: $0, scale: scale) }
    case (.integer(let numbers), _): numbers.map { Decimal128($0) }
    case (.bigint(let numbers), _): numbers.map { Decimal128($0) }
    default: nil
    }
  }
  /// Writes `numeric` when its precision and scale hold all values exactly.
  public static func write(_ values: [Decimal128], type: ColumnType) -> ColumnValues? {
    guard case .numeric(let precision, let scale) = type else { return nil }
    let limit = UInt128(Powers.ofTen[precision])
    let fitting = values.compactMap { value in
      value.normalized.rescaled(to: scale).flatMap {
        $0.unscaled.magnitude < limit ? $0.unscaled : nil
      }
    }
    return fitting.count == values.count ? .numeric(fitting) : nil
  }
}

extension LocalDate: ColumnElement {
  /// `date`.
  public static var columnType: ColumnType { .date }
  /// Reads `date`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [LocalDate]? {
    if case .date(let days) = values { days.map { LocalDate(days: $0) } } else { nil }
  }
  /// Writes `date`.
  public static func write(_ values: [LocalDate], type: ColumnType) -> ColumnValues? {
    type == .date ? .date(values.map(\.days)) : nil
  }
}

extension LocalTime: ColumnElement {
  /// `time`.
  public static var columnType: ColumnType { .time }
  /// Reads `time`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [LocalTime]? {
    if case .time(let times) = values { times.map { LocalTime(microseconds: $0) } } else { nil }
  }
  /// Writes `time`.
  public static func write(_ values: [LocalTime], type: ColumnType) -> ColumnValues? {
    type == .time ? .time(values.map(\.microseconds)) : nil
  }
}

extension LocalDateTime: ColumnElement {
  /// `timestamp`.
  public static var columnType: ColumnType { .timestamp }
  /// Reads `timestamp`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [LocalDateTime]? {
    guard case .timestamp(let times) = values, type == .timestamp else { return nil }
    return times.map { LocalDateTime(microseconds: $0) }
  }
  /// Writes `timestamp`.
  public static func write(_ values: [LocalDateTime], type: ColumnType) -> ColumnValues? {
    type == .timestamp ? .timestamp(values.map(\.microseconds)) : nil
  }
}

extension Instant: ColumnElement {
  /// `timestamptz`.
  public static var columnType: ColumnType { .timestamptz }
  /// Reads `timestamptz`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Instant]? {
    guard case .timestamp(let times) = values, type == .timestamptz else { return nil }
    return times.map { Instant(microseconds: $0) }
  }
  /// Writes `timestamptz`.
  public static func write(_ values: [Instant], type: ColumnType) -> ColumnValues? {
    type == .timestamptz ? .timestamp(values.map(\.microseconds)) : nil
  }
}

extension Date: ColumnElement {
  /// `timestamptz`.
  public static var columnType: ColumnType { .timestamptz }
  /// Reads `timestamptz`; a `Date` far from 2001 is less exact than a microsecond.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [Date]? {
    Instant.read(values, type: type)?.map { instant in
      // Whole seconds and the rest apart, which loses the least.
      let (seconds, rest) = instant.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
      return Date(
        timeIntervalSinceReferenceDate: Double(seconds - 978_307_200) + Double(rest) / 1_000_000)
    }
  }
  /// Writes `timestamptz`, rounded to the microsecond; nil for dates beyond 290,000 years.
  public static func write(_ values: [Date], type: ColumnType) -> ColumnValues? {
    let instants = values.compactMap { date -> Instant? in
      let interval = date.timeIntervalSinceReferenceDate
      let whole = interval.rounded(.down)
      guard let seconds = Int64(exactly: whole), abs(seconds) < 9_000_000_000_000 else {
        return nil
      }
      let rest = Int64(((interval - whole) * 1_000_000).rounded())
      return Instant(microseconds: (seconds + 978_307_200) * 1_000_000 + rest)
    }
    return instants.count == values.count ? Instant.write(instants, type: type) : nil
  }
}

extension UUID: ColumnElement {
  /// `uuid`.
  public static var columnType: ColumnType { .uuid }
  /// Reads `uuid`.
  public static func read(_ values: ColumnValues, type: ColumnType) -> [UUID]? {
    guard case .uuid(let numbers) = values else { return nil }
    return numbers.map { number in
      withUnsafeBytes(of: number.bigEndian) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
  }
  /// Writes `uuid`.
  public static func write(_ values: [UUID], type: ColumnType) -> ColumnValues? {
    guard type == .uuid else { return nil }
    return .uuid(
      values.map { value in
        withUnsafeBytes(of: value.uuid) { UInt128(bigEndian: $0.loadUnaligned(as: UInt128.self)) }
      })
  }
}
