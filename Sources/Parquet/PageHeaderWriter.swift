/// Writes `PageHeader`s (parquet.thrift).
struct PageHeaderWriter: ~Copyable {
  private var thrift = ThriftCompactWriter()

  init() {}

  /// The bytes of the header last written; valid until the next one.
  var bytes: UnsafeRawBufferPointer { thrift.buffer.bytes }

  mutating func writeDictionaryPage(
    valueCount: Int, uncompressedByteCount: Int, compressedByteCount: Int, checksum: UInt32?
  ) {
    begin(.dictionary, uncompressedByteCount, compressedByteCount, checksum)
    thrift.beginStruct(7)
    thrift.int32(1, Int32(valueCount))
    thrift.int32(2, Encoding.plain.rawValue)
    thrift.end()
    thrift.end()
  }

  mutating func writeDataPage(
    valueCount: Int, encoding: Encoding, uncompressedByteCount: Int, compressedByteCount: Int,
    checksum: UInt32?
  ) {
    begin(.data, uncompressedByteCount, compressedByteCount, checksum)
    thrift.beginStruct(5)
    thrift.int32(1, Int32(valueCount))
    thrift.int32(2, encoding.rawValue)
    thrift.int32(3, Encoding.rle.rawValue)
    thrift.int32(4, Encoding.rle.rawValue)
    thrift.end()
    thrift.end()
  }

  mutating func writeDataPageV2(
    rowCount: Int, _ levels: PageLevels, encoding: Encoding, isCompressed: Bool,
    uncompressedByteCount: Int, compressedByteCount: Int, checksum: UInt32?
  ) {
    begin(.dataV2, uncompressedByteCount, compressedByteCount, checksum)
    thrift.beginStruct(8)
    thrift.int32(1, Int32(levels.count))
    thrift.int32(2, Int32(levels.nullCount))
    thrift.int32(3, Int32(rowCount))
    thrift.int32(4, encoding.rawValue)
    thrift.int32(5, Int32(levels.definitionByteCount))
    thrift.int32(6, Int32(levels.repetitionByteCount))
    thrift.bool(7, isCompressed)
    thrift.end()
    thrift.end()
  }

  private mutating func begin(
    _ type: PageType, _ uncompressed: Int, _ compressed: Int, _ checksum: UInt32?
  ) {
    thrift.removeAll()
    thrift.int32(1, type.rawValue)
    thrift.int32(2, Int32(uncompressed))
    thrift.int32(3, Int32(compressed))
    if let checksum { thrift.int32(4, Int32(bitPattern: checksum)) }
  }
}

/// `PageType` of the Parquet format.
enum PageType: Int32 {
  case data = 0
  case index = 1
  case dictionary = 2
  case dataV2 = 3
}
