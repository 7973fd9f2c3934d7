/// The pages of a column chunk, found by their headers and checked before any is decompressed.
struct PagePlan {
  struct Page {
    var header: PageHeader
    /// Where its header is in the file.
    var fileOffset: Int
    /// Where its bytes are in the chunk.
    var body: Range<Int>
    /// Whether it holds indices into the dictionary.
    var isDictionaryCoded: Bool {
      header.encoding == .rleDictionary || header.encoding == .plainDictionary
    }
    /// Whether byte strings lie in its decompressed bytes as they are.
    var keepsBytes: Bool { header.encoding == .plain || header.encoding == .deltaLengthByteArray }
  }

  private(set) var dictionary: Page?
  private(set) var dataPages: [Page] = []
  /// Whether any data page is dictionary-coded.
  private(set) var isDictionaryCoded = false
  /// Whether some pages are dictionary-coded, but others have as many values, as where a writer gave
  /// its dictionary up: such a column is best written out.
  private(set) var isMostlyPlain = false
  /// About how many values there will be: a value a row of plain pages, and the dictionary's, or a
  /// value a row, of others.
  private(set) var expectedValueCount = 0
  /// Decompressed bytes of the pages that byte strings will lie in.
  private(set) var keptByteCount = 0

  /// Walks through the pages in `bytes`, until they have all values.
  ///
  /// - Parameters:
  ///   - leastValueBitCount: The fewest bits that a value of a dictionary has.
  ///   - valueCount: How many values the chunk has, nulls and empty lists included.
  ///   - uncountedByteCount: How many of the bytes, at the end, need not be pages of this chunk.
  init(
    _ bytes: UnsafeRawBufferPointer, fileOffset: Int, codec: CompressionCodec,
    leastValueBitCount: Int, valueCount: Int, uncountedByteCount: Int, limits: ReaderLimits
  ) throws(ParquetError) {
    var position = 0
    var valuesFound = 0
    var total = 0
    while valuesFound < valueCount {
      guard position < bytes.count else {
        throw ParquetError(
          .malformed, expected: "\(valueCount) values", found: "\(valuesFound) in all pages",
          offset: fileOffset + position)
      }
      let page = try Self.page(bytes, at: position, fileOffset: fileOffset, codec)
      position = page.body.upperBound
      total += page.header.uncompressedByteCount
      guard total <= limits.chunkByteCount else {
        throw ParquetError(
          .limitExceeded,
          expected: "pages of at most \(limits.chunkByteCount) bytes once decompressed",
          found: "\(total) or more", offset: page.fileOffset)
      }
      switch page.header.type {
      case .index: continue
      case .dictionary:
        try add(dictionary: page, leastValueBitCount: leastValueBitCount)
      case .data, .dataV2:
        valuesFound += page.header.valueCount
        guard valuesFound <= valueCount else {
          throw ParquetError(
            .malformed, expected: "\(valueCount) values", found: "\(valuesFound) or more",
            offset: page.fileOffset)
        }
        try add(data: page)
      }
    }
    guard position >= bytes.count - uncountedByteCount || valueCount == 0 else {
      throw ParquetError(
        .malformed, expected: "the end of the chunk after \(valueCount) values",
        found: "\(bytes.count - position) bytes more", offset: fileOffset + position)
    }
    if let dictionary, isDictionaryCoded {
      let coded = dataPages.reduce(0) { $0 + ($1.isDictionaryCoded ? $1.header.valueCount : 0) }
      isMostlyPlain = coded <= expectedValueCount
      expectedValueCount += isMostlyPlain ? coded : dictionary.header.valueCount
      keptByteCount += dictionary.header.uncompressedByteCount
    }
  }

  private static func page(
    _ bytes: UnsafeRawBufferPointer, at position: Int, fileOffset: Int, _ codec: CompressionCodec
  ) throws(ParquetError) -> Page {
    var thrift = ThriftCompactReader(
      UnsafeRawBufferPointer(rebasing: bytes[position...]), fileOffset: fileOffset + position)
    let header = try PageHeaderReader.read(&thrift)
    let start = position + thrift.position
    let offset = fileOffset + position
    guard header.compressedByteCount <= bytes.count - start else {
      throw ParquetError(
        .malformed, expected: "a page within the \(bytes.count - start) bytes left of the chunk",
        found: "\(header.compressedByteCount)", offset: offset)
    }
    if header.type == .dataV2 {
      let levels = header.repetitionLevelByteCount + header.definitionLevelByteCount
      guard levels <= header.compressedByteCount, levels <= header.uncompressedByteCount else {
        throw ParquetError(
          .malformed, expected: "levels within the page's \(header.compressedByteCount) bytes",
          found: "\(levels)", offset: offset)
      }
    }
    let most = Decompressor.mostBytes(from: header.compressedByteCount, codec)
    guard header.uncompressedByteCount <= most else {
      throw ParquetError(
        .malformed,
        expected: "at most \(most) bytes from \(header.compressedByteCount) with \(codec)",
        found: "\(header.uncompressedByteCount)", offset: offset)
    }
    return Page(
      header: header, fileOffset: offset, body: start..<start + header.compressedByteCount)
  }

  private mutating func add(
    dictionary page: Page, leastValueBitCount: Int
  ) throws(ParquetError) {
    guard dictionary == nil, dataPages.isEmpty else {
      throw ParquetError(
        .malformed, expected: "one dictionary page, before all data pages",
        found: dictionary == nil ? "one after a data page" : "a second", offset: page.fileOffset)
    }
    guard page.header.encoding == .plain || page.header.encoding == .plainDictionary else {
      throw ParquetError(
        .malformed, expected: "a dictionary page in PLAIN", found: "\(page.header.encoding)",
        offset: page.fileOffset)
    }
    let most = page.header.uncompressedByteCount * 8 / leastValueBitCount
    guard page.header.valueCount <= most else {
      throw ParquetError(
        .malformed,
        expected: "at most \(most) values in \(page.header.uncompressedByteCount) bytes",
        found: "\(page.header.valueCount)", offset: page.fileOffset)
    }
    dictionary = page
  }

  private mutating func add(data page: Page) throws(ParquetError) {
    if page.isDictionaryCoded {
      guard dictionary != nil else {
        throw ParquetError(
          .malformed, expected: "a dictionary page before indices into it", found: "none",
          offset: page.fileOffset)
      }
      isDictionaryCoded = true
    } else {
      // Nulls take no room, and many equal values little: the hint must not be believed.
      expectedValueCount += min(page.header.valueCount, page.header.uncompressedByteCount)
      if page.keepsBytes { keptByteCount += page.header.uncompressedByteCount }
    }
    dataPages.append(page)
  }
}
