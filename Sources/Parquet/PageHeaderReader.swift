/// A page's header (parquet.thrift, PageHeader), with the fields of all kinds of pages.
struct PageHeader {
  var type: PageType
  /// Bytes of the page without its header, decompressed.
  var uncompressedByteCount: Int
  /// Bytes of the page without its header, in the file.
  var compressedByteCount: Int
  var checksum: UInt32?
  var valueCount = 0
  var encoding = Encoding.plain
  /// How levels are coded; always `rle` in version 2.
  var definitionLevelEncoding = Encoding.rle
  var repetitionLevelEncoding = Encoding.rle
  /// Version 2: bytes of repetition and definition levels, which come first, never compressed.
  var repetitionLevelByteCount = 0
  var definitionLevelByteCount = 0
  /// Version 2: whether the values are compressed.
  var isCompressed = true
  /// Version 2: how many values are null.
  var nullCount: Int?
}

/// Reads ``PageHeader``s.
enum PageHeaderReader {
  static func read(_ thrift: inout ThriftCompactReader) throws(ParquetError) -> PageHeader {
    try thrift.beginStruct()
    var type: PageType?
    var uncompressed: Int?
    var compressed: Int?
    var checksum: UInt32?
    var body: PageHeader?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32):
        let number = try thrift.int32()
        guard let known = PageType(rawValue: number) else {
          throw thrift.malformed("a page type from 0 to 3", "\(number)")
        }
        type = known
      case (2, .int32): uncompressed = try thrift.count("a page size")
      case (3, .int32): compressed = try thrift.count("a page size")
      case (4, .int32): checksum = UInt32(bitPattern: try thrift.int32())
      case (5, .structure): body = try readDataPage(&thrift)
      case (7, .structure): body = try readDictionaryPage(&thrift)
      case (8, .structure): body = try readDataPageV2(&thrift)
      default: try thrift.skip(field.type)
      }
    }
    let kind = try thrift.require(type, "type")
    var header =
      kind == .index
      ? PageHeader(type: .index, uncompressedByteCount: 0, compressedByteCount: 0)
      : try thrift.require(body, "for a header of a \(kind) page")
    guard header.type == kind else {
      throw thrift.malformed("a header of a \(kind) page", "one of a \(header.type) page")
    }
    header.uncompressedByteCount = try thrift.require(uncompressed, "uncompressed_page_size")
    header.compressedByteCount = try thrift.require(compressed, "compressed_page_size")
    header.checksum = checksum
    return header
  }

  static func encoding(_ thrift: inout ThriftCompactReader) throws(ParquetError) -> Encoding {
    let number = try thrift.int32()
    guard let encoding = Encoding(rawValue: number) else {
      var failure = thrift.malformed("an encoding from 0 to 9", "\(number)")
      failure.kind = .unsupported
      throw failure
    }
    return encoding
  }

  private static func readDataPage(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> PageHeader {
    try thrift.beginStruct()
    var header = PageHeader(type: .data, uncompressedByteCount: 0, compressedByteCount: 0)
    var valueCount: Int?
    var encoding: Encoding?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): valueCount = try thrift.count("num_values")
      case (2, .int32): encoding = try self.encoding(&thrift)
      case (3, .int32): header.definitionLevelEncoding = try self.encoding(&thrift)
      case (4, .int32): header.repetitionLevelEncoding = try self.encoding(&thrift)
      default: try thrift.skip(field.type)
      }
    }
    header.valueCount = try thrift.require(valueCount, "num_values")
    header.encoding = try thrift.require(encoding, "encoding")
    return header
  }

  private static func readDictionaryPage(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> PageHeader {
    try thrift.beginStruct()
    var header = PageHeader(type: .dictionary, uncompressedByteCount: 0, compressedByteCount: 0)
    var valueCount: Int?
    var encoding: Encoding?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): valueCount = try thrift.count("num_values")
      case (2, .int32): encoding = try self.encoding(&thrift)
      default: try thrift.skip(field.type)
      }
    }
    header.valueCount = try thrift.require(valueCount, "num_values")
    header.encoding = try thrift.require(encoding, "encoding")
    return header
  }

  private static func readDataPageV2(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> PageHeader {
    try thrift.beginStruct()
    var header = PageHeader(type: .dataV2, uncompressedByteCount: 0, compressedByteCount: 0)
    var valueCount: Int?
    var encoding: Encoding?
    var definitionLevels: Int?
    var repetitionLevels: Int?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): valueCount = try thrift.count("num_values")
      case (2, .int32): header.nullCount = try thrift.count("num_nulls")
      case (4, .int32): encoding = try self.encoding(&thrift)
      case (5, .int32): definitionLevels = try thrift.count("definition_levels_byte_length")
      case (6, .int32): repetitionLevels = try thrift.count("repetition_levels_byte_length")
      case (7, .boolTrue): header.isCompressed = true
      case (7, .boolFalse): header.isCompressed = false
      default: try thrift.skip(field.type)
      }
    }
    header.valueCount = try thrift.require(valueCount, "num_values")
    header.encoding = try thrift.require(encoding, "encoding")
    header.definitionLevelByteCount =
      try thrift.require(definitionLevels, "definition_levels_byte_length")
    header.repetitionLevelByteCount =
      try thrift.require(repetitionLevels, "repetition_levels_byte_length")
    return header
  }
}
