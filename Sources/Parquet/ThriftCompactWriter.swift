/// Element and field types of Thrift's compact protocol.
enum ThriftType: UInt8 {
  case stop = 0
  case boolTrue = 1
  case boolFalse = 2
  case int8 = 3
  case int16 = 4
  case int32 = 5
  case int64 = 6
  case double = 7
  case binary = 8
  case list = 9
  case set = 10
  case map = 11
  case structure = 12
  case uuid = 13
}

/// Writes Thrift's compact protocol (thrift-compact-protocol.md), in which Parquet's headers and
/// footer are.
struct ThriftCompactWriter: ~Copyable {
  private(set) var buffer = ByteBuffer()
  private var lastField: Int16 = 0
  private var outerFields: [Int16] = []

  init() {}

  mutating func removeAll() {
    buffer.removeAll()
    lastField = 0
    outerFields.removeAll(keepingCapacity: true)
  }

  private mutating func header(_ id: Int16, _ type: ThriftType) {
    let delta = id - lastField
    if (1...15).contains(delta) {
      buffer.append(UInt8(delta) << 4 | type.rawValue)
    } else {
      buffer.append(type.rawValue)
      buffer.append(zigzag: Int64(id))
    }
    lastField = id
  }

  mutating func bool(_ id: Int16, _ value: Bool) { header(id, value ? .boolTrue : .boolFalse) }

  mutating func int8(_ id: Int16, _ value: Int8) {
    header(id, .int8)
    buffer.append(UInt8(bitPattern: value))
  }

  mutating func int16(_ id: Int16, _ value: Int16) {
    header(id, .int16)
    buffer.append(zigzag: Int64(value))
  }

  mutating func int32(_ id: Int16, _ value: Int32) {
    header(id, .int32)
    buffer.append(zigzag: Int64(value))
  }

  mutating func int64(_ id: Int16, _ value: Int64) {
    header(id, .int64)
    buffer.append(zigzag: value)
  }

  mutating func binary(_ id: Int16, _ value: some Collection<UInt8>) {
    header(id, .binary)
    element(binary: value)
  }

  mutating func string(_ id: Int16, _ value: String) { binary(id, value.utf8) }

  /// Starts a list of `count` elements, which the caller then writes.
  mutating func list(_ id: Int16, of type: ThriftType, count: Int) {
    header(id, .list)
    if count < 15 {
      buffer.append(UInt8(count) << 4 | type.rawValue)
    } else {
      buffer.append(0xF0 | type.rawValue)
      buffer.append(varint: UInt64(count))
    }
  }

  /// Writes a list element.
  mutating func element(int32 value: Int32) { buffer.append(zigzag: Int64(value)) }

  /// Writes a list element.
  mutating func element(int64 value: Int64) { buffer.append(zigzag: value) }

  /// Writes a list element, which takes a byte, unlike a field.
  mutating func element(bool value: Bool) {
    buffer.append(value ? ThriftType.boolTrue.rawValue : ThriftType.boolFalse.rawValue)
  }

  /// Writes a list element.
  mutating func element(binary value: some Collection<UInt8>) {
    buffer.append(varint: UInt64(value.count))
    buffer.append(contentsOf: value)
  }

  /// Starts a struct that is a field.
  mutating func beginStruct(_ id: Int16) {
    header(id, .structure)
    beginElement()
  }

  /// Starts a struct that is a list element.
  mutating func beginElement() {
    outerFields.append(lastField)
    lastField = 0
  }

  /// Ends the innermost struct, or the outermost one that nothing began.
  mutating func end() {
    buffer.append(ThriftType.stop.rawValue)
    lastField = outerFields.popLast() ?? 0
  }

  /// Writes a struct without fields, as unions of markers use.
  mutating func emptyStruct(_ id: Int16) {
    beginStruct(id)
    end()
  }
}
