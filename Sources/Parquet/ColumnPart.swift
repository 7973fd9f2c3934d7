/// The pages of a column chunk that have some rows, and what must be read for them.
struct ColumnPart: Sendable {
  /// The data pages, by position in the page index; nil for the chunk as a whole.
  var pages: [Int]?
  /// The rows that these pages have.
  var rows: RowRanges
  /// Where in the file the dictionary page and the data pages are.
  var byteRanges: [Range<Int>]

  /// Finds the part of a chunk that has the `wanted` rows.
  ///
  /// - Parameter index: Where the pages are; without it the part is the whole.
  init(
    of chunk: ColumnChunkMetadata, _ index: PageIndex?, wanted: RowRanges, rowCount: Int
  ) {
    let start = Int(chunk.startOffset)
    // Offsets of chunks without values need not make sense.
    let isEmpty = rowCount == 0 || chunk.valueCount == 0
    let whole = isEmpty ? 0..<0 : start..<start + Int(chunk.compressedByteCount)
    pages = nil
    rows = RowRanges(0..<rowCount)
    byteRanges = [whole]
    guard let index, let first = index.pages.first else { return }
    let needed = index.pages.indices.filter { wanted.overlaps(index.pages[$0].rows) }
    let filled = index.pages.count { !$0.rows.isEmpty }
    if needed.count == filled { return }
    pages = needed
    rows = RowRanges()
    byteRanges = [start..<Int(first.offset)]  // the dictionary page, if there is one
    for position in needed {
      let page = index.pages[position]
      rows.append(page.rows)
      byteRanges.append(Int(page.offset)..<Int(page.offset) + page.byteCount)
    }
    byteRanges = byteRanges.coalesced(gap: 0)
  }
}

extension FileReader {
  /// Reads a part of a column chunk.
  ///
  /// The bytes of its pages are put behind each other and read as if they were the chunk.
  func read(
    _ part: ColumnPart, column: Int, rowGroup: Int, _ index: PageIndex?, verifyChecksums: Bool,
    scratch: DecoderScratch
  ) throws(ParquetError) -> ColumnVector {
    guard let pages = part.pages, let index else {
      return try readColumn(
        column, rowGroup: rowGroup, verifyChecksums: verifyChecksums, scratch: scratch)
    }
    var chunk = metadata.rowGroups[rowGroup].columns[column]
    let total = part.byteRanges.reduce(0) { $0 + $1.count }
    let storage = try ByteStorage(capacity: total) { (target) throws(ParquetError) in
      var position = 0
      for range in part.byteRanges {
        try source.read(
          at: range.lowerBound,
          into: UnsafeMutableRawBufferPointer(
            rebasing: target[position..<position + range.count]))
        position += range.count
      }
      return position
    }
    let selected = pages.map { index.pages[$0] }
    let pageBytes = selected.reduce(0) { $0 + $1.byteCount }
    let base = Int(chunk.startOffset)
    chunk.valueCount = Int64(
      try valueCount(of: selected, in: storage, from: total - pageBytes, column: column))
    do {
      chunk.compressedByteCount = Int64(total)
      var fetched = FetchedRanges(fileByteCount: base + total)
      fetched.add(storage, at: base)
      return try read(
        chunk, of: column, rowCount: Int64(part.rows.count), from: .fetched(fetched),
        verifyChecksums: verifyChecksums, scratch: scratch)
    } catch {
      throw error.located(in: part.byteRanges, from: base)
    }
  }

  /// Counts the values of pages by their headers, and sees that each page is what the index says.
  private func valueCount(
    of pages: [PageIndex.Page], in storage: ByteStorage, from start: Int, column: Int
  ) throws(ParquetError) -> Int {
    let isFlat = metadata.leaves[column].maxRepetitionLevel == 0
    var position = start
    var total = 0
    for page in pages {
      let bytes = UnsafeRawBufferPointer(
        rebasing: storage.bytes[position..<position + page.byteCount])
      position += page.byteCount
      var thrift = ThriftCompactReader(bytes, fileOffset: Int(page.offset))
      let header = try PageHeaderReader.read(&thrift)
      guard header.type == .data || header.type == .dataV2,
        thrift.position + header.compressedByteCount == page.byteCount,
        !isFlat || header.valueCount == page.rows.count
      else {
        throw ParquetError(
          .malformed,
          expected: """
            a data page of \(page.byteCount) bytes and \(page.rows.count) rows, as the page index \
            says (RowReadOptions.usesPageIndex = false reads without it)
            """,
          found: """
            a \(header.type) page of \(thrift.position + header.compressedByteCount) bytes and \
            \(header.valueCount) values
            """, offset: Int(page.offset), column: metadata.schema.columns[column].name)
      }
      total += header.valueCount
    }
    return total
  }
}

extension ParquetError {
  /// The same error, about the place in the file of a byte that was read as if `ranges` lay behind each
  /// other from `base` on.
  fileprivate func located(in ranges: [Range<Int>], from base: Int) -> ParquetError {
    guard let offset else { return self }
    var rest = offset - base
    for range in ranges where rest >= 0 {
      if rest < range.count {
        var copy = self
        copy.offset = range.lowerBound + rest
        return copy
      }
      rest -= range.count
    }
    return self
  }
}
