internal import Cairn

/// A table with where in an API's JSON the value of each of its columns is.
struct RecordShape: Sendable {
  /// The table.
  let table: RecordTable
  let fields: [Field]

  /// A column and its origin.
  struct Field: Sendable {
    let column: TargetColumn
    let origin: Origin
  }

  /// Where a column's value is.
  enum Origin: Sendable {
    /// Behind names of members, one in the other.
    case path([String])
    /// What was given with the record, at a position: of its parent, for example.
    case given(Int)
    /// The texts at the end of a path in each element of a list, as a JSON array.
    case list(of: [String], at: [String])
    /// The record's own text, less some of its members.
    case text(without: Set<String>)
  }

  init(
    _ name: String, key: [String], version: String? = nil, parent: RecordTable.Parent? = nil,
    _ fields: [Field]
  ) {
    self.fields = fields.map { field in
      var column = field.column
      column.isRequired = key.contains(column.name)
      return Field(column: column, origin: field.origin)
    }
    table = RecordTable(
      name, columns: self.fields.map(\.column), key: key, version: version, parent: parent)
  }

  /// The shape with a column for the record's whole JSON.
  func keepingJSON(without members: Set<String>) -> RecordShape {
    RecordShape(
      table.name, key: table.key, version: table.version, parent: table.parent,
      fields + [.init("raw", .json, .text(without: members))])
  }
}

extension RecordShape.Field {
  init(_ name: String, _ type: ColumnType, _ origin: RecordShape.Origin) {
    column = TargetColumn(name: name, type: type, isRequired: false)
    self.origin = origin
  }

  static func text(_ name: String, _ path: String...) -> Self { .init(name, .text, .path(path)) }
  static func bigint(_ name: String, _ path: String...) -> Self {
    .init(name, .bigint, .path(path))
  }
  static func integer(_ name: String, _ path: String...) -> Self {
    .init(name, .integer, .path(path))
  }
  static func boolean(_ name: String, _ path: String...) -> Self {
    .init(name, .boolean, .path(path))
  }
  static func instant(_ name: String, _ path: String...) -> Self {
    .init(name, .timestamptz, .path(path))
  }
  static func given(_ name: String, _ position: Int, _ type: ColumnType = .text) -> Self {
    .init(name, type, .given(position))
  }
  static func list(_ name: String, of path: [String], at list: [String]) -> Self {
    .init(name, .json, .list(of: path, at: list))
  }
}

/// Collects a page's rows of a table.
final class RecordRows {
  let shape: RecordShape
  private var columns: [GrowingColumn]
  private(set) var count = 0

  init(_ shape: RecordShape) {
    self.shape = shape
    columns = shape.fields.map { GrowingColumn(name: $0.column.name, type: $0.column.type) }
  }

  /// Appends a record.
  ///
  /// - Parameter given: Values that are not in it; see ``RecordShape/Origin/given(_:)``.
  func append(_ record: JSONValue, given: [JSONValue] = []) {
    count += 1
    for (index, field) in shape.fields.enumerated() {
      switch field.origin {
      case .path(let names): columns[index].append(record.at(names))
      case .given(let position): columns[index].append(given[position])
      case .list(let path, let list):
        let texts = record.at(list).elements.compactMap { $0.at(path).string }
        columns[index].append(text: "[" + texts.map(JSONText.quoted).joined(separator: ",") + "]")
      case .text(let left): columns[index].append(text: record.text(without: left))
      }
    }
  }

  /// The rows; nil if there are none.
  func rows() throws(RecordBatchError) -> TableRows? {
    guard count > 0 else { return nil }
    return TableRows(
      table: shape.table.name, batch: try RecordBatch(columns: columns.map { $0.column() }))
  }
}

extension JSONValue {
  /// An object's text without some of its members.
  func text(without left: Set<String>) -> String? {
    guard !left.isEmpty else { return text }
    let kept = members.filter { !left.contains($0.name) }
    return "{"
      + kept.map { JSONText.quoted($0.name) + ":" + ($0.value.text ?? "null") }
      .joined(separator: ",") + "}"
  }
}
