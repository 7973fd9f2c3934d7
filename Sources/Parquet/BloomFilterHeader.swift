/// What stands before a bloom filter's bit set: `BloomFilterHeader` (parquet.thrift).
struct BloomFilterHeader {
  /// More bytes than a header has.
  static let mostBytes = 64

  /// Bytes of the bit set.
  var bitsByteCount: Int
  /// Bytes of the header itself.
  var byteCount: Int

  /// Reads a header.
  ///
  /// - Returns: Nil if the filter is of a kind that this library does not know.
  /// - Throws: ``ParquetError`` if it is none.
  static func read(
    _ bytes: UnsafeRawBufferPointer, fileOffset: Int
  ) throws(ParquetError) -> BloomFilterHeader? {
    var thrift = ThriftCompactReader(bytes, fileOffset: fileOffset)
    try thrift.beginStruct()
    var bitsByteCount: Int?
    /// The members of the unions for algorithm, hash and compression: each has one so far.
    var kinds: [Int16: Int16] = [:]
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): bitsByteCount = try thrift.count("numBytes")
      case (2...4, .structure):
        try thrift.beginStruct()
        var member: Int16 = 0
        while let kind = try thrift.field(after: &member) {
          kinds[field.id] = kind.id
          try thrift.skip(kind.type)
        }
      default: try thrift.skip(field.type)
      }
    }
    let count = try thrift.require(bitsByteCount, "numBytes")
    for id: Int16 in 2...4 {
      guard let kind = kinds[id] else { throw thrift.malformed("a field \(id)", "none") }
      if kind != 1 { return nil }
    }
    guard count > 0, count % 32 == 0, count <= BloomFilter.mostBytes else {
      throw thrift.malformed(
        "a bloom filter of blocks of 32 bytes, at most \(BloomFilter.mostBytes)", "\(count) bytes")
    }
    return BloomFilterHeader(bitsByteCount: count, byteCount: thrift.position)
  }

  /// Writes the header of a bit set of `bitsByteCount` bytes.
  static func write(bitsByteCount: Int, _ emit: (UnsafeRawBufferPointer) throws -> Void) rethrows {
    var thrift = ThriftCompactWriter()
    thrift.int32(1, Int32(clamping: bitsByteCount))
    for id: Int16 in 2...4 {
      thrift.beginStruct(id)
      thrift.emptyStruct(1)
      thrift.end()
    }
    thrift.end()
    try emit(thrift.buffer.bytes)
  }
}
