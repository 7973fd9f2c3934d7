/// The decoder of a row, or of a struct inside it, whose columns share a prefix.
///
/// A type asks for its keys in the same order in every row. The columns found for the first row are
/// kept in that order, so that for the others a comparison of names finds them.
final class RowScope: Decoder {
  /// What a key led to.
  private struct Field {
    var name: String
    var cells: ColumnCells?
    var scope: RowScope?
  }

  private let prefix: String
  // The plan owns the scopes, and is alive while any row is decoded.
  private unowned let plan: RowPlan
  private var fields: [Field] = []
  private var fieldsByName: [String: Int] = [:]
  private var next = 0

  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  init(prefix: String, plan: RowPlan) {
    self.prefix = prefix
    self.plan = plan
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    next = 0
    return KeyedDecodingContainer(RowContainer(scope: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notKeyed("an array") }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    throw notKeyed("a single value")
  }

  func notKeyed(_ found: String) -> ParquetError {
    ParquetError(
      .rowMismatch, expected: "a type with properties, or a dictionary, for a row of columns",
      found: found, column: prefix.isEmpty ? nil : String(prefix.dropLast()))
  }

  @inline(__always)
  private func field(_ name: String) throws(ParquetError) -> Field {
    if next < fields.count, fields[next].name == name {
      next += 1
      return fields[next - 1]
    }
    return try otherField(name)
  }

  /// Finds a key that did not come in the order of the row before.
  @inline(never)
  private func otherField(_ name: String) throws(ParquetError) -> Field {
    if let known = fieldsByName[name] {
      next = known + 1
      return fields[known]
    }
    var field = Field(name: name, cells: try plan.column(prefix + name))
    if field.cells == nil, !plan.names(under: prefix + name + ".").isEmpty {
      field.scope = RowScope(prefix: prefix + name + ".", plan: plan)
    }
    fieldsByName[name] = fields.count
    fields.append(field)
    next = fields.count
    return field
  }

  /// The column of single values behind a key.
  @inline(__always)
  func cells(_ name: String, for type: Any.Type) throws(ParquetError) -> ColumnCells {
    let field = try field(name)
    guard let cells = field.cells, !cells.isList else { throw noCells(field, type) }
    return cells
  }

  /// The same, nil if there is none or the row has no value in it.
  @inline(__always)
  func cellsIfPresent(_ name: String, for type: Any.Type) throws(ParquetError) -> ColumnCells? {
    let field = try field(name)
    guard let cells = field.cells, !cells.isList else {
      if field.cells == nil, field.scope == nil { return nil }
      throw noCells(field, type)
    }
    return cells.isNull(cells.row) ? nil : cells
  }

  @inline(never)
  private func noCells(_ field: Field, _ type: Any.Type) -> ParquetError {
    if let cells = field.cells { return cells.unfit(type) }
    if field.scope == nil { return plan.missing(prefix + field.name, for: type) }
    return ParquetError(
      .rowMismatch, expected: "a column for a property of type \(type)",
      found: "a group of columns", column: prefix + field.name)
  }

  /// The value behind a key, of a type that is none of the containers' own.
  func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
    let field = try field(name)
    if let cells = field.cells {
      return try cells.isList
        ? Value(from: ListDecoder(cells: cells)) : cells.decode(type, cells.row)
    }
    guard let scope = field.scope else { throw plan.missing(prefix + name, for: type) }
    return try Value(from: scope)
  }

  func decodeIfPresent<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value? {
    let field = try field(name)
    if let cells = field.cells {
      if cells.isRowNull { return nil }
      return try cells.isList
        ? Value(from: ListDecoder(cells: cells)) : cells.decode(type, cells.row)
    }
    guard let scope = field.scope, try !scope.isEmpty() else { return nil }
    return try Value(from: scope)
  }

  /// Whether the file has something for a key.
  func contains(_ name: String) throws(ParquetError) -> Bool {
    let field = try field(name)
    next = max(next - 1, 0)  // it is asked for again
    return field.cells != nil || field.scope != nil
  }

  func isNull(_ name: String) throws(ParquetError) -> Bool {
    let field = try field(name)
    next = max(next - 1, 0)
    if let cells = field.cells { return cells.isRowNull }
    return try field.scope?.isEmpty() ?? true
  }

  /// Whether none of its columns has a value in this row.
  private func isEmpty() throws(ParquetError) -> Bool {
    for name in plan.names(under: prefix) {
      if let cells = try plan.column(prefix + name), !cells.isRowNull { return false }
    }
    return true
  }

  /// The first part of the names of all its columns.
  var names: [String] {
    var seen: Set<Substring> = []
    return plan.names(under: prefix).compactMap { name in
      if fieldsByName[name].map({ fields[$0].cells != nil }) ?? false { return name }
      let first = name.prefix { $0 != "." }
      return seen.insert(first).inserted ? String(first) : nil
    }
  }
}

/// The properties of a row.
struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let scope: RowScope

  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { scope.names.compactMap(Key.init(stringValue:)) }

  // What is wrong with a column is thrown when its value is asked for.
  func contains(_ key: Key) -> Bool { (try? scope.contains(key.stringValue)) ?? true }
  func decodeNil(forKey key: Key) throws -> Bool { try scope.isNull(key.stringValue) }

  @inline(__always)
  private func cells<Value>(_ key: Key, _ type: Value.Type) throws(ParquetError) -> ColumnCells {
    try scope.cells(key.stringValue, for: type)
  }

  @inline(__always)
  private func present<Value>(_ key: Key, _ type: Value.Type) throws(ParquetError) -> ColumnCells? {
    try scope.cellsIfPresent(key.stringValue, for: type)
  }

  @inline(__always)
  private func integer<Value: FixedWidthInteger>(_ key: Key, _ type: Value.Type) throws -> Value {
    let cells = try cells(key, type)
    return try cells.integer(cells.row, as: type)
  }

  @inline(__always)
  private func integerIfPresent<Value: FixedWidthInteger>(
    _ key: Key, _ type: Value.Type
  ) throws -> Value? {
    guard let cells = try present(key, type) else { return nil }
    return try cells.integer(cells.row, as: type)
  }

  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
    let cells = try cells(key, type)
    return try cells.boolean(cells.row)
  }
  func decode(_ type: String.Type, forKey key: Key) throws -> String {
    let cells = try cells(key, type)
    return try cells.string(cells.row)
  }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    let cells = try cells(key, type)
    return try cells.double(cells.row)
  }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
    let cells = try cells(key, type)
    return try cells.float(cells.row)
  }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try integer(key, type) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try integer(key, type) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try integer(key, type) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try integer(key, type) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try integer(key, type) }
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try integer(key, type) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try integer(key, type) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try integer(key, type) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try integer(key, type) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try integer(key, type) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try integer(key, type) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try integer(key, type) }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try scope.decode(type, key.stringValue)
  }

  func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
    guard let cells = try present(key, type) else { return nil }
    return try cells.boolean(cells.row)
  }
  func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
    guard let cells = try present(key, type) else { return nil }
    return try cells.string(cells.row)
  }
  func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
    guard let cells = try present(key, type) else { return nil }
    return try cells.double(cells.row)
  }
  func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
    guard let cells = try present(key, type) else { return nil }
    return try cells.float(cells.row)
  }
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: Int128.Type, forKey key: Key) throws -> Int128? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent(_ type: UInt128.Type, forKey key: Key) throws -> UInt128? {
    try integerIfPresent(key, type)
  }
  func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
    try scope.decodeIfPresent(type, key.stringValue)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try scope.decode(Nested<NestedKey>.self, key.stringValue).container
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try scope.decode(NestedList.self, key.stringValue).container
  }

  func superDecoder() throws -> any Decoder { throw scope.notKeyed("a superclass of its own key") }
  func superDecoder(forKey key: Key) throws -> any Decoder {
    throw scope.notKeyed("a superclass of its own key")
  }
}

private struct Nested<Key: CodingKey>: Decodable {
  let container: KeyedDecodingContainer<Key>
  init(from decoder: any Decoder) throws { container = try decoder.container(keyedBy: Key.self) }
}

private struct NestedList: Decodable {
  let container: any UnkeyedDecodingContainer
  init(from decoder: any Decoder) throws { container = try decoder.unkeyedContainer() }
}
