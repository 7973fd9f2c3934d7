extension RecordBatch {
  /// The rows as Swift values, whose properties are found by the columns' names.
  ///
  /// Properties can have the types of ``ColumnElement``, all integers (if the value fits), `Float`,
  /// `Double` also for `numeric` and integers, optionals, and enums with such a raw value.
  ///
  /// - Throws: ``RecordBatchError`` when a column is missing or holds another type,
  ///   `DecodingError` when a row has no value where one is needed.
  public func rows<Row: Decodable>(as type: Row.Type = Row.self) throws -> [Row] {
    let table = DecodingTable(self)
    return try (0..<rowCount).map { row in
      try Row(from: RowDecoder(table: table, row: row, codingPath: []))
    }
  }
}

/// A batch whose columns are converted once for each type that is asked of them.
private final class DecodingTable {
  private let batch: RecordBatch
  private let places: [String: Int]
  private var views: [Key: any Sendable] = [:]

  private struct Key: Hashable {
    var place: Int
    var type: ObjectIdentifier
  }

  init(_ batch: RecordBatch) {
    self.batch = batch
    places = Dictionary(
      batch.columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  var names: [String] { batch.columns.map(\.name) }

  func has(_ name: String) -> Bool { places[name] != nil }

  func place(_ name: String) throws -> Int {
    guard let place = places[name] else {
      throw RecordBatchError.unknownColumn(name, available: names)
    }
    return place
  }

  func isNull(_ name: String, row: Int) throws -> Bool {
    batch.columns[try place(name)].valueIndex(atRow: row) == nil
  }

  func type(_ name: String) throws -> ColumnType { batch.columns[try place(name)].type }

  func value<Element: ColumnElement>(
    _ type: Element.Type, _ name: String, row: Int
  ) throws -> Element? {
    let place = try place(name)
    let key = Key(place: place, type: ObjectIdentifier(type))
    if let view = views[key] as? ColumnView<Element> { return view[row] }
    let view = try batch.column(name, as: type)
    views[key] = view
    return view[row]
  }
}

private struct RowDecoder: Decoder {
  var table: DecodingTable
  var row: Int
  var codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    if let key = codingPath.last { throw flat(key) }
    return KeyedDecodingContainer(RowContainer(table: table, row: row))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    throw flat(codingPath.last ?? NameKey("the row"))
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    guard let key = codingPath.last else {
      throw RecordBatchError.unsupportedRow("a row has named properties; expected such a type")
    }
    return ValueContainer(
      reader: ValueReader(table: table, row: row), codingPath: codingPath, name: key.stringValue)
  }

  private func flat(_ key: any CodingKey) -> RecordBatchError {
    .unsupportedRow("'\(key.stringValue)' is one value, not several")
  }
}

/// Reads a row's value as whatever type is asked for.
private struct ValueReader {
  var table: DecodingTable
  var row: Int

  func read<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
    if let element = type as? any ColumnElement.Type {
      if let value = try element.readAny(table, name, row) as? Value { return value }
      throw missing(type, name)
    }
    if type == Float.self, let value = Float(try double(name)) as? Value { return value }
    return try Value(
      from: RowDecoder(table: table, row: row, codingPath: [NameKey(name)]))
  }

  func integer<Value: FixedWidthInteger>(_ type: Value.Type, _ name: String) throws -> Value {
    guard let number = try table.value(Int64.self, name, row: row) else {
      throw missing(type, name)
    }
    guard let value = Value(exactly: number) else {
      throw RecordBatchError.unsupportedRow("\(number) in '\(name)' is out of range for \(type)")
    }
    return value
  }

  func double(_ name: String) throws -> Double {
    let value: Double?
    switch try table.type(name) {
    case .integer, .bigint, .numeric:
      value = try table.value(Decimal128.self, name, row: row)?.doubleValue
    default: value = try table.value(Double.self, name, row: row)
    }
    guard let value else { throw missing(Double.self, name) }
    return value
  }

  func missing<Value>(_ type: Value.Type, _ name: String) -> DecodingError {
    .valueNotFound(
      type,
      .init(
        codingPath: [NameKey(name)],
        debugDescription: "row \(row + 1) has no value in column '\(name)'"))
  }
}

extension ColumnElement {
  fileprivate static func readAny(
    _ table: DecodingTable, _ name: String, _ row: Int
  ) throws -> (any Sendable)? {
    try table.value(Self.self, name, row: row)
  }
}

private struct RowContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  var table: DecodingTable
  var row: Int
  var codingPath: [any CodingKey] { [] }
  var allKeys: [Key] { table.names.compactMap { Key(stringValue: $0) } }

  private var reader: ValueReader { ValueReader(table: table, row: row) }

  func contains(_ key: Key) -> Bool { table.has(key.stringValue) }
  func decodeNil(forKey key: Key) throws -> Bool {
    try table.isNull(key.stringValue, row: row)
  }
  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try reader.read(type, key.stringValue)
  }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
    try reader.read(type, key.stringValue)
  }
  func decode(_ type: String.Type, forKey key: Key) throws -> String {
    try reader.read(type, key.stringValue)
  }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    try reader.double(key.stringValue)
  }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
    Float(try reader.double(key.stringValue))
  }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
    try reader.integer(type, key.stringValue)
  }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
    try reader.integer(type, key.stringValue)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try superDecoder(forKey: key).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try superDecoder(forKey: key).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder {
    RowDecoder(table: table, row: row, codingPath: [])
  }
  func superDecoder(forKey key: Key) throws -> any Decoder {
    RowDecoder(table: table, row: row, codingPath: [key])
  }
}

/// A property whose type is decoded from one simpler value.
private struct ValueContainer: SingleValueDecodingContainer {
  var reader: ValueReader
  var codingPath: [any CodingKey]
  var name: String

  func decodeNil() -> Bool { (try? reader.table.isNull(name, row: reader.row)) ?? true }
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try reader.read(type, name)
  }
  func decode(_ type: Double.Type) throws -> Double { try reader.double(name) }
  func decode(_ type: Float.Type) throws -> Float { Float(try reader.double(name)) }
  func decode(_ type: Bool.Type) throws -> Bool { try reader.read(type, name) }
  func decode(_ type: String.Type) throws -> String { try reader.read(type, name) }
  func decode(_ type: Int.Type) throws -> Int { try reader.integer(type, name) }
  func decode(_ type: Int8.Type) throws -> Int8 { try reader.integer(type, name) }
  func decode(_ type: Int16.Type) throws -> Int16 { try reader.integer(type, name) }
  func decode(_ type: Int32.Type) throws -> Int32 { try reader.integer(type, name) }
  func decode(_ type: Int64.Type) throws -> Int64 { try reader.integer(type, name) }
  func decode(_ type: UInt.Type) throws -> UInt { try reader.integer(type, name) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try reader.integer(type, name) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try reader.integer(type, name) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try reader.integer(type, name) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try reader.integer(type, name) }
}
