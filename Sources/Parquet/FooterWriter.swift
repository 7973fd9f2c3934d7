/// Writes `FileMetaData`, the footer (parquet.thrift).
struct FooterWriter: ~Copyable {
  private var thrift = ThriftCompactWriter()

  init() {}

  /// The bytes of the footer last written.
  var bytes: UnsafeRawBufferPointer { thrift.buffer.bytes }

  mutating func write(
    schema: FileSchema, rowGroups: [RowGroupMetadata], keyValues: [(String, String)],
    createdBy: String
  ) {
    thrift.removeAll()
    thrift.int32(1, 2)
    let elements = schema.columns.reduce(1) { $0 + ($1.list == nil ? 1 : 3) }
    thrift.list(2, of: .structure, count: elements)
    thrift.beginElement()
    thrift.string(4, "schema")
    thrift.int32(5, Int32(schema.columns.count))
    thrift.end()
    for column in schema.columns { write(column) }
    thrift.int64(3, rowGroups.reduce(0) { $0 + $1.rowCount })
    thrift.list(4, of: .structure, count: rowGroups.count)
    for (ordinal, rowGroup) in rowGroups.enumerated() { write(rowGroup, ordinal: ordinal) }
    if !keyValues.isEmpty {
      thrift.list(5, of: .structure, count: keyValues.count)
      for (key, value) in keyValues {
        thrift.beginElement()
        thrift.string(1, key)
        thrift.string(2, value)
        thrift.end()
      }
    }
    thrift.string(6, createdBy)
    thrift.list(7, of: .structure, count: schema.columns.count)
    for _ in schema.columns {
      thrift.beginElement()
      thrift.emptyStruct(1)  // TypeDefinedOrder
      thrift.end()
    }
    thrift.end()
  }

  private mutating func write(_ column: ColumnDescriptor) {
    if let list = column.list { writeGroups(of: list, name: column.name) }
    thrift.beginElement()
    thrift.int32(1, column.physicalType.rawValue)
    if let length = column.fixedLength { thrift.int32(2, Int32(length)) }
    thrift.int32(3, column.isOptional ? 1 : 0)
    thrift.string(4, column.list == nil ? column.name : ListShape.elementName)
    if let logical = column.logicalType {
      if let converted = logical.convertedType { thrift.int32(6, converted.rawValue) }
      if case .decimal(let precision, let scale) = logical {
        thrift.int32(7, Int32(scale))
        thrift.int32(8, Int32(precision))
      }
      if logical != .interval {
        thrift.beginStruct(10)
        write(logical)
        thrift.end()
      }
    }
    thrift.end()
  }

  /// The two groups around the elements of a list (LogicalTypes.md, "Lists").
  private mutating func writeGroups(of list: ListShape, name: String) {
    thrift.beginElement()
    thrift.int32(3, list.isOptional ? 1 : 0)
    thrift.string(4, name)
    thrift.int32(5, 1)
    thrift.int32(6, ConvertedType.list.rawValue)
    thrift.beginStruct(10)
    thrift.emptyStruct(3)
    thrift.end()
    thrift.end()
    thrift.beginElement()
    thrift.int32(3, SchemaElement.Repetition.repeated.rawValue)
    thrift.string(4, ListShape.groupName)
    thrift.int32(5, 1)
    thrift.end()
  }

  private mutating func write(_ logical: LogicalType) {
    switch logical {
    case .string: thrift.emptyStruct(1)
    case .enumeration: thrift.emptyStruct(4)
    case .decimal(let precision, let scale):
      thrift.beginStruct(5)
      thrift.int32(1, Int32(scale))
      thrift.int32(2, Int32(precision))
      thrift.end()
    case .date: thrift.emptyStruct(6)
    case .time(let unit, let isAdjustedToUTC): write(7, unit, isAdjustedToUTC)
    case .timestamp(let unit, let isAdjustedToUTC): write(8, unit, isAdjustedToUTC)
    case .integer(let bitWidth, let isSigned):
      thrift.beginStruct(10)
      thrift.int8(1, Int8(bitWidth))
      thrift.bool(2, isSigned)
      thrift.end()
    case .unknown: thrift.emptyStruct(11)
    case .json: thrift.emptyStruct(12)
    case .bson: thrift.emptyStruct(13)
    case .uuid: thrift.emptyStruct(14)
    case .float16: thrift.emptyStruct(15)
    case .interval: break  // only ever a legacy annotation
    }
  }

  private mutating func write(
    _ id: Int16, _ unit: LogicalType.TimeUnit, _ isAdjustedToUTC: Bool
  ) {
    thrift.beginStruct(id)
    thrift.bool(1, isAdjustedToUTC)
    thrift.beginStruct(2)
    switch unit {
    case .milliseconds: thrift.emptyStruct(1)
    case .microseconds: thrift.emptyStruct(2)
    case .nanoseconds: thrift.emptyStruct(3)
    }
    thrift.end()
    thrift.end()
  }

  private mutating func write(_ rowGroup: RowGroupMetadata, ordinal: Int) {
    thrift.beginElement()
    thrift.list(1, of: .structure, count: rowGroup.columns.count)
    for column in rowGroup.columns {
      thrift.beginElement()
      thrift.int64(2, 0)  // file_offset: deprecated, 0 by the specification
      thrift.beginStruct(3)
      write(column)
      thrift.end()
      if let part = column.offsetIndex {
        thrift.int64(4, part.offset)
        thrift.int32(5, Int32(clamping: part.byteCount))
      }
      if let part = column.columnIndex {
        thrift.int64(6, part.offset)
        thrift.int32(7, Int32(clamping: part.byteCount))
      }
      thrift.end()
    }
    thrift.int64(2, rowGroup.columns.reduce(0) { $0 + $1.uncompressedByteCount })
    thrift.int64(3, rowGroup.rowCount)
    if let first = rowGroup.columns.first { thrift.int64(5, first.startOffset) }
    thrift.int64(6, rowGroup.columns.reduce(0) { $0 + $1.compressedByteCount })
    if let ordinal = Int16(exactly: ordinal) { thrift.int16(7, ordinal) }
    thrift.end()
  }

  private mutating func write(_ column: ColumnChunkMetadata) {
    thrift.int32(1, column.physicalType.rawValue)
    thrift.list(2, of: .int32, count: column.encodings.count)
    for encoding in column.encodings { thrift.element(int32: encoding.rawValue) }
    thrift.list(3, of: .binary, count: column.path.count)
    for name in column.path { thrift.element(binary: name.utf8) }
    thrift.int32(4, column.codec.rawValue)
    thrift.int64(5, column.valueCount)
    thrift.int64(6, column.uncompressedByteCount)
    thrift.int64(7, column.compressedByteCount)
    thrift.int64(9, column.dataPageOffset)
    if let offset = column.dictionaryPageOffset { thrift.int64(11, offset) }
    if let statistics = column.statistics {
      thrift.beginStruct(12)
      write(statistics)
      thrift.end()
    }
    writePageCounts(of: column)
    if let part = column.bloomFilter {
      thrift.int64(14, part.offset)
      thrift.int32(15, Int32(clamping: part.byteCount))
    }
  }

  /// `encoding_stats`: says that every data page is dictionary-coded, or that none is.
  private mutating func writePageCounts(of column: ColumnChunkMetadata) {
    guard let dataEncoding = column.encodings.last, column.dataPageCount > 0 else { return }
    let hasDictionary = column.dictionaryPageOffset != nil
    thrift.list(13, of: .structure, count: hasDictionary ? 2 : 1)
    if hasDictionary { pageCount(.dictionary, .plain, 1) }
    let type: PageType = column.dataPageVersion == .v1 ? .data : .dataV2
    pageCount(type, dataEncoding, column.dataPageCount)
  }

  private mutating func pageCount(_ type: PageType, _ encoding: Encoding, _ count: Int) {
    thrift.beginElement()
    thrift.int32(1, type.rawValue)
    thrift.int32(2, encoding.rawValue)
    thrift.int32(3, Int32(clamping: count))
    thrift.end()
  }

  private mutating func write(_ statistics: ColumnStatistics) {
    if let count = statistics.nullCount { thrift.int64(3, count) }
    if let count = statistics.distinctCount { thrift.int64(4, count) }
    if let bound = statistics.maxValue { thrift.binary(5, bound) }
    if let bound = statistics.minValue { thrift.binary(6, bound) }
    if let isExact = statistics.isMaxValueExact { thrift.bool(7, isExact) }
    if let isExact = statistics.isMinValueExact { thrift.bool(8, isExact) }
    if let count = statistics.nanCount { thrift.int64(9, count) }
  }
}
