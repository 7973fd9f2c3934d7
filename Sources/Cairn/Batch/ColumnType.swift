/// What a column holds, as a job names it.
///
/// The textual form (`numeric(18,3)`, `timestamptz`) is what job files, errors and stored runs use.
public enum ColumnType: Sendable, Hashable {
  /// UTF-8 text.
  case text
  /// True or false.
  case boolean
  /// A 32-bit signed integer.
  case integer
  /// A 64-bit signed integer.
  case bigint
  /// An IEEE 754 binary64 number.
  case double
  /// An exact decimal number of at most `precision` digits (1…38), `scale` of them (0…precision)
  /// after the point.
  case numeric(precision: Int, scale: Int)
  /// A day of the proleptic Gregorian calendar.
  case date
  /// A time of day, to the microsecond.
  case time
  /// A local date and time, to the microsecond.
  case timestamp
  /// An instant, to the microsecond.
  case timestamptz
  /// A UUID (RFC 9562).
  case uuid
  /// A JSON text (RFC 8259).
  case json
}

extension ColumnType: CustomStringConvertible, LosslessStringConvertible {
  /// The name used in job files, for example `numeric(18,3)`.
  public var description: String {
    switch self {
    case .text: "text"
    case .boolean: "boolean"
    case .integer: "integer"
    case .bigint: "bigint"
    case .double: "double"
    case .numeric(let precision, let scale): "numeric(\(precision),\(scale))"
    case .date: "date"
    case .time: "time"
    case .timestamp: "timestamp"
    case .timestamptz: "timestamptz"
    case .uuid: "uuid"
    case .json: "json"
    }
  }

  /// The names of the types, for error messages.
  public static let names = [
    "text", "boolean", "integer", "bigint", "double", "numeric(p,s)", "date", "time", "timestamp",
    "timestamptz", "uuid", "json",
  ]

  /// Reads a type's name; nil when there is no such type or its precision is out of range.
  public init?(_ description: String) {
    switch description {
    case "text": self = .text
    case "boolean": self = .boolean
    case "integer": self = .integer
    case "bigint": self = .bigint
    case "double": self = .double
    case "date": self = .date
    case "time": self = .time
    case "timestamp": self = .timestamp
    case "timestamptz": self = .timestamptz
    case "uuid": self = .uuid
    case "json": self = .json
    default:
      guard description.hasPrefix("numeric("), description.hasSuffix(")") else { return nil }
      let numbers = description.dropFirst(8).dropLast()
        .split(separator: ",", omittingEmptySubsequences: false)
        .map { Int($0.drop { $0 == " " }) }
      guard (1...2).contains(numbers.count), let precision = numbers[0],
        let scale = numbers.count == 2 ? numbers[1] : 0,
        (1...38).contains(precision), (0...precision).contains(scale)
      else { return nil }
      self = .numeric(precision: precision, scale: scale)
    }
  }
}

extension ColumnType: Codable {
  /// Reads the textual form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let type = ColumnType(name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "unknown column type '\(name)'")
    }
    self = type
  }

  /// Writes the textual form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
