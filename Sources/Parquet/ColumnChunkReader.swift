/// Decodes one column of a row group: plans its pages from their headers, then reads them.
struct ColumnChunkReader {
  let column: ColumnDescriptor
  let leaf: SchemaLeaf
  let chunk: ColumnChunkMetadata
  let rowCount: Int64
  /// Bytes that the chunk may be longer than stated.
  var uncountedByteCount = 0
  let limits: ReaderLimits
  let verifyChecksums: Bool
  let scratch: DecoderScratch

  func read(from source: ByteSource) throws(ParquetError) -> ColumnVector {
    try checkSupported()
    // Without values nothing is read, and the place need not be one.
    let stated = chunk.valueCount == 0 ? 0 : Int(chunk.compressedByteCount)
    let extra =
      stated == 0 ? 0 : min(uncountedByteCount, source.count - Int(chunk.startOffset) - stated)
    let count = stated + extra
    let memory = scratch.chunk.room(for: count + PageBytes.slack)
    if count > 0 {
      try source.read(
        at: Int(chunk.startOffset),
        into: UnsafeMutableRawBufferPointer(start: memory, count: count))
    }
    let bytes = UnsafeRawBufferPointer(start: memory, count: count)
    let plan = try PagePlan(
      bytes, fileOffset: Int(chunk.startOffset), codec: chunk.codec,
      leastValueBitCount: leastValueBitCount, valueCount: Int(chunk.valueCount),
      uncountedByteCount: extra, limits: limits)
    let writesOut = plan.isMostlyPlain
    var values = ColumnValuesBuilder(
      type: column.physicalType, fixedLength: column.fixedLength,
      valueCapacity: writesOut
        ? plan.dictionary?.header.valueCount ?? 0 : plan.expectedValueCount,
      byteCapacity: plan.keptByteCount,
      byteLimit: limits.chunkByteCount)
    var rows = RowIndexBuilder(
      rowCount: Int(chunk.valueCount), isIndexed: plan.isDictionaryCoded && !writesOut)
    var lists = ListRowsBuilder(leaf)
    if let dictionary = plan.dictionary {
      try readDictionary(dictionary, bytes, isUsed: plan.isDictionaryCoded, into: &values)
    }
    let dictionaryCount = values.count
    if writesOut { values.beginRows(capacity: plan.expectedValueCount) }
    for page in plan.dataPages {
      do {
        try read(
          page, bytes, dictionaryCount: dictionaryCount, writesOut: writesOut, into: &values,
          &rows, &lists)
      } catch {
        var located = error
        if located.offset == nil { located.offset = page.fileOffset }
        throw located
      }
    }
    return try ColumnVector(
      values: values.finish(), indices: rows.finish(),
      lists: isList ? lists.finish(rowCount: Int(rowCount)) : nil)
  }

  private func checkSupported() throws(ParquetError) {
    guard leaf.maxRepetitionLevel <= 1 else {
      throw ParquetError(
        .unsupported, expected: "a column of values or of lists of values",
        found: "lists within lists, \(leaf.maxRepetitionLevel) deep")
    }
    guard chunk.codec != .lzo else { throw Decompressor.lacksLZO }
    guard rowCount <= limits.rowCount else {
      throw ParquetError(
        .limitExceeded, expected: "at most \(limits.rowCount) rows", found: "\(rowCount)")
    }
    guard !isList || chunk.valueCount <= limits.elementCount else {
      throw ParquetError(
        .limitExceeded, expected: "lists of at most \(limits.elementCount) elements together",
        found: "\(chunk.valueCount)")
    }
    guard chunk.compressedByteCount <= limits.chunkByteCount else {
      throw ParquetError(
        .limitExceeded, expected: "a column chunk of at most \(limits.chunkByteCount) bytes",
        found: "\(chunk.compressedByteCount)")
    }
  }

  private var isList: Bool { leaf.maxRepetitionLevel > 0 }

  /// The fewest bits that a value in a dictionary has. The format allows dictionaries for all types
  /// (Encodings.md), and parquet-go makes some for booleans.
  private var leastValueBitCount: Int {
    switch column.physicalType {
    case .boolean: 1
    case .int32, .float, .byteArray: 32
    case .int64, .double: 64
    case .int96: 96
    case .fixedLengthByteArray: max(column.fixedLength ?? 0, 1) * 8
    }
  }

  // MARK: Pages

  private func verify(
    _ page: PagePlan.Page, _ bytes: UnsafeRawBufferPointer
  ) throws(ParquetError) {
    guard verifyChecksums, let stated = page.header.checksum else { return }
    let found = Checksum.crc32(UnsafeRawBufferPointer(rebasing: bytes[page.body]))
    guard found == stated else {
      throw ParquetError(
        .checksumMismatch, expected: "a page with CRC-32 \(String(stated, radix: 16))",
        found: String(found, radix: 16), offset: page.fileOffset)
    }
  }

  private func readDictionary(
    _ page: PagePlan.Page, _ bytes: UnsafeRawBufferPointer, isUsed: Bool,
    into values: inout ColumnValuesBuilder
  ) throws(ParquetError) {
    try verify(page, bytes)
    guard isUsed else { return }
    do {
      let content = try decompress(
        UnsafeRawBufferPointer(rebasing: bytes[page.body]), chunk.codec,
        to: page.header.uncompressedByteCount, page.fileOffset, into: &values, isKept: true)
      var rest = content
      try values.appendPlain(&rest, count: page.header.valueCount)
      try rest.requireEnd()
    } catch {
      var located = error
      if located.offset == nil { located.offset = page.fileOffset }
      throw located
    }
  }

  /// Decompresses a page to scratch memory, or, if its strings will refer to it, to the end of the
  /// block they lie in.
  private func decompress(
    _ body: UnsafeRawBufferPointer, _ codec: CompressionCodec, to count: Int, _ fileOffset: Int,
    into values: inout ColumnValuesBuilder, isKept: Bool
  ) throws(ParquetError) -> PageBytes {
    // Some writers leave out even the codec's own bytes when a page has no values.
    if count == 0, body.isEmpty { return PageBytes(body, fileOffset: fileOffset) }
    if isKept, values.holdsByteStrings {
      return try values.appendBytes(count, fileOffset: fileOffset) {
        (target) throws(ParquetError) in
        try scratch.decompressor.decompress(body, with: codec, into: target)
      }
    }
    if codec == .uncompressed {
      guard body.count == count else {
        throw ParquetError(
          .malformed, expected: "an uncompressed page of \(count) bytes", found: "\(body.count)",
          offset: fileOffset)
      }
      return PageBytes(body, fileOffset: fileOffset)  // in the chunk's memory, which has slack
    }
    let memory = scratch.page.room(for: count + PageBytes.slack)
    let target = UnsafeMutableRawBufferPointer(start: memory, count: count)
    try scratch.decompressor.decompress(body, with: codec, into: target)
    return PageBytes(UnsafeRawBufferPointer(target), fileOffset: fileOffset)
  }

  private func read(
    _ page: PagePlan.Page, _ bytes: UnsafeRawBufferPointer, dictionaryCount: Int,
    writesOut: Bool, into values: inout ColumnValuesBuilder, _ rows: inout RowIndexBuilder,
    _ lists: inout ListRowsBuilder
  ) throws(ParquetError) {
    try verify(page, bytes)
    let header = page.header
    try checkStated(header.encoding)
    let body = UnsafeRawBufferPointer(rebasing: bytes[page.body])
    var content: PageBytes
    let presence: RowPresence
    if header.type == .dataV2 {
      let levelCount = header.repetitionLevelByteCount + header.definitionLevelByteCount
      var definitions = PageBytes(
        UnsafeRawBufferPointer(rebasing: body[..<levelCount]), fileOffset: page.fileOffset)
      var repetitions = try definitions.part(
        header.repetitionLevelByteCount, "repetition levels")
      presence = try readLevels(&repetitions, &definitions, header, &lists)
      let codec = header.isCompressed ? chunk.codec : .uncompressed
      content = try decompress(
        UnsafeRawBufferPointer(rebasing: body[levelCount...]), codec,
        to: header.uncompressedByteCount - levelCount, page.fileOffset, into: &values,
        isKept: page.keepsBytes)
    } else {
      content = try decompress(
        body, chunk.codec, to: header.uncompressedByteCount, page.fileOffset, into: &values,
        isKept: page.keepsBytes)
      var repetitions = try LevelReader.split(
        &content, header.repetitionLevelEncoding, count: header.valueCount,
        most: leaf.maxRepetitionLevel, "repetition levels")
      var definitions = try LevelReader.split(
        &content, header.definitionLevelEncoding, count: header.valueCount,
        most: leaf.maxDefinitionLevel, "definition levels")
      presence = try readLevels(&repetitions, &definitions, header, &lists)
    }
    // Writers disagree on whether an empty list is a null.
    if !isList, let nullCount = header.nullCount,
      nullCount != presence.rowCount - presence.valueCount
    {
      throw content.malformed(
        "\(nullCount) nulls", "\(presence.rowCount - presence.valueCount)")
    }
    if page.isDictionaryCoded {
      let codes = try readCodes(
        &content, count: presence.valueCount, dictionaryCount: dictionaryCount)
      if writesOut {
        rows.append(presence, firstValue: values.count)
        values.appendCoded(codes, count: presence.valueCount)
      } else {
        rows.append(presence, codes: codes)
      }
    } else {
      rows.append(presence, firstValue: values.count)
      try appendValues(&content, header.encoding, count: presence.valueCount, to: &values)
    }
    try content.requireEnd()
  }

  /// Values in PLAIN and BYTE_STREAM_SPLIT take the same room: what the chunk states tells one from
  /// a damaged header of the other.
  private func checkStated(_ encoding: Encoding) throws(ParquetError) {
    let other: Encoding
    switch encoding {
    case .plain: other = .byteStreamSplit
    case .byteStreamSplit: other = .plain
    default: return
    }
    if chunk.encodings.contains(other), !chunk.encodings.contains(encoding) {
      throw ParquetError(
        .malformed, expected: "a page in one of the chunk's encodings, \(chunk.encodings)",
        found: "\(encoding)")
    }
  }

  private func appendValues(
    _ content: inout PageBytes, _ encoding: Encoding, count: Int,
    to values: inout ColumnValuesBuilder
  ) throws(ParquetError) {
    switch encoding {
    case .plain: try values.appendPlain(&content, count: count)
    case .rle: try values.appendRunLength(&content, count: count, scratch)
    case .deltaBinaryPacked: try values.appendDeltas(&content, count: count)
    case .deltaLengthByteArray: try values.appendDeltaLengths(&content, count: count, scratch)
    case .deltaByteArray: try values.appendDeltaStrings(&content, count: count, scratch)
    case .byteStreamSplit: try values.appendSplitBytes(&content, count: count)
    case .plainDictionary, .bitPacked, .rleDictionary:
      throw ParquetError(
        .unsupported, expected: "an encoding of values that is read here", found: "\(encoding)")
    }
  }

  // MARK: Levels and codes

  /// Reads levels to the end of their bytes, and of a list column the rows in them.
  private func readLevels(
    _ repetitions: inout PageBytes, _ definitions: inout PageBytes, _ header: PageHeader,
    _ lists: inout ListRowsBuilder
  ) throws(ParquetError) -> RowPresence {
    guard isList else {
      return try readLevels(
        &definitions, header.definitionLevelEncoding, count: header.valueCount)
    }
    let count = header.valueCount
    let first = scratch.repetitions.room(for: count + RunLengthBitPackedReader.slack)
    try LevelReader.read(
      &repetitions, header.repetitionLevelEncoding, count: count, most: leaf.maxRepetitionLevel,
      to: first)
    let second = scratch.levels.room(for: count + RunLengthBitPackedReader.slack)
    try LevelReader.read(
      &definitions, header.definitionLevelEncoding, count: count, most: leaf.maxDefinitionLevel,
      to: second)
    return try lists.append(
      repetitions: first, definitions: second, count: count, of: definitions)
  }

  /// Reads definition levels of a column without lists.
  private func readLevels(
    _ levels: inout PageBytes, _ encoding: Encoding, count: Int
  ) throws(ParquetError) -> RowPresence {
    let most = leaf.maxDefinitionLevel
    guard most > 0 else { return RowPresence(rowCount: count, valueCount: count) }
    let width = BitPacking.width(of: UInt32(most))
    if encoding == .rle,
      try RunLengthBitPackedReader.readRun(
        &levels, of: UInt32(most), count: count, width: width)
    {
      try levels.requireEnd()
      return RowPresence(rowCount: count, valueCount: count)
    }
    let output = scratch.levels.room(for: count + RunLengthBitPackedReader.slack)
    try LevelReader.read(&levels, encoding, count: count, most: most, to: output)
    var valueCount = 0
    var largest: UInt32 = 0
    for index in 0..<count {
      let level = output[index]
      valueCount &+= level == UInt32(most) ? 1 : 0
      largest = max(largest, level)
    }
    guard largest <= UInt32(most) else {
      throw levels.malformed("definition levels up to \(most)", "\(largest)")
    }
    return RowPresence(
      rowCount: count, valueCount: valueCount, levels: UnsafePointer(output),
      present: UInt32(most))
  }

  /// Reads dictionary indices, and sees that each is one of the dictionary's.
  private func readCodes(
    _ content: inout PageBytes, count: Int, dictionaryCount: Int
  ) throws(ParquetError) -> UnsafePointer<UInt32> {
    let output = scratch.codes.room(for: count + RunLengthBitPackedReader.slack)
    output[count] = 0
    // A page without values may even lack the width.
    if count == 0, content.count == 0 { return UnsafePointer(output) }
    let width = Int(try content.byte("the width of dictionary indices"))
    guard width <= 32 else {
      throw content.malformed("a width of at most 32 bits", "\(width)")
    }
    try RunLengthBitPackedReader.read(&content, count: count, width: width, to: output)
    if count == 0 { content.position = content.end }
    // A difference below 0 has its sign bit set: no comparison in this loop.
    let last = UInt32(truncatingIfNeeded: dictionaryCount) &- 1
    var signs: UInt32 = 0
    for index in 0..<count { signs |= (last &- output[index]) | output[index] }
    guard count == 0 || dictionaryCount > 0 && signs >> 31 == 0 else {
      let found = UnsafeBufferPointer(start: output, count: count).max() ?? 0
      throw content.malformed("indices below the dictionary's \(dictionaryCount)", "\(found)")
    }
    return UnsafePointer(output)
  }
}

/// Which rows of a page have a value.
struct RowPresence {
  var rowCount: Int
  var valueCount: Int
  /// Definition levels, one a row; nil if every row has a value.
  var levels: UnsafePointer<UInt32>?
  /// The level of a row that has a value.
  var present: UInt32 = 0
}

/// Collects for each row the place of its value; nothing while row `i` holds value `i`.
struct RowIndexBuilder: ~Copyable {
  private var indices: GrowingArray<UInt32>
  private var isIndexed: Bool
  private var rowsSoFar = 0

  init(rowCount: Int, isIndexed: Bool) {
    indices = GrowingArray(capacity: isIndexed ? rowCount : 0)
    self.isIndexed = isIndexed
  }

  /// Adds rows whose values are at `codes`.
  mutating func append(_ page: RowPresence, codes: UnsafePointer<UInt32>) {
    let target = indices.room(for: page.rowCount)
    if let levels = page.levels {
      // Reads one code beyond the last, which the caller has made room for.
      var next = 0
      for row in 0..<page.rowCount {
        let isPresent = levels[row] == page.present
        target[row] = isPresent ? codes[next] : ColumnVector.null
        next &+= isPresent ? 1 : 0
      }
    } else {
      target.update(from: codes, count: page.rowCount)
    }
    indices.advance(page.rowCount)
    rowsSoFar += page.rowCount
  }

  /// Adds rows whose values follow each other from `firstValue` on.
  mutating func append(_ page: RowPresence, firstValue: Int) {
    if !isIndexed, page.valueCount < page.rowCount {
      isIndexed = true
      let target = indices.room(for: rowsSoFar)
      for row in 0..<rowsSoFar { target[row] = UInt32(truncatingIfNeeded: row) }
      indices.advance(rowsSoFar)
    }
    if isIndexed {
      let target = indices.room(for: page.rowCount)
      var next = UInt32(truncatingIfNeeded: firstValue)
      for row in 0..<page.rowCount {
        let isPresent = page.levels.map { $0[row] == page.present } ?? true
        target[row] = isPresent ? next : ColumnVector.null
        next &+= isPresent ? 1 : 0
      }
      indices.advance(page.rowCount)
    }
    rowsSoFar += page.rowCount
  }

  /// One index a row, or nil if row `i` holds value `i`.
  mutating func finish() -> [UInt32]? {
    isIndexed ? indices.takeArray() : nil
  }
}
