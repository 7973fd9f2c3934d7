/// What a finished file holds.
public struct FileSummary: Sendable, Hashable {
  /// Size of the file in bytes.
  public var byteCount: Int64
  /// Rows of all row groups.
  public var rowCount: Int64
  /// For each column the encoding of its data pages in the first row group, by name; empty without
  /// rows.
  public var encodings: [String: Encoding]
}

/// Writes a Parquet file, page by page, to an output: row groups first, then, by
/// ``finish(keyValues:)``, the footer.
///
/// Memory stays at a page, the footer's few hundred bytes a column chunk and, with
/// ``WriterOptions/pageIndex``, the place and bounds of every page, which are written last. Until
/// `finish` has returned, what was written has no footer, so no reader takes it for a finished file;
/// after an error the writer refuses everything else, so that it never gets one.
public struct FileWriter<Output: ByteOutput>: ~Copyable {
  /// The schema of the file.
  public let schema: FileSchema
  /// The options it is written with.
  public let options: WriterOptions
  /// Where the bytes go.
  public private(set) var output: Output
  /// Bytes written so far.
  public private(set) var byteCount: Int64 = 0
  /// Rows written so far.
  public private(set) var rowCount: Int64 = 0

  private var rowGroups: [RowGroupMetadata] = []
  private let scratch: EncoderScratch
  private var state = WriterState.open

  /// Starts a file.
  ///
  /// - Parameters:
  ///   - output: Takes the file's bytes.
  ///   - schema: The columns.
  ///   - options: Layout and compression.
  ///   - scratch: Working memory to use; one writer at a time may use it.
  /// - Throws: ``ParquetError`` of kind `invalidSchema` if schema or options make no sense.
  public init(
    output: Output, schema: FileSchema, options: WriterOptions = WriterOptions(),
    scratch: EncoderScratch = EncoderScratch()
  ) throws {
    try schema.validate()
    for (name, encoding) in options.columnEncodings {
      guard let column = schema.columns.first(where: { $0.name == name }) else {
        throw ParquetError(
          .invalidSchema, expected: "an encoding for a column of the schema", found: "\(encoding)",
          column: name)
      }
      guard encoding.writes(column.physicalType) else {
        throw ParquetError(
          .invalidSchema, expected: "an encoding that \(column.physicalType) can be written in",
          found: "\(encoding)", column: name)
      }
    }
    for (name, rate) in options.bloomFilters {
      try Self.check(bloomFilterRate: rate, of: schema.columns.first { $0.name == name }, name)
    }
    if case .zstd(let level) = options.codec, !(-7...22).contains(level) {
      throw ParquetError(
        .invalidSchema, expected: "a zstd level from -7 to 22", found: "\(level)")
    }
    if case .brotli(let quality) = options.codec, !(0...11).contains(quality) {
      throw ParquetError(
        .invalidSchema, expected: "a brotli quality from 0 to 11", found: "\(quality)")
    }
    self.output = output
    self.schema = schema
    self.options = options
    self.scratch = scratch
  }

  /// Writes one row group. One without rows is left out.
  ///
  /// - Parameter columns: The columns in schema order, all of the same number of rows.
  /// - Throws: ``ParquetError`` if they do not fit the schema, or what the output throws. The
  ///   writer cannot be used any more then.
  public mutating func writeRowGroup(_ columns: [ColumnVector]) throws {
    try begin()
    let rows = try schema.rowCount(of: columns)
    if rows > 0 {
      if byteCount == 0 { try append(magic: fileMagic) }
      var group = RowGroupMetadata(rowCount: Int64(rows), columns: [])
      group.columns.reserveCapacity(columns.count)
      for (descriptor, column) in zip(schema.columns, columns) {
        group.columns.append(try write(column, as: descriptor))
      }
      try close(&group)
    }
    end()
  }

  /// Appends a row group whose columns are encoded already, a part of an operation begun.
  mutating func append(_ chunks: ArraySlice<EncodedChunk>, rowCount rows: Int) throws {
    if byteCount == 0 { try append(magic: fileMagic) }
    var group = RowGroupMetadata(rowCount: Int64(rows), columns: [])
    for chunk in chunks {
      group.columns.append(chunk.metadata.shifted(by: byteCount))
      try append(chunk.bytes.bytes)
    }
    try close(&group)
  }

  /// Writes what comes behind the columns of a row group, and takes it in.
  private mutating func close(_ group: inout RowGroupMetadata) throws {
    try writeBloomFilters(of: &group)
    dropPageIndexIfUseless(of: &group)
    rowGroups.append(group)
    rowCount += group.rowCount
  }

  private mutating func write(
    _ column: ColumnVector, as descriptor: ColumnDescriptor
  ) throws -> ColumnChunkMetadata {
    let writer = ColumnChunkWriter(column: descriptor, options: options, scratch: scratch)
    let start = byteCount
    var written: Int64 = 0
    defer { byteCount += written }
    do {
      return try writer.write(column, at: start) { bytes in
        try output.append(bytes)
        written += Int64(bytes.count)
      }
    } catch let error as ParquetError where error.kind != .inputOutput {
      throw error.about(column: descriptor.name)
    }
  }

  /// Writes the footer and flushes the output. The file is complete then; making it durable is the
  /// caller's.
  ///
  /// - Parameter keyValues: Metadata of the file, in this order.
  /// - Throws: What the output throws, or ``ParquetError`` of kind `misuse` after an error or a
  ///   second time.
  public mutating func finish(keyValues: [(String, String)] = []) throws -> FileSummary {
    try begin()
    if byteCount == 0 { try append(magic: fileMagic) }
    try writePageIndexes()
    var footer = FooterWriter()
    footer.write(
      schema: schema, rowGroups: rowGroups, keyValues: keyValues, createdBy: options.createdBy)
    guard let length = UInt32(exactly: footer.bytes.count) else {
      throw ParquetError(
        .limitExceeded, expected: "a footer below 4 GiB", found: "\(footer.bytes.count) bytes")
    }
    try append(footer.bytes)
    try withUnsafeBytes(of: length.littleEndian) { try append($0) }
    try append(magic: fileMagic)
    try output.flush()
    state = .finished
    let encodings = zip(schema.columns, rowGroups.first?.columns ?? []).compactMap {
      column, chunk in chunk.encodings.last.map { (column.name, $0) }
    }
    return FileSummary(
      byteCount: byteCount, rowCount: rowCount,
      encodings: Dictionary(encodings, uniquingKeysWith: { first, _ in first }))
  }

  /// Ends an operation well.
  mutating func end() { state = .open }

  // MARK: What lets readers skip

  private static func check(
    bloomFilterRate rate: Double, of column: ColumnDescriptor?, _ name: String
  ) throws {
    guard let column, column.physicalType != .boolean else {
      throw ParquetError(
        .invalidSchema, expected: "a bloom filter for a column of the schema that is not BOOLEAN",
        found: column == nil ? "another column" : "BOOLEAN", column: name)
    }
    guard rate > 0, rate < 1 else {
      throw ParquetError(
        .invalidSchema, expected: "a rate of false positives between 0 and 1", found: "\(rate)",
        column: name)
    }
  }

  /// Writes the bloom filters of a row group right behind it, so that none is kept.
  private mutating func writeBloomFilters(of group: inout RowGroupMetadata) throws {
    for index in group.columns.indices {
      guard let filter = group.columns[index].writtenFilter else { continue }
      let start = byteCount
      try BloomFilterHeader.write(bitsByteCount: filter.byteCount) { try append($0) }
      try filter.withBits { try append($0) }
      group.columns[index].bloomFilter = FilePart(
        offset: start, byteCount: Int(byteCount - start))
      group.columns[index].writtenFilter = nil
    }
  }

  /// Where every column has one page, its index would say what the footer says.
  private func dropPageIndexIfUseless(of group: inout RowGroupMetadata) {
    guard group.columns.allSatisfy({ $0.writtenPages?.pages.count ?? 0 <= 1 }) else { return }
    for index in group.columns.indices { group.columns[index].writtenPages = nil }
  }

  /// Writes first the bounds of all pages, then their places, as PageIndex.md has them.
  private mutating func writePageIndexes() throws {
    var index = PageIndexWriter()
    for group in rowGroups.indices {
      for column in schema.columns.indices {
        guard let pages = rowGroups[group].columns[column].writtenPages,
          index.writeBounds(of: pages, column: schema.columns[column])
        else { continue }
        rowGroups[group].columns[column].columnIndex = FilePart(
          offset: byteCount, byteCount: index.bytes.count)
        try append(index.bytes)
      }
    }
    for group in rowGroups.indices {
      for column in schema.columns.indices {
        guard let pages = rowGroups[group].columns[column].writtenPages else { continue }
        index.writeOffsets(of: pages)
        rowGroups[group].columns[column].offsetIndex = FilePart(
          offset: byteCount, byteCount: index.bytes.count)
        try append(index.bytes)
      }
    }
  }

  /// Begins an operation, which only ``end()`` or `finish` ends well.
  mutating func begin() throws { try state.begin() }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    try output.append(bytes)
    byteCount += Int64(bytes.count)
  }

  private mutating func append(magic: [UInt8]) throws {
    try magic.withUnsafeBytes { try append($0) }
  }
}

/// "PAR1", the first and last four bytes of a file.
let fileMagic: [UInt8] = [0x50, 0x41, 0x52, 0x31]
