/// A value in an event's metadata: any JSON.
public enum EventValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A whole number.
  case integer(Int64)
  /// Any other number; one that is not finite is written as `null`.
  case number(Double)
  /// A text.
  case text(String)
  /// An array.
  case list([EventValue])
  /// An object.
  case object(EventMetadata)

  /// The text, if it is one.
  public var text: String? { if case .text(let text) = self { text } else { nil } }

  /// The number, if it is one.
  public var number: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .number(let number): number
    default: nil
    }
  }

  /// The whole number, if it is one.
  public var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
}

extension EventValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// Makes a text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// Makes a whole number.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// Makes a number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// Makes a truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// Makes an array.
  public init(arrayLiteral elements: EventValue...) { self = .list(elements) }
  /// Makes an object.
  public init(dictionaryLiteral elements: (String, EventValue)...) {
    self = .object(EventMetadata(elements))
  }
  /// Makes `null`.
  public init(nilLiteral: ()) { self = .null }

  /// Makes a text.
  public init(_ text: some StringProtocol) { self = .text(String(text)) }
  /// Makes a whole number.
  public init(_ number: some BinaryInteger) { self = .integer(Int64(clamping: number)) }
  /// Makes a number.
  public init(_ number: Double) { self = .number(number) }
  /// Makes a number of seconds, to the microsecond.
  public init(seconds: Double) { self = .number((seconds * 1e6).rounded() / 1e6) }
  /// Makes a truth value.
  public init(_ flag: Bool) { self = .bool(flag) }
}

/// What else is known of an event: names and values, in the order in which they were given. No name
/// appears twice.
public struct EventMetadata: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// The names and values.
  public private(set) var pairs: [Pair]

  /// A name and its value.
  public struct Pair: Sendable, Hashable {
    /// The name, for example `duration_seconds`.
    public var name: String
    /// The value.
    public var value: EventValue
  }

  /// Makes metadata; of a name that is given twice the last value counts.
  public init(_ elements: some Sequence<(String, EventValue)> = []) {
    pairs = []
    pairs.reserveCapacity(elements.underestimatedCount)
    for (name, value) in elements { self[name] = value }
  }

  /// Makes metadata; of a name that is given twice the last value counts.
  public init(dictionaryLiteral elements: (String, EventValue)...) { self.init(elements) }

  /// The value of a name; nil when there is none. Setting nil removes it.
  public subscript(name: String) -> EventValue? {
    get { pairs.first { $0.name == name }?.value }
    set {
      if let index = pairs.firstIndex(where: { $0.name == name }) {
        if let newValue { pairs[index].value = newValue } else { pairs.remove(at: index) }
      } else if let newValue {
        pairs.append(Pair(name: name, value: newValue))
      }
    }
  }

  /// Whether there is nothing.
  public var isEmpty: Bool { pairs.isEmpty }

  /// Both together; of a name that both have the other's value counts.
  public func merging(_ other: EventMetadata) -> EventMetadata {
    var merged = self
    for pair in other.pairs { merged[pair.name] = pair.value }
    return merged
  }
}
