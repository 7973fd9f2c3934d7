/// A value that columns are compared with in a ``RowPredicate``.
///
/// Most are plain literals (see ``PredicateLiteral``); the others are made by name, for example
/// `.timestamp(milliseconds: 1_700_000_000_000)` or `.decimal(unscaled: 1999, scale: 2)`.
public struct PredicateValue: Sendable, Hashable {
  enum Kind: Sendable, Hashable {
    case boolean(Bool)
    case integer(Int128)
    case double(Double)
    /// `unscaled` times 10^-`scale`.
    case decimal(unscaled: Int128, scale: Int)
    case string(String)
    case bytes([UInt8])
    case date(days: Int64)
    case time(Int64, LogicalType.TimeUnit)
    case timestamp(Int64, LogicalType.TimeUnit)
  }

  let kind: Kind

  init(_ kind: Kind) { self.kind = kind }
}

/// Something that columns can be compared with in a ``RowPredicate``.
///
/// Integers, `Double` and `Float` stand for numbers: columns of integers, decimals and floating-point
/// numbers are compared with them by value, whatever the widths and scales. `String` and `[UInt8]` are
/// compared byte by byte, `Bool` with false before true.
public protocol PredicateLiteral: Sendable {
  /// The value it stands for.
  var predicateValue: PredicateValue { get }
}

extension PredicateValue: PredicateLiteral {
  /// The value itself.
  public var predicateValue: PredicateValue { self }
}

extension PredicateLiteral where Self: BinaryInteger {
  /// The number. One beyond 128 bits stands for the nearest that has them.
  public var predicateValue: PredicateValue { PredicateValue(.integer(Int128(clamping: self))) }
}

extension Int: PredicateLiteral {}
extension Int8: PredicateLiteral {}
extension Int16: PredicateLiteral {}
extension Int32: PredicateLiteral {}
extension Int64: PredicateLiteral {}
extension Int128: PredicateLiteral {}
extension UInt: PredicateLiteral {}
extension UInt8: PredicateLiteral {}
extension UInt16: PredicateLiteral {}
extension UInt32: PredicateLiteral {}
extension UInt64: PredicateLiteral {}

extension Double: PredicateLiteral {
  /// The number. Against integers and decimals it counts by its shortest decimal digits: 19.99 is equal
  /// to a decimal 19.99.
  public var predicateValue: PredicateValue { PredicateValue(.double(self)) }
}

extension Float: PredicateLiteral {
  /// The number, exactly, as a `Double` has it.
  public var predicateValue: PredicateValue { PredicateValue(.double(Double(self))) }
}

extension String: PredicateLiteral {
  /// The text, as UTF-8.
  public var predicateValue: PredicateValue { PredicateValue(.string(self)) }
}

extension Bool: PredicateLiteral {
  /// The truth value.
  public var predicateValue: PredicateValue { PredicateValue(.boolean(self)) }
}

extension [UInt8]: PredicateLiteral {
  /// The bytes.
  public var predicateValue: PredicateValue { PredicateValue(.bytes(self)) }
}

extension PredicateLiteral where Self == PredicateValue {
  /// The number `unscaled` times 10^-`scale`: 19.99 is `.decimal(unscaled: 1999, scale: 2)`.
  public static func decimal(unscaled: Int128, scale: Int) -> PredicateValue {
    PredicateValue(.decimal(unscaled: unscaled, scale: scale))
  }

  /// The day so many days after 1970-01-01.
  public static func date(daysSince1970 days: Int) -> PredicateValue {
    PredicateValue(.date(days: Int64(days)))
  }

  /// A time of day, in milliseconds since midnight.
  public static func time(milliseconds: Int64) -> PredicateValue {
    PredicateValue(.time(milliseconds, .milliseconds))
  }

  /// A time of day, in microseconds since midnight.
  public static func time(microseconds: Int64) -> PredicateValue {
    PredicateValue(.time(microseconds, .microseconds))
  }

  /// A time of day, in nanoseconds since midnight.
  public static func time(nanoseconds: Int64) -> PredicateValue {
    PredicateValue(.time(nanoseconds, .nanoseconds))
  }

  /// A timestamp, in milliseconds since 1970-01-01T00:00 (in UTC, or local as the column is). Columns of
  /// every resolution are compared with it by value.
  public static func timestamp(milliseconds: Int64) -> PredicateValue {
    PredicateValue(.timestamp(milliseconds, .milliseconds))
  }

  /// A timestamp, in microseconds since 1970-01-01T00:00 (in UTC, or local as the column is).
  public static func timestamp(microseconds: Int64) -> PredicateValue {
    PredicateValue(.timestamp(microseconds, .microseconds))
  }

  /// A timestamp, in nanoseconds since 1970-01-01T00:00 (in UTC, or local as the column is).
  public static func timestamp(nanoseconds: Int64) -> PredicateValue {
    PredicateValue(.timestamp(nanoseconds, .nanoseconds))
  }
}

extension PredicateValue: CustomStringConvertible {
  /// The value as it would be written in a program.
  public var description: String {
    switch kind {
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .double(let value): "\(value)"
    case .decimal(let unscaled, let scale): ".decimal(unscaled: \(unscaled), scale: \(scale))"
    case .string(let value): value.debugDescription
    case .bytes(let value): "\(value)"
    case .date(let days): ".date(daysSince1970: \(days))"
    case .time(let count, let unit): ".time(\(unit): \(count))"
    case .timestamp(let count, let unit): ".timestamp(\(unit): \(count))"
    }
  }
}
