/// Reads Thrift's compact protocol (thrift-compact-protocol.md) from bytes that may be anything.
///
/// Nothing is allocated on the word of a count or a length before the bytes it needs are seen to
/// be there, and nesting is limited.
struct ThriftCompactReader {
  /// A field of a struct: its number and its type. Booleans carry their value in the type.
  struct Field {
    var id: Int16
    var type: ThriftType
  }

  private let bytes: UnsafeRawBufferPointer
  private let fileOffset: Int
  /// How many bytes have been read.
  private(set) var position = 0
  private var depth = 0

  private static let deepest = 32

  /// Makes a reader of `bytes`, the first of which is byte `fileOffset` of the file.
  init(_ bytes: UnsafeRawBufferPointer, fileOffset: Int) {
    self.bytes = bytes
    self.fileOffset = fileOffset
  }

  /// The byte of the file that is read next.
  var offset: Int { fileOffset + position }

  /// An error about the place reached.
  func malformed(_ expected: String, _ found: String) -> ParquetError {
    ParquetError(.malformed, expected: expected, found: found, offset: offset)
  }

  /// `value`, or an error if a field that must be there was not.
  func require<Value>(_ value: Value?, _ name: String) throws(ParquetError) -> Value {
    guard let value else { throw malformed("a field \(name)", "none") }
    return value
  }

  private mutating func byte() throws(ParquetError) -> UInt8 {
    guard position < bytes.count else {
      throw malformed("more bytes of a Thrift struct", "the end after \(bytes.count) bytes")
    }
    defer { position += 1 }
    return bytes[position]
  }

  private mutating func varint() throws(ParquetError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      guard shift < 63 || byte <= 1 else {
        throw malformed("a number of at most 64 bits", "a longer one")
      }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
  }

  mutating func int64() throws(ParquetError) -> Int64 {
    let value = try varint()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  mutating func int32() throws(ParquetError) -> Int32 {
    let value = try int64()
    guard let narrow = Int32(exactly: value) else {
      throw malformed("a number of 32 bits", "\(value)")
    }
    return narrow
  }

  mutating func int8() throws(ParquetError) -> Int8 { Int8(bitPattern: try byte()) }

  /// A count or size: a number of 32 bits that is not negative.
  mutating func count(_ name: String) throws(ParquetError) -> Int {
    let value = try int32()
    guard value >= 0 else { throw malformed("\(name) of at least 0", "\(value)") }
    return Int(value)
  }

  /// A count, size or offset: a number of 64 bits that is not negative.
  mutating func count64(_ name: String) throws(ParquetError) -> Int64 {
    let value = try int64()
    guard value >= 0 else { throw malformed("\(name) of at least 0", "\(value)") }
    return value
  }

  mutating func binary() throws(ParquetError) -> UnsafeRawBufferPointer {
    let length = try varint()
    guard length <= UInt64(bytes.count - position) else {
      throw malformed("at most the \(bytes.count - position) bytes left", "\(length) bytes")
    }
    let start = position
    position += Int(length)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  mutating func string() throws(ParquetError) -> String {
    String(decoding: try binary(), as: UTF8.self)
  }

  /// Starts a struct; read its fields with ``field(after:)`` until there are none.
  mutating func beginStruct() throws(ParquetError) {
    depth += 1
    guard depth <= Self.deepest else {
      throw malformed("at most \(Self.deepest) structs in each other", "one more")
    }
  }

  /// The next field of a struct, or nil at its end.
  ///
  /// - Parameter last: Number of the field before; 0 at first.
  mutating func field(after last: inout Int16) throws(ParquetError) -> Field? {
    let header = try byte()
    guard let type = ThriftType(rawValue: header & 0x0F) else {
      throw malformed("a Thrift type up to 13", "\(header & 0x0F)")
    }
    if type == .stop {
      depth -= 1
      return nil
    }
    let delta = Int16(header >> 4)
    let id: Int64 = delta == 0 ? try int64() : Int64(last) + Int64(delta)
    guard let narrow = Int16(exactly: id) else {
      throw malformed("a field number of 16 bits", "\(id)")
    }
    last = narrow
    return Field(id: narrow, type: type)
  }

  /// Starts a list and gives its element type and count, of which each takes a byte or more.
  mutating func list() throws(ParquetError) -> (type: ThriftType, count: Int) {
    let header = try byte()
    guard let type = ThriftType(rawValue: header & 0x0F) else {
      throw malformed("a Thrift type up to 13", "\(header & 0x0F)")
    }
    let count: UInt64 = header >> 4 == 15 ? try varint() : UInt64(header >> 4)
    guard count <= UInt64(bytes.count - position) else {
      throw malformed(
        "a list of at most the \(bytes.count - position) bytes left", "\(count) elements")
    }
    return (type, Int(count))
  }

  /// Starts a list of `type` and gives its count.
  mutating func list(of type: ThriftType) throws(ParquetError) -> Int {
    let list = try list()
    guard list.type == type || list.count == 0 else {
      throw malformed("a list of \(type)", "one of \(list.type)")
    }
    return list.count
  }

  /// Reads past a value of `type`.
  ///
  /// - Parameter isElement: Whether it is in a list; booleans take a byte there.
  mutating func skip(_ type: ThriftType, isElement: Bool = false) throws(ParquetError) {
    switch type {
    case .stop: throw malformed("a value", "the type of none")
    case .boolTrue, .boolFalse: if isElement { _ = try byte() }
    case .int8: _ = try byte()
    case .int16, .int32, .int64: _ = try varint()
    case .double: try skip(bytes: 8)
    case .uuid: try skip(bytes: 16)
    case .binary: _ = try binary()
    case .list, .set:
      try beginStruct()
      let (element, count) = try list()
      for _ in 0..<count { try skip(element, isElement: true) }
      depth -= 1
    case .map: try skipMap()
    case .structure:
      try beginStruct()
      var last: Int16 = 0
      while let field = try field(after: &last) { try skip(field.type) }
    }
  }

  private mutating func skip(bytes count: Int) throws(ParquetError) {
    for _ in 0..<count { _ = try byte() }
  }

  private mutating func skipMap() throws(ParquetError) {
    try beginStruct()
    let count = try varint()
    if count > 0 {
      guard count <= UInt64(bytes.count - position) else {
        throw malformed("a map of at most the \(bytes.count - position) bytes left", "\(count)")
      }
      let types = try byte()
      guard let key = ThriftType(rawValue: types >> 4),
        let value = ThriftType(rawValue: types & 0x0F)
      else { throw malformed("Thrift types up to 13", "\(types)") }
      for _ in 0..<count {
        try skip(key, isElement: true)
        try skip(value, isElement: true)
      }
    }
    depth -= 1
  }
}
