internal import Cairn

/// A custom field of issues, as `/rest/api/3/field` describes it, and the column it becomes.
struct CustomField: Sendable, Hashable {
  /// What the column holds.
  let type: ColumnType
  /// How the value is found.
  private let shape: Shape

  private enum Shape: Sendable, Hashable {
    case number, text, date, instant, option, person, json
  }

  /// Whether a field's name is a custom field's: `customfield_10016`.
  static func isOne(_ name: String) -> Bool { name.hasPrefix("customfield_") }

  /// - Parameter schema: The field's `schema`; missing for one that is not known.
  init(schema: JSONValue) {
    switch schema["type"].string {
    case "number": (type, shape) = (.double, .number)
    case "string": (type, shape) = (.text, .text)
    case "date": (type, shape) = (.date, .date)
    case "datetime": (type, shape) = (.timestamptz, .instant)
    case "option", "priority", "version", "group", "project":
      (type, shape) = (.text, .option)
    case "user": (type, shape) = (.text, .person)
    default: (type, shape) = (.json, .json)
    }
  }

  /// A value of it; nil where there is none. A value that is not of the field's type is left out.
  func cell(_ value: JSONValue) -> TableRowsBuilder.Cell? {
    switch shape {
    case .number: value.double.map { .double($0) }
    case .text: DocumentText.plain(value).map { .text($0) }
    case .date: value.string.flatMap { LocalDate($0) }.map { .date($0.days) }
    case .instant: value.string.flatMap { Instant($0) }.map { .instant($0.microseconds) }
    case .option: (value["value"].string ?? value["name"].string ?? value.string).map { .text($0) }
    case .person: JiraPerson(value).id.map { .text($0) }
    case .json: value.isNull ? nil : value.text.map { .text($0) }
    }
  }
}

/// Who did something: Cloud knows people by `accountId`, Data Center by `key`.
struct JiraPerson {
  let id: String?
  let name: String?

  init(_ value: JSONValue) {
    id = value["accountId"].string ?? value["key"].string ?? value["name"].string
    name = value["displayName"].string
  }
}
