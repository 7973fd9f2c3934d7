/// A day of the proleptic Gregorian calendar.
public struct LocalDate: Sendable, Hashable, Comparable {
  /// Days since 1970-01-01.
  public var days: Int32

  /// Makes a day from its number of days since 1970-01-01.
  public init(days: Int32) { self.days = days }

  /// Makes a day of the years 1…9999; nil when there is no such day.
  public init?(year: Int, month: Int, day: Int) {
    guard let days = CivilCalendar.days(year: year, month: month, day: day) else { return nil }
    self.days = days
  }

  /// Year, month (1…12) and day (1…31).
  public var components: (year: Int, month: Int, day: Int) { CivilCalendar.date(days: days) }

  /// Whether a day comes before another.
  public static func < (left: LocalDate, right: LocalDate) -> Bool { left.days < right.days }
}

/// A time of day, to the microsecond.
public struct LocalTime: Sendable, Hashable, Comparable {
  /// Microseconds since midnight.
  public var microseconds: Int64

  /// Makes a time from its microseconds since midnight.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// Whether a time comes before another.
  public static func < (left: LocalTime, right: LocalTime) -> Bool {
    left.microseconds < right.microseconds
  }
}

/// A date and time of some local clock, to the microsecond.
public struct LocalDateTime: Sendable, Hashable, Comparable {
  /// Microseconds since 1970-01-01 00:00:00 of that clock.
  public var microseconds: Int64

  /// Makes a date and time from its microseconds since 1970-01-01 00:00:00.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// The date.
  public var date: LocalDate { LocalDate(days: Int32(clamping: wholeDays(microseconds).days)) }
  /// The time of day.
  public var time: LocalTime { LocalTime(microseconds: wholeDays(microseconds).rest) }

  /// Whether one comes before another.
  public static func < (left: LocalDateTime, right: LocalDateTime) -> Bool {
    left.microseconds < right.microseconds
  }
}

/// A moment, to the microsecond.
public struct Instant: Sendable, Hashable, Comparable {
  /// Microseconds since 1970-01-01 00:00:00 UTC.
  public var microseconds: Int64

  /// Makes a moment from its microseconds since 1970-01-01 00:00:00 UTC.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// Whether one comes before another.
  public static func < (left: Instant, right: Instant) -> Bool {
    left.microseconds < right.microseconds
  }
}

private func wholeDays(_ microseconds: Int64) -> (days: Int64, rest: Int64) {
  let (quotient, remainder) = microseconds.quotientAndRemainder(
    dividingBy: CivilCalendar.microsecondsPerDay)
  return remainder < 0
    ? (quotient - 1, remainder + CivilCalendar.microsecondsPerDay) : (quotient, remainder)
}

private func digits(_ value: Int, _ width: Int) -> String {
  let text = String(value.magnitude)
  return (value < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - text.count)) + text
}

extension LocalDate: LosslessStringConvertible {
  /// `2025-01-29`.
  public var description: String {
    let (year, month, day) = components
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
  }

  /// Reads `2025-01-29`.
  public init?(_ description: String) {
    guard let days = CanonicalParsers.value(description, CanonicalParsers.dateTime.parseDate) else {
      return nil
    }
    self.days = days
  }
}

extension LocalTime: LosslessStringConvertible {
  /// `14:30:22`, with as many digits of the fraction as there are.
  public var description: String {
    let seconds = Int(microseconds / 1_000_000)
    let fraction = Int(microseconds % 1_000_000)
    var text =
      "\(digits(seconds / 3600, 2)):\(digits(seconds / 60 % 60, 2)):\(digits(seconds % 60, 2))"
    if fraction != 0 {
      var decimals = digits(fraction, 6)[...]
      while decimals.last == "0" { decimals.removeLast() }
      text += ".\(decimals)"
    }
    return text
  }

  /// Reads `14:30:22.5`.
  public init?(_ description: String) {
    guard
      let microseconds = CanonicalParsers.value(description, CanonicalParsers.dateTime.parseTime)
    else { return nil }
    self.microseconds = microseconds
  }
}

extension LocalDateTime: LosslessStringConvertible {
  /// `2025-01-29T14:30:22`.
  public var description: String { "\(date)T\(time)" }

  /// Reads `2025-01-29T14:30:22` or the same with a space.
  public init?(_ description: String) {
    guard
      let microseconds = CanonicalParsers.value(
        description, CanonicalParsers.dateTime.parseTimestamp)
    else { return nil }
    self.microseconds = microseconds
  }
}

extension Instant: LosslessStringConvertible {
  /// `2025-01-29T14:30:22Z`, in UTC.
  public var description: String { "\(LocalDateTime(microseconds: microseconds))Z" }

  /// Reads `2025-01-29T14:30:22Z`, or with another offset.
  public init?(_ description: String) {
    guard
      let microseconds = CanonicalParsers.value(description, CanonicalParsers.dateTime.parseInstant)
    else { return nil }
    self.microseconds = microseconds
  }
}

/// Parsers of the target's notation.
enum CanonicalParsers {
  static let dateTime = DateTimeParser(pattern: nil, zone: nil, rounds: false)
  static let integer = IntegerParser(format: .canonical, rounds: false)
  static let double = DoubleParser(format: .canonical)

  /// The value of a text, or nil when it has none.
  static func value<Value: FixedWidthInteger>(
    _ text: String, _ parse: (UnsafeRawBufferPointer, inout Value) -> ValueDefect
  ) -> Value? {
    var value: Value = 0
    let defect = Array(text.utf8).withUnsafeBytes { parse($0, &value) }
    return defect == .none ? value : nil
  }
}

/// The textual form is what JSON and other coders carry.
private func decodeText<Value: LosslessStringConvertible>(
  _ decoder: any Decoder, as type: Value.Type
) throws -> Value {
  let container = try decoder.singleValueContainer()
  let text = try container.decode(String.self)
  guard let value = Value(text) else {
    throw DecodingError.dataCorruptedError(
      in: container, debugDescription: "'\(text)' is not a \(type)")
  }
  return value
}

private func encodeText(_ text: String, _ encoder: any Encoder) throws {
  var container = encoder.singleValueContainer()
  try container.encode(text)
}

extension LocalDate: Codable {
  /// Reads the textual form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder, as: Self.self) }
  /// Writes the textual form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension LocalTime: Codable {
  /// Reads the textual form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder, as: Self.self) }
  /// Writes the textual form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension LocalDateTime: Codable {
  /// Reads the textual form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder, as: Self.self) }
  /// Writes the textual form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}

extension Instant: Codable {
  /// Reads the textual form.
  public init(from decoder: any Decoder) throws { self = try decodeText(decoder, as: Self.self) }
  /// Writes the textual form.
  public func encode(to encoder: any Encoder) throws { try encodeText(description, encoder) }
}
