extension ColumnBuilder {
  /// Appends a value that is no number, text or truth value itself: of the row, or of the list that
  /// is open.
  func encode<Value: Encodable>(_ value: Value) throws {
    if descriptor == nil { adopt(Value.self) }
    if try appendFoundation(value) { return }
    if Value.self == [UInt8].self, descriptor?.list == nil || isInList {
      try append(bytes: unsafeBitCast(value, to: [UInt8].self), of: Value.self)  // the same type
      return
    }
    let before = isInList ? elementCount : rowCount
    let encoder = CellEncoder(column: self, isInList: isInList)
    try value.encode(to: encoder)
    if !encoder.isInList, isInList { try endList() }
    guard (encoder.isInList ? elementCount : rowCount) == before + 1 else {
      throw mismatch("one value or one list from \(Value.self)", "none, or several")
    }
  }
}

/// The encoder of one value, for types such as enums and arrays that encode others.
private struct CellEncoder: Encoder, SingleValueEncodingContainer {
  let column: ColumnBuilder
  /// Whether the value is an element of a list.
  let isInList: Bool

  var codingPath: [any CodingKey] { [ColumnKey(stringValue: column.name)] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(
      RefusedKeyedContainer(
        error: column.mismatch("a single value or an array of them", "a type with properties")))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    do {
      try column.beginList()
    } catch {
      return RefusedContainer(error: error)
    }
    return ListEncodingContainer(column: column)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { self }

  func encodeNil() throws { try column.appendNull() }
  func encode(_ value: Bool) throws { try column.append(value) }
  func encode(_ value: String) throws { try column.append(value) }
  func encode(_ value: Double) throws { try column.append(value) }
  func encode(_ value: Float) throws { try column.append(value) }
  func encode(_ value: Int) throws { try column.append(integer: value) }
  func encode(_ value: Int8) throws { try column.append(integer: value) }
  func encode(_ value: Int16) throws { try column.append(integer: value) }
  func encode(_ value: Int32) throws { try column.append(integer: value) }
  func encode(_ value: Int64) throws { try column.append(integer: value) }
  func encode(_ value: Int128) throws { try column.append(integer: value) }
  func encode(_ value: UInt) throws { try column.append(integer: value) }
  func encode(_ value: UInt8) throws { try column.append(integer: value) }
  func encode(_ value: UInt16) throws { try column.append(integer: value) }
  func encode(_ value: UInt32) throws { try column.append(integer: value) }
  func encode(_ value: UInt64) throws { try column.append(integer: value) }
  func encode(_ value: UInt128) throws { try column.append(integer: value) }
  func encode<T: Encodable>(_ value: T) throws { try column.encode(value) }
}

/// The elements of a row's list.
private struct ListEncodingContainer: UnkeyedEncodingContainer {
  let column: ColumnBuilder
  var count = 0

  var codingPath: [any CodingKey] { [ColumnKey(stringValue: column.name)] }

  mutating func encodeNil() throws { try next().appendNull() }
  mutating func encode(_ value: Bool) throws { try next().append(value) }
  mutating func encode(_ value: String) throws { try next().append(value) }
  mutating func encode(_ value: Double) throws { try next().append(value) }
  mutating func encode(_ value: Float) throws { try next().append(value) }
  mutating func encode(_ value: Int) throws { try next().append(integer: value) }
  mutating func encode(_ value: Int8) throws { try next().append(integer: value) }
  mutating func encode(_ value: Int16) throws { try next().append(integer: value) }
  mutating func encode(_ value: Int32) throws { try next().append(integer: value) }
  mutating func encode(_ value: Int64) throws { try next().append(integer: value) }
  mutating func encode(_ value: Int128) throws { try next().append(integer: value) }
  mutating func encode(_ value: UInt) throws { try next().append(integer: value) }
  mutating func encode(_ value: UInt8) throws { try next().append(integer: value) }
  mutating func encode(_ value: UInt16) throws { try next().append(integer: value) }
  mutating func encode(_ value: UInt32) throws { try next().append(integer: value) }
  mutating func encode(_ value: UInt64) throws { try next().append(integer: value) }
  mutating func encode(_ value: UInt128) throws { try next().append(integer: value) }
  mutating func encode<T: Encodable>(_ value: T) throws { try next().encode(value) }

  @inline(__always)
  private mutating func next() -> ColumnBuilder {
    count += 1
    return column
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(
      RefusedKeyedContainer(
        error: column.mismatch("a list of single values", "a type with properties")))
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    RefusedContainer(error: column.mismatch("a list of single values", "lists in a list"))
  }
  mutating func superEncoder() -> any Encoder {
    RefusedEncoder(error: column.mismatch("a list of single values", "a superclass"))
  }
}
