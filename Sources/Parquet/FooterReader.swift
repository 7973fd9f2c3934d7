/// Reads `FileMetaData`, the footer (parquet.thrift), and holds it against the file's size.
enum FooterReader {
  /// Reads a footer.
  ///
  /// - Parameters:
  ///   - bytes: The footer.
  ///   - fileOffset: Where in the file it starts; every page lies before.
  static func read(
    _ bytes: UnsafeRawBufferPointer, fileOffset: Int
  ) throws(ParquetError) -> FileMetadata {
    var thrift = ThriftCompactReader(bytes, fileOffset: fileOffset)
    try thrift.beginStruct()
    var schema: [(ColumnDescriptor, SchemaLeaf)]?
    var rowCount: Int64?
    var rowGroups: [RowGroupMetadata]?
    var keyValues: [(key: String, value: String)] = []
    var createdBy: String?
    var columnOrders: [ColumnOrder] = []
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (2, .list):
        var elements: [SchemaElement] = []
        for _ in 0..<(try thrift.list(of: .structure)) {
          elements.append(try SchemaReader.readElement(&thrift))
        }
        schema = try SchemaColumns.find(in: elements)
      case (3, .int64): rowCount = try thrift.count64("num_rows")
      case (4, .list):
        rowGroups = []
        for _ in 0..<(try thrift.list(of: .structure)) {
          rowGroups?.append(try readRowGroup(&thrift, schema ?? []))
        }
      case (5, .list):
        for _ in 0..<(try thrift.list(of: .structure)) {
          keyValues.append(try readKeyValue(&thrift))
        }
      case (6, .binary): createdBy = try thrift.string()
      case (7, .list):
        for _ in 0..<(try thrift.list(of: .structure)) {
          columnOrders.append(try readColumnOrder(&thrift))
        }
      case (8, .structure):
        throw ParquetError(
          .unsupported, expected: "a file that is not encrypted", found: "an encrypted one",
          offset: fileOffset + thrift.position)
      default: try thrift.skip(field.type)
      }
    }
    let columns = try thrift.require(schema, "schema")
    var metadata = FileMetadata(
      rowCount: try thrift.require(rowCount, "num_rows"),
      schema: FileSchema(columns: columns.map(\.0)),
      rowGroups: try thrift.require(rowGroups, "row_groups"), keyValues: keyValues,
      createdBy: createdBy, leaves: columns.map(\.1),
      columnOrders: columnOrders)
    metadata.rowCount = try check(metadata, pagesEnd: fileOffset)
    return metadata
  }

  private static func readKeyValue(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> (key: String, value: String) {
    try thrift.beginStruct()
    var key: String?
    var value = ""
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .binary): key = try thrift.string()
      case (2, .binary): value = try thrift.string()
      default: try thrift.skip(field.type)
      }
    }
    return (try thrift.require(key, "key"), value)
  }

  private static func readColumnOrder(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> ColumnOrder {
    try thrift.beginStruct()
    var order = ColumnOrder.unknown
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      order = ColumnOrder(rawValue: field.id) ?? .unknown
      try thrift.skip(field.type)
    }
    return order
  }

  /// - Parameter schema: The columns, which errors name.
  private static func readRowGroup(
    _ thrift: inout ThriftCompactReader, _ schema: [(ColumnDescriptor, SchemaLeaf)]
  ) throws(ParquetError) -> RowGroupMetadata {
    try thrift.beginStruct()
    var columns: [ColumnChunkMetadata]?
    var rowCount: Int64?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .list):
        columns = []
        for index in 0..<(try thrift.list(of: .structure)) {
          do {
            columns?.append(try readColumnChunk(&thrift))
          } catch {
            throw schema.indices.contains(index)
              ? error.about(column: schema[index].0.name) : error
          }
        }
      case (3, .int64): rowCount = try thrift.count64("num_rows")
      default: try thrift.skip(field.type)
      }
    }
    return RowGroupMetadata(
      rowCount: try thrift.require(rowCount, "num_rows"),
      columns: try thrift.require(columns, "columns"))
  }

  private static func readColumnChunk(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> ColumnChunkMetadata {
    try thrift.beginStruct()
    var metadata: ColumnChunkMetadata?
    var offsetIndex = FilePart(offset: 0, byteCount: 0)
    var columnIndex = FilePart(offset: 0, byteCount: 0)
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .binary):
        let path = try thrift.string()
        throw ParquetError(
          .unsupported, expected: "a column chunk in this file", found: "one in \"\(path)\"")
      case (3, .structure): metadata = try readColumnMetadata(&thrift)
      case (4, .int64): offsetIndex.offset = try thrift.int64()
      case (5, .int32): offsetIndex.byteCount = Int(try thrift.int32())
      case (6, .int64): columnIndex.offset = try thrift.int64()
      case (7, .int32): columnIndex.byteCount = Int(try thrift.int32())
      case (8, .structure):
        throw ParquetError(
          .unsupported, expected: "a column that is not encrypted", found: "an encrypted one")
      default: try thrift.skip(field.type)
      }
    }
    var chunk = try thrift.require(metadata, "meta_data")
    if offsetIndex.byteCount != 0 { chunk.offsetIndex = offsetIndex }
    if columnIndex.byteCount != 0 { chunk.columnIndex = columnIndex }
    return chunk
  }

  private static func readColumnMetadata(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> ColumnChunkMetadata {
    try thrift.beginStruct()
    var type: PhysicalType?
    var encodings: [Encoding] = []
    var path: [String]?
    var codec: CompressionCodec?
    var valueCount: Int64?
    var uncompressed: Int64?
    var compressed: Int64?
    var dataPage: Int64?
    var dictionaryPage: Int64?
    var statistics: ColumnStatistics?
    var filterOffset: Int64?
    var filterByteCount: Int32 = 0
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): type = try SchemaReader.physicalType(&thrift)
      case (2, .list):
        for _ in 0..<(try thrift.list(of: .int32)) {
          // Those of a later format only concern who reads this column.
          if let known = Encoding(rawValue: try thrift.int32()) { encodings.append(known) }
        }
      case (3, .list):
        path = []
        for _ in 0..<(try thrift.list(of: .binary)) { path?.append(try thrift.string()) }
      case (4, .int32):
        let number = try thrift.int32()
        guard let known = CompressionCodec(rawValue: number) else {
          throw thrift.malformed("a codec from 0 to 7", "\(number)")
        }
        codec = known
      case (5, .int64): valueCount = try thrift.count64("num_values")
      case (6, .int64): uncompressed = try thrift.count64("total_uncompressed_size")
      case (7, .int64): compressed = try thrift.count64("total_compressed_size")
      case (9, .int64): dataPage = try thrift.count64("data_page_offset")
      case (11, .int64): dictionaryPage = try thrift.count64("dictionary_page_offset")
      case (12, .structure): statistics = try StatisticsReader.read(&thrift)
      case (14, .int64): filterOffset = try thrift.int64()
      case (15, .int32): filterByteCount = try thrift.int32()
      default: try thrift.skip(field.type)
      }
    }
    var chunk = ColumnChunkMetadata(
      physicalType: try thrift.require(type, "type"),
      path: try thrift.require(path, "path_in_schema"), encodings: encodings,
      codec: try thrift.require(codec, "codec"),
      valueCount: try thrift.require(valueCount, "num_values"),
      uncompressedByteCount: try thrift.require(uncompressed, "total_uncompressed_size"),
      compressedByteCount: try thrift.require(compressed, "total_compressed_size"),
      dataPageOffset: try thrift.require(dataPage, "data_page_offset"),
      dictionaryPageOffset: dictionaryPage, statistics: statistics)
    chunk.bloomFilter = filterOffset.map { FilePart(offset: $0, byteCount: Int(filterByteCount)) }
    return chunk
  }

  // MARK: Checks

  /// Throws unless row groups fit the schema, and column chunks lie between the leading magic
  /// and the footer. Gives the number of rows.
  private static func check(
    _ metadata: FileMetadata, pagesEnd: Int
  ) throws(ParquetError) -> Int64 {
    var rows: Int64 = 0
    for group in metadata.rowGroups {
      guard group.columns.count == metadata.leaves.count else {
        throw ParquetError(
          .malformed, expected: "\(metadata.leaves.count) columns in a row group",
          found: "\(group.columns.count)")
      }
      let (sum, overflow) = rows.addingReportingOverflow(group.rowCount)
      guard !overflow else {
        throw ParquetError(.malformed, expected: "rows that can be counted", found: "more")
      }
      rows = sum
      for (index, chunk) in group.columns.enumerated() {
        do {
          try check(
            chunk, metadata.schema.columns[index], metadata.leaves[index],
            rowCount: group.rowCount, pagesEnd: pagesEnd)
        } catch {
          throw error.about(column: metadata.schema.columns[index].name)
        }
      }
    }
    // Some writers leave the sum 0.
    guard rows == metadata.rowCount || metadata.rowCount == 0 else {
      throw ParquetError(
        .malformed, expected: "\(metadata.rowCount) rows in all row groups", found: "\(rows)")
    }
    return rows
  }

  private static func check(
    _ chunk: ColumnChunkMetadata, _ column: ColumnDescriptor, _ leaf: SchemaLeaf,
    rowCount: Int64, pagesEnd: Int
  ) throws(ParquetError) {
    guard chunk.physicalType == column.physicalType else {
      throw ParquetError(
        .malformed, expected: "a column chunk of \(column.physicalType), as in the schema",
        found: "one of \(chunk.physicalType)")
    }
    guard chunk.path == leaf.path else {
      throw ParquetError(
        .malformed, expected: "a column chunk of this column",
        found: "one of \"\(chunk.path.joined(separator: "."))\"")
    }
    // An empty list counts as a value here, and so does the lack of one.
    let isList = leaf.maxRepetitionLevel > 0
    guard chunk.valueCount == rowCount || isList && rowCount > 0 && chunk.valueCount > rowCount
    else {
      throw ParquetError(
        .malformed,
        expected: "\(rowCount) values\(isList ? " or more" : ""), as the row group has rows",
        found: "\(chunk.valueCount)")
    }
    guard chunk.valueCount > 0 else { return }  // writers disagree on where nothing is
    let start = chunk.startOffset
    guard start >= fileMagic.count, start <= pagesEnd,
      chunk.compressedByteCount <= Int64(pagesEnd) - start
    else {
      throw ParquetError(
        .malformed, expected: "a column chunk between bytes \(fileMagic.count) and \(pagesEnd)",
        found: "\(chunk.compressedByteCount) bytes from \(start) on")
    }
  }
}
