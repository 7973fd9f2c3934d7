/// A value of a checkpoint's metadata: whatever JSON has.
public enum CheckpointValue: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case boolean(Bool)
  /// A whole number.
  case integer(Int64)
  /// Any other number. One that is not finite is kept as a text, since JSON has no word for it.
  case number(Double)
  /// A text.
  case text(String)
  /// An array.
  case list([CheckpointValue])
  /// An object.
  case object([String: CheckpointValue])
}

extension CheckpointValue: Codable {
  /// Reads whatever JSON value stands there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .boolean(flag)
    } else if let number = try? container.decode(Int64.self) {
      self = .integer(number)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let list = try? container.decode([CheckpointValue].self) {
      self = .list(list)
    } else {
      self = .object(try container.decode([String: CheckpointValue].self))
    }
  }

  /// Writes the JSON value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let flag): try container.encode(flag)
    case .integer(let number): try container.encode(number)
    case .number(let number) where !number.isFinite: try container.encode("\(number)")
    case .number(let number): try container.encode(number)
    case .text(let text): try container.encode(text)
    case .list(let list): try container.encode(list)
    case .object(let object): try container.encode(object)
    }
  }
}

extension CheckpointValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A text.
  public init(stringLiteral value: String) { self = .text(value) }
  /// A whole number.
  public init(integerLiteral value: Int64) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// `true` or `false`.
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  /// An array.
  public init(arrayLiteral elements: CheckpointValue...) { self = .list(elements) }
  /// An object; of equal keys the last counts.
  public init(dictionaryLiteral elements: (String, CheckpointValue)...) {
    self = .object(Dictionary(elements) { $1 })
  }
  /// `null`.
  public init(nilLiteral: ()) { self = .null }
}
