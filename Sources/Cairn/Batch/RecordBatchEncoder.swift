#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension RecordBatch {
  /// Makes a batch of Swift values, one a row, with a column for each of their properties.
  ///
  /// `String`, `Bool`, integers, `Double`, `Float`, ``Decimal128``, ``LocalDate``, ``LocalTime``,
  /// ``LocalDateTime``, ``Instant``, `Date`, `UUID`, optionals of these, and enums with such a raw
  /// value can be properties. Integers of up to 32 bits become `integer`, others `bigint`; decimals
  /// `numeric(38,s)` with the scale that the longest of them needs. A property that a row leaves out
  /// is null.
  ///
  /// - Parameters:
  ///   - rows: The rows. Without any, and without `types`, there are no columns.
  ///   - types: Types for columns that are to have another one, or that no row may mention.
  /// - Throws: ``RecordBatchError`` when a row is not flat, or a column holds different types.
  public init<Row: Encodable>(
    rows: some Sequence<Row>, types: KeyValuePairs<String, ColumnType> = [:]
  ) throws {
    let table = RowTable()
    for row in rows {
      try row.encode(to: RowEncoder(table: table))
      table.endRow()
    }
    try self.init(columns: try table.columns(types: types))
  }
}

/// The columns that rows are encoded into.
private final class RowTable {
  private var names: [String] = []
  private var places: [String: Int] = [:]
  private var builders: [(any CellAppending)?] = []
  private var rowCount = 0

  /// Takes a value of the current row.
  func append<Element: ColumnElement & Hashable>(_ value: Element, _ name: String) throws {
    let place = place(of: name)
    if builders[place] == nil { builders[place] = CellColumn<Element>(nulls: rowCount) }
    guard let builder = builders[place] as? CellColumn<Element> else {
      throw RecordBatchError.unsupportedRow(
        "row \(rowCount + 1) has a \(Element.self) in '\(name)', where earlier rows have another type"
      )
    }
    guard builder.rowCount == rowCount else {
      throw RecordBatchError.unsupportedRow("row \(rowCount + 1) has '\(name)' twice")
    }
    builder.append(value)
  }

  /// Notes that a column exists, and of which type, though the current row has no value.
  func mention<Element: ColumnElement & Hashable>(_ type: Element.Type, _ name: String) {
    let place = place(of: name)
    if builders[place] == nil { builders[place] = CellColumn<Element>(nulls: rowCount) }
  }

  /// Notes that a column exists.
  func mention(_ name: String) { _ = place(of: name) }

  func endRow() {
    rowCount += 1
    for builder in builders { builder?.fill(to: rowCount) }
  }

  func columns(types: KeyValuePairs<String, ColumnType>) throws -> [Column] {
    for (name, _) in types { mention(name) }
    let wanted = Dictionary(types.map { ($0.key, $0.value) }, uniquingKeysWith: { _, last in last })
    return try names.enumerated().map { place, name in
      let builder = builders[place] ?? CellColumn<String>(nulls: rowCount)
      builder.fill(to: rowCount)
      guard let column = builder.column(named: name, type: wanted[name]) else {
        throw RecordBatchError.unsupportedRow(
          "column '\(name)' cannot be \(wanted[name]?.withArticle ?? "made")")
      }
      return column
    }
  }

  private func place(of name: String) -> Int {
    if let place = places[name] { return place }
    places[name] = names.count
    names.append(name)
    builders.append(nil)
    return names.count - 1
  }
}

private protocol CellAppending: AnyObject {
  func fill(to rowCount: Int)
  func column(named name: String, type: ColumnType?) -> Column?
}

private final class CellColumn<Element: ColumnElement & Hashable>: CellAppending {
  private var values: [Element] = []
  private var places: [Element: UInt32] = [:]
  private var indices: [UInt32]

  init(nulls: Int) { indices = [UInt32](repeating: Column.null, count: nulls) }

  var rowCount: Int { indices.count }

  func append(_ value: Element) {
    // 0 and -0 are equal but not the same.
    if !(value is Double), let place = places[value] {
      indices.append(place)
      return
    }
    places[value] = UInt32(values.count)
    indices.append(UInt32(values.count))
    values.append(value)
  }

  func fill(to rowCount: Int) {
    while indices.count < rowCount { indices.append(Column.null) }
  }

  func column(named name: String, type: ColumnType?) -> Column? {
    var type = type ?? Element.columnType
    if values.isEmpty {
      guard let empty = Self.empty(type) else { return nil }
      return Column(name: name, type: type, values: empty, indices: indices)
    }
    if type == Decimal128.columnType, let decimals = values as? [Decimal128] {
      type = .numeric(precision: 38, scale: decimals.map { $0.normalized.scale }.max() ?? 0)
    }
    guard let written = Element.write(values, type: type) else { return nil }
    return Column(name: name, type: type, values: written, indices: indices)
  }

  private static func empty(_ type: ColumnType) -> ColumnValues? {
    switch type {
    case .text, .json: String.write([], type: type)
    case .boolean: .boolean([])
    case .integer: .integer([])
    case .bigint: .bigint([])
    case .double: .double([])
    case .numeric: .numeric([])
    case .date: .date([])
    case .time: .time([])
    case .timestamp, .timestamptz: .timestamp([])
    case .uuid: .uuid([])
    }
  }
}

/// Encodes one row; the paths into it are one key long.
private struct RowEncoder: Encoder {
  var table: RowTable
  var codingPath: [any CodingKey] = []
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(RowContainer(table: table, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    FailingContainer(codingPath: codingPath, found: "a list")
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    guard let key = codingPath.last else {
      return FailingContainer(codingPath: codingPath, found: "a single value")
    }
    return ValueContainer(table: table, codingPath: codingPath, name: key.stringValue)
  }
}

/// Puts values of every encodable type where they belong.
private protocol ValueTaking {
  var table: RowTable { get }
}

extension ValueTaking {
  func put<Value: Encodable>(_ value: Value, _ name: String) throws {
    switch value {
    case let value as String: try table.append(value, name)
    case let value as Bool: try table.append(value, name)
    case let value as Int: try table.append(Int64(value), name)
    case let value as Int64: try table.append(value, name)
    case let value as Int32: try table.append(value, name)
    case let value as Int16: try table.append(Int32(value), name)
    case let value as Int8: try table.append(Int32(value), name)
    case let value as UInt8: try table.append(Int32(value), name)
    case let value as UInt16: try table.append(Int32(value), name)
    case let value as UInt32: try table.append(Int64(value), name)
    case let value as UInt: try putUnsigned(UInt64(value), name)
    case let value as UInt64: try putUnsigned(value, name)
    case let value as Double: try table.append(value, name)
    case let value as Float: try table.append(Double(value), name)
    case let value as Decimal128: try table.append(value, name)
    case let value as LocalDate: try table.append(value, name)
    case let value as LocalTime: try table.append(value, name)
    case let value as LocalDateTime: try table.append(value, name)
    case let value as Instant: try table.append(value, name)
    case let value as UUID: try table.append(value, name)
    case let value as Date:
      guard case .timestamp(let instants) = Date.write([value], type: .timestamptz) else {
        throw RecordBatchError.unsupportedRow("the date in '\(name)' is out of range")
      }
      try table.append(Instant(microseconds: instants[0]), name)
    default:
      try value.encode(to: RowEncoder(table: table, codingPath: [NameKey(name)]))
    }
  }

  /// Notes the type of an optional that is nil.
  func mention<Value>(_ type: Value.Type, _ name: String) {
    if type == String.self {
      table.mention(String.self, name)
    } else if type == Bool.self {
      table.mention(Bool.self, name)
    } else if type == Int32.self || type == Int16.self || type == Int8.self || type == UInt8.self
      || type == UInt16.self
    {
      table.mention(Int32.self, name)
    } else if type == Int.self || type == Int64.self || type == UInt32.self || type == UInt.self
      || type == UInt64.self
    {
      table.mention(Int64.self, name)
    } else if type == Double.self || type == Float.self {
      table.mention(Double.self, name)
    } else if type == Decimal128.self {
      table.mention(Decimal128.self, name)
    } else if type == LocalDate.self {
      table.mention(LocalDate.self, name)
    } else if type == LocalTime.self {
      table.mention(LocalTime.self, name)
    } else if type == LocalDateTime.self {
      table.mention(LocalDateTime.self, name)
    } else if type == Instant.self || type == Date.self {
      table.mention(Instant.self, name)
    } else if type == UUID.self {
      table.mention(UUID.self, name)
    } else {
      table.mention(name)
    }
  }

  private func putUnsigned(_ value: UInt64, _ name: String) throws {
    guard let value = Int64(exactly: value) else {
      throw RecordBatchError.unsupportedRow("\(value) in '\(name)' is out of range for a bigint")
    }
    try table.append(value, name)
  }
}

private struct RowContainer<Key: CodingKey>: KeyedEncodingContainerProtocol, ValueTaking {
  var table: RowTable
  var codingPath: [any CodingKey]

  func name(_ key: Key) throws -> String {
    guard let outer = codingPath.last else { return key.stringValue }
    throw RecordBatchError.unsupportedRow(
      "'\(outer.stringValue)' holds several values; a row is flat")
  }

  mutating func encodeNil(forKey key: Key) throws { table.mention(try name(key)) }

  mutating func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    try put(value, try name(key))
  }

  mutating func encodeIfPresent<Value: Encodable>(_ value: Value?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Value.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(String.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Bool.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Double.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Float.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Int.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Int8?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Int8.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Int16?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Int16.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Int32.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(Int64.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: UInt?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(UInt.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(UInt8.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(UInt16.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(UInt32.self, try name(key)) }
  }
  mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
    if let value { try put(value, try name(key)) } else { mention(UInt64.self, try name(key)) }
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(RowContainer<NestedKey>(table: table, codingPath: codingPath + [key]))
  }

  mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    FailingContainer(codingPath: codingPath + [key], found: "a list")
  }

  mutating func superEncoder() -> any Encoder { RowEncoder(table: table, codingPath: codingPath) }

  mutating func superEncoder(forKey key: Key) -> any Encoder {
    RowEncoder(table: table, codingPath: codingPath + [key])
  }
}

/// A property whose type encodes itself as one simpler value.
private struct ValueContainer: SingleValueEncodingContainer, ValueTaking {
  var table: RowTable
  var codingPath: [any CodingKey]
  var name: String

  mutating func encodeNil() throws { table.mention(name) }
  mutating func encode<Value: Encodable>(_ value: Value) throws { try put(value, name) }
}

/// Where rows are not flat. Throws at the first value.
private struct FailingContainer: UnkeyedEncodingContainer, SingleValueEncodingContainer {
  var codingPath: [any CodingKey]
  var found: String
  var count: Int { 0 }

  private var error: RecordBatchError {
    .unsupportedRow(
      codingPath.last.map { "'\($0.stringValue)' holds \(found); a row is flat" }
        ?? "a row is \(found); expected named properties")
  }

  mutating func encodeNil() throws { throw error }
  mutating func encode<Value: Encodable>(_ value: Value) throws { throw error }
  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy keyType: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    KeyedEncodingContainer(
      RowContainer<NestedKey>(table: RowTable(), codingPath: codingPath + [NameKey(found)]))
  }
  mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self }
  mutating func superEncoder() -> any Encoder {
    RowEncoder(table: RowTable(), codingPath: codingPath + [NameKey(found)])
  }
}

/// A key made of a column's name.
struct NameKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
