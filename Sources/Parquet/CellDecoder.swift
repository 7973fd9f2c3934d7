extension ColumnCells {
  /// The value of `element` as a type that is no number, text or truth value itself.
  func decode<Value: Decodable>(_ type: Value.Type, _ element: Int) throws -> Value {
    if let value = try foundationValue(type, element) { return value }
    if type == [UInt8].self {
      let bytes = try withBytes(element, for: type) { Array($0) }
      return unsafeBitCast(bytes, to: type)  // the same type
    }
    return try Value(from: CellDecoder(cells: self, element: element))
  }
}

/// The decoder of one value, for types such as enums that decode another one.
private struct CellDecoder: Decoder, SingleValueDecodingContainer {
  let cells: ColumnCells
  let element: Int

  var codingPath: [any CodingKey] { [ColumnKey(stringValue: cells.descriptor.name)] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw cells.mismatch("a type of one value", "a type with properties")
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw cells.mismatch("a type of one value", "an array of them")
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  func decodeNil() -> Bool { cells.isNull(element) }
  func decode(_ type: Bool.Type) throws -> Bool { try cells.boolean(element) }
  func decode(_ type: String.Type) throws -> String { try cells.string(element) }
  func decode(_ type: Double.Type) throws -> Double { try cells.double(element) }
  func decode(_ type: Float.Type) throws -> Float { try cells.float(element) }
  func decode(_ type: Int.Type) throws -> Int { try cells.integer(element, as: type) }
  func decode(_ type: Int8.Type) throws -> Int8 { try cells.integer(element, as: type) }
  func decode(_ type: Int16.Type) throws -> Int16 { try cells.integer(element, as: type) }
  func decode(_ type: Int32.Type) throws -> Int32 { try cells.integer(element, as: type) }
  func decode(_ type: Int64.Type) throws -> Int64 { try cells.integer(element, as: type) }
  func decode(_ type: Int128.Type) throws -> Int128 { try cells.integer(element, as: type) }
  func decode(_ type: UInt.Type) throws -> UInt { try cells.integer(element, as: type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try cells.integer(element, as: type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try cells.integer(element, as: type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try cells.integer(element, as: type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try cells.integer(element, as: type) }
  func decode(_ type: UInt128.Type) throws -> UInt128 { try cells.integer(element, as: type) }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try cells.decode(type, element) }
}

/// The decoder of a row's list, for arrays, sets and types that decode one of them.
struct ListDecoder: Decoder, SingleValueDecodingContainer {
  let cells: ColumnCells

  var codingPath: [any CodingKey] { [ColumnKey(stringValue: cells.descriptor.name)] }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw cells.mismatch("a type that is read from a list", "a type with properties")
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let elements = try cells.elements(inRow: cells.row) else {
      throw cells.mismatch("a list (an optional property takes rows without one)", "null")
    }
    return ListContainer(cells: cells, elements: elements, position: elements.lowerBound)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  func decodeNil() -> Bool { cells.isRowNull }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try T(from: self) }

  func decode(_ type: Bool.Type) throws -> Bool { throw cells.unfit(type) }
  func decode(_ type: String.Type) throws -> String { throw cells.unfit(type) }
  func decode(_ type: Double.Type) throws -> Double { throw cells.unfit(type) }
  func decode(_ type: Float.Type) throws -> Float { throw cells.unfit(type) }
  func decode(_ type: Int.Type) throws -> Int { throw cells.unfit(type) }
  func decode(_ type: Int8.Type) throws -> Int8 { throw cells.unfit(type) }
  func decode(_ type: Int16.Type) throws -> Int16 { throw cells.unfit(type) }
  func decode(_ type: Int32.Type) throws -> Int32 { throw cells.unfit(type) }
  func decode(_ type: Int64.Type) throws -> Int64 { throw cells.unfit(type) }
  func decode(_ type: UInt.Type) throws -> UInt { throw cells.unfit(type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { throw cells.unfit(type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { throw cells.unfit(type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { throw cells.unfit(type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { throw cells.unfit(type) }
}

/// The elements of a row's list.
private struct ListContainer: UnkeyedDecodingContainer {
  let cells: ColumnCells
  let elements: Range<Int>
  var position: Int

  var codingPath: [any CodingKey] { [ColumnKey(stringValue: cells.descriptor.name)] }
  var count: Int? { elements.count }
  var isAtEnd: Bool { position == elements.upperBound }
  var currentIndex: Int { position - elements.lowerBound }

  @inline(__always)
  private mutating func take() throws(ParquetError) -> Int {
    guard position < elements.upperBound else {
      throw cells.mismatch("another element", "a list of \(elements.count)")
    }
    position += 1
    return position - 1
  }

  mutating func decodeNil() throws -> Bool {
    guard position < elements.upperBound, cells.isNull(position) else { return false }
    position += 1
    return true
  }
  mutating func decode(_ type: Bool.Type) throws -> Bool { try cells.boolean(take()) }
  mutating func decode(_ type: String.Type) throws -> String { try cells.string(take()) }
  mutating func decode(_ type: Double.Type) throws -> Double { try cells.double(take()) }
  mutating func decode(_ type: Float.Type) throws -> Float { try cells.float(take()) }
  mutating func decode(_ type: Int.Type) throws -> Int { try cells.integer(take(), as: type) }
  mutating func decode(_ type: Int8.Type) throws -> Int8 { try cells.integer(take(), as: type) }
  mutating func decode(_ type: Int16.Type) throws -> Int16 { try cells.integer(take(), as: type) }
  mutating func decode(_ type: Int32.Type) throws -> Int32 { try cells.integer(take(), as: type) }
  mutating func decode(_ type: Int64.Type) throws -> Int64 { try cells.integer(take(), as: type) }
  mutating func decode(_ type: Int128.Type) throws -> Int128 {
    try cells.integer(take(), as: type)
  }
  mutating func decode(_ type: UInt.Type) throws -> UInt { try cells.integer(take(), as: type) }
  mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try cells.integer(take(), as: type) }
  mutating func decode(_ type: UInt16.Type) throws -> UInt16 {
    try cells.integer(take(), as: type)
  }
  mutating func decode(_ type: UInt32.Type) throws -> UInt32 {
    try cells.integer(take(), as: type)
  }
  mutating func decode(_ type: UInt64.Type) throws -> UInt64 {
    try cells.integer(take(), as: type)
  }
  mutating func decode(_ type: UInt128.Type) throws -> UInt128 {
    try cells.integer(take(), as: type)
  }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    try cells.decode(type, take())
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) throws -> KeyedDecodingContainer<NestedKey> {
    throw cells.mismatch("a list of single values", "a type with properties")
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw cells.mismatch("a list of single values", "lists in a list")
  }
  mutating func superDecoder() throws -> any Decoder {
    throw cells.mismatch("a list of single values", "a superclass")
  }
}

/// A column's name as a coding key.
struct ColumnKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }

  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
