/// The encoder of rows: finds for each key the column its value goes to.
///
/// A type encodes its keys in the same order in every row, so that a comparison of names finds the
/// column.
final class RowEncoder: Encoder {
  private(set) var columns: [ColumnBuilder]
  /// Rows that are held in the columns.
  private(set) var rowCount = 0
  /// Columns to use for keys of their names.
  private let given: [String: ColumnDescriptor]
  /// Whether the columns are all known: no other may come.
  private var isFixed: Bool
  private var columnsByName: [String: Int] = [:]
  private var next = 0
  private var sawContainer = false

  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  /// Makes an encoder.
  ///
  /// - Parameters:
  ///   - schema: All columns; nil to make them as keys come.
  ///   - given: Columns to use for keys of their names, when they are made as keys come.
  init(schema: FileSchema?, given: [ColumnDescriptor]) {
    columns = (schema?.columns ?? []).map { ColumnBuilder($0) }
    isFixed = schema != nil
    self.given = Dictionary(given.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for (position, column) in columns.enumerated() { columnsByName[column.name] = position }
  }

  /// About how many bytes the rows held have.
  var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

  /// Encodes one more row.
  func encode(_ row: some Encodable) throws {
    next = 0
    sawContainer = false
    try row.encode(to: self)
    guard sawContainer else { throw notKeyed("a value without any") }
    for column in columns where column.rowCount == rowCount { try column.appendNull() }
    rowCount += 1
  }

  /// The columns as they are known by now. None may come later.
  ///
  /// - Throws: ``ParquetError`` if no row has said what a column holds.
  func fixSchema() throws(ParquetError) -> FileSchema {
    var descriptors: [ColumnDescriptor] = []
    for column in columns {
      guard let descriptor = column.descriptor else {
        throw ParquetError(
          .invalidSchema, expected: "a value that tells the column's type, or the column given",
          found: "none in \(rowCount) rows", column: column.name)
      }
      descriptors.append(descriptor)
      column.isFixed = true
    }
    isFixed = true
    return FileSchema(columns: descriptors)
  }

  func vectors() -> [ColumnVector] { columns.map { $0.vector() } }

  func removeAll() {
    for column in columns { column.removeAll() }
    rowCount = 0
  }

  // MARK: Columns

  /// The column for a key.
  @inline(__always)
  func column(_ name: String, isOptional: Bool) throws(ParquetError) -> ColumnBuilder {
    if next < columns.count, columns[next].name == name, columns[next].rowCount == rowCount {
      next += 1
      return columns[next - 1]
    }
    return try otherColumn(name, isOptional: isOptional)
  }

  @inline(never)
  private func otherColumn(_ name: String, isOptional: Bool) throws(ParquetError) -> ColumnBuilder {
    if let known = columnsByName[name] {
      let column = columns[known]
      guard column.rowCount == rowCount else {
        throw column.mismatch("one value for each key", "a second one")
      }
      next = known + 1
      return column
    }
    let made: ColumnBuilder
    if let descriptor = given[name], rowCount == 0, !isFixed {
      made = ColumnBuilder(descriptor)
    } else {
      made = ColumnBuilder(
        name: name, rowCount: rowCount, isOptional: isOptional || rowCount > 0)
      guard !isFixed else {
        throw ParquetError(
          .rowMismatch,
          expected: "keys that are among the \(columns.count) columns given or of the first rows",
          found: "a new one", column: name, row: (columns.first?.firstRow ?? 0) + rowCount)
      }
    }
    columnsByName[name] = columns.count
    columns.append(made)
    next = columns.count
    return made
  }

  // MARK: Encoder

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    next = 0
    sawContainer = true
    return KeyedEncodingContainer(RowEncodingContainer(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    RefusedContainer(error: notKeyed("an array"))
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    RefusedContainer(error: notKeyed("a single value"))
  }

  func notKeyed(_ found: String) -> ParquetError {
    ParquetError(
      .rowMismatch, expected: "a type with properties, or a dictionary, for a row of columns",
      found: found, row: (columns.first?.firstRow ?? 0) + rowCount)
  }
}

/// The properties of a row.
struct RowEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: RowEncoder

  var codingPath: [any CodingKey] { [] }

  @inline(__always)
  private func column(_ key: Key) throws(ParquetError) -> ColumnBuilder {
    try encoder.column(key.stringValue, isOptional: false)
  }

  @inline(__always)
  private func optional<Value>(
    _ value: Value?, _ key: Key, _ append: (ColumnBuilder, Value) throws -> Void
  ) throws {
    let column = try encoder.column(key.stringValue, isOptional: true)
    if let value {
      try append(column, value)
    } else {
      if column.descriptor == nil { column.adopt(Value.self) }
      try column.appendNull()
    }
  }

  func encodeNil(forKey key: Key) throws {
    try encoder.column(key.stringValue, isOptional: true).appendNull()
  }
  func encode(_ value: Bool, forKey key: Key) throws { try column(key).append(value) }
  func encode(_ value: String, forKey key: Key) throws { try column(key).append(value) }
  func encode(_ value: Double, forKey key: Key) throws { try column(key).append(value) }
  func encode(_ value: Float, forKey key: Key) throws { try column(key).append(value) }
  func encode(_ value: Int, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: Int8, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: Int16, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: Int32, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: Int64, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: Int128, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: UInt, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: UInt8, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: UInt16, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: UInt32, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: UInt64, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode(_ value: UInt128, forKey key: Key) throws { try column(key).append(integer: value) }
  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try column(key).encode(value)
  }

  func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
    try optional(value, key) { try $0.append($1) }
  }
  func encodeIfPresent(_ value: String?, forKey key: Key) throws {
    try optional(value, key) { try $0.append($1) }
  }
  func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
    try optional(value, key) { try $0.append($1) }
  }
  func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
    try optional(value, key) { try $0.append($1) }
  }
  func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: Int8?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: Int16?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: Int32?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: Int128?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: UInt?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent(_ value: UInt128?, forKey key: Key) throws {
    try optional(value, key) { try $0.append(integer: $1) }
  }
  func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
    try optional(value, key) { try $0.encode($1) }
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(RefusedKeyedContainer(error: nested(key, "a nested container")))
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    RefusedContainer(error: nested(key, "a nested container"))
  }
  func superEncoder() -> any Encoder {
    RefusedEncoder(error: encoder.notKeyed("a superclass of its own key"))
  }
  func superEncoder(forKey key: Key) -> any Encoder {
    RefusedEncoder(error: nested(key, "a superclass of its own key"))
  }

  private func nested(_ key: Key, _ found: String) -> ParquetError {
    var error = encoder.notKeyed(found)
    error.expected = "a single value or an array of them"
    error.column = key.stringValue
    return error
  }
}
