@testable import Parquet

/// A file put together by hand: layouts, levels and codecs that no writer at hand makes any more.
struct HandmadeFile: Sendable {
  /// A node of the schema.
  struct Node: Sendable {
    var name: String
    var repetition = SchemaElement.Repetition.required
    var type: PhysicalType?
    var typeLength: Int?
    var converted: ConvertedType?
    var precision: Int?
    var scale: Int?
    /// Writes the member of the union `LogicalType`.
    var logical: (@Sendable (inout ThriftCompactWriter) -> Void)?
    var children: [Node] = []

    static func group(
      _ name: String, _ repetition: SchemaElement.Repetition, _ converted: ConvertedType?,
      _ children: [Node]
    ) -> Node {
      Node(name: name, repetition: repetition, converted: converted, children: children)
    }

    static func group(
      _ name: String, _ repetition: SchemaElement.Repetition, _ children: [Node]
    ) -> Node {
      Node(name: name, repetition: repetition, children: children)
    }

    static func leaf(
      _ name: String, _ repetition: SchemaElement.Repetition, _ type: PhysicalType = .int32
    ) -> Node {
      Node(name: name, repetition: repetition, type: type)
    }

    /// This node and all below, as a footer lists them.
    var elements: [SchemaElement] {
      let element = SchemaElement(
        name: name, physicalType: type, typeLength: typeLength, repetition: repetition,
        childCount: type == nil ? children.count : nil, logicalType: nil,
        collection: converted == .list
          ? .list : [.map, .mapKeyValue].contains(converted) ? .map : nil)
      return [element] + children.flatMap(\.elements)
    }
  }

  /// A page, or several, of a column.
  struct Page: Sendable {
    var valueCount: Int
    var encoding = Encoding.plain
    var definitionEncoding = Encoding.rle
    var repetitionEncoding = Encoding.rle
    /// Levels and values, not compressed.
    var body: [UInt8]
    /// The same as it is in the file; nil if it is not compressed.
    var compressed: [UInt8]?
    /// How many bytes the header says that there are, decompressed.
    var statedByteCount: Int?
    var isDictionary = false
  }

  struct Column: Sendable {
    var path: [String]
    var type = PhysicalType.int32
    var codec = CompressionCodec.uncompressed
    var encodings = [Encoding.plain]
    var pages: [Page]
    var valueCount: Int?
    /// Where the footer says that there are an offset index, a column index and a bloom filter.
    var offsetIndex: Place?
    var columnIndex: Place?
    var bloomFilter: Place?
  }

  /// A part of the file as the footer states it.
  struct Place: Sendable {
    var offset: Int64
    /// Nil is not stated.
    var byteCount: Int32?
  }

  var schema: [Node]
  var rowCount: Int
  var statedRowCount: Int?
  var columns: [Column]

  /// The file.
  var bytes: [UInt8] {
    var file = fileMagic
    var footer = ThriftCompactWriter()
    footer.int32(1, 1)
    var elementCount = 1
    func count(_ node: Node) {
      elementCount += 1
      node.children.forEach(count)
    }
    schema.forEach(count)
    footer.list(2, of: .structure, count: elementCount)
    footer.beginElement()
    footer.string(4, "schema")
    footer.int32(5, Int32(schema.count))
    footer.end()
    for node in schema { Self.write(node, to: &footer) }
    footer.int64(3, Int64(statedRowCount ?? rowCount))
    footer.list(4, of: .structure, count: 1)
    footer.beginElement()
    footer.list(1, of: .structure, count: columns.count)
    for column in columns {
      let start = file.count
      for page in column.pages { file += Self.bytes(of: page) }
      footer.beginElement()
      footer.int64(2, 0)
      footer.beginStruct(3)
      footer.int32(1, column.type.rawValue)
      footer.list(2, of: .int32, count: column.encodings.count)
      for encoding in column.encodings { footer.element(int32: encoding.rawValue) }
      footer.list(3, of: .binary, count: column.path.count)
      for name in column.path { footer.element(binary: name.utf8) }
      footer.int32(4, column.codec.rawValue)
      let counted = column.pages.filter { !$0.isDictionary }.reduce(0) { $0 + $1.valueCount }
      footer.int64(5, Int64(column.valueCount ?? counted))
      footer.int64(6, Int64(column.pages.reduce(0) { $0 + $1.body.count + 30 }))
      footer.int64(7, Int64(file.count - start))
      footer.int64(9, Int64(start))
      if let place = column.bloomFilter {
        footer.int64(14, place.offset)
        if let count = place.byteCount { footer.int32(15, count) }
      }
      footer.end()
      if let place = column.offsetIndex {
        footer.int64(4, place.offset)
        if let count = place.byteCount { footer.int32(5, count) }
      }
      if let place = column.columnIndex {
        footer.int64(6, place.offset)
        if let count = place.byteCount { footer.int32(7, count) }
      }
      footer.end()
    }
    footer.int64(2, 0)
    footer.int64(3, Int64(rowCount))
    footer.end()
    footer.end()
    let end = Array(footer.buffer.bytes)
    return file + end + withUnsafeBytes(of: UInt32(end.count)) { Array($0) } + fileMagic
  }

  func reader(limits: ReaderLimits = ReaderLimits()) throws(ParquetError) -> FileReader {
    try FileReader(bytes: ByteStorage(copying: bytes), limits: limits)
  }

  private static func write(_ node: Node, to footer: inout ThriftCompactWriter) {
    footer.beginElement()
    if let type = node.type { footer.int32(1, type.rawValue) }
    if let length = node.typeLength { footer.int32(2, Int32(length)) }
    footer.int32(3, node.repetition.rawValue)
    footer.string(4, node.name)
    if node.type == nil { footer.int32(5, Int32(node.children.count)) }
    if let converted = node.converted { footer.int32(6, converted.rawValue) }
    if let scale = node.scale { footer.int32(7, Int32(scale)) }
    if let precision = node.precision { footer.int32(8, Int32(precision)) }
    if let logical = node.logical {
      footer.beginStruct(10)
      logical(&footer)
      footer.end()
    }
    footer.end()
    for child in node.children { write(child, to: &footer) }
  }

  private static func bytes(of page: Page) -> [UInt8] {
    let stored = page.compressed ?? page.body
    var header = ThriftCompactWriter()
    header.int32(1, (page.isDictionary ? PageType.dictionary : .data).rawValue)
    header.int32(2, Int32(page.statedByteCount ?? page.body.count))
    header.int32(3, Int32(stored.count))
    header.beginStruct(page.isDictionary ? 7 : 5)
    header.int32(1, Int32(page.valueCount))
    header.int32(2, page.encoding.rawValue)
    if !page.isDictionary {
      header.int32(3, page.definitionEncoding.rawValue)
      header.int32(4, page.repetitionEncoding.rawValue)
    }
    header.end()
    header.end()
    return Array(header.buffer.bytes) + stored
  }

  // MARK: Bodies of pages

  /// Levels in RLE, each in a run of its own, behind their length.
  static func runs(_ levels: [Int]) -> [UInt8] {
    let bytes = levels.flatMap { [UInt8(2), UInt8($0)] }
    return withUnsafeBytes(of: UInt32(bytes.count)) { Array($0) } + bytes
  }

  /// Levels in BIT_PACKED, as Encodings.md has it: "from the most significant bit of each byte to the
  /// least significant bit".
  static func packed(_ levels: [Int], width: Int) -> [UInt8] {
    let bits = levels.flatMap { level in
      (0..<width).map { level >> (width - 1 - $0) & 1 }
    }
    return stride(from: 0, to: bits.count, by: 8).map { start in
      (0..<8).reduce(UInt8(0)) { byte, bit in
        byte << 1 | (start + bit < bits.count ? UInt8(bits[start + bit]) : 0)
      }
    }
  }

  static func plain(_ values: [Int32]) -> [UInt8] {
    values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
  }
}
