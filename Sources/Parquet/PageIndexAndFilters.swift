extension FileReader {
  /// Reads where the pages of a column chunk are and what is known of each.
  ///
  /// - Returns: Nil if the file has no page index for the chunk.
  /// - Throws: ``ParquetError``, with its place, if the index is damaged or contradicts the footer.
  public func pageIndex(column: Int, rowGroup: Int) throws(ParquetError) -> PageIndex? {
    let chunk = try self.chunk(column, rowGroup)
    guard let offsets = chunk.offsetIndex else { return nil }
    do throws(ParquetError) {
      let offsetBytes = try source.bytes(offsets.range(in: source.count, "an offset index"))
      let bounds: ByteStorage?
      if let part = chunk.columnIndex {
        bounds = try source.bytes(part.range(in: source.count, "a column index"))
      } else {
        bounds = nil
      }
      let rowCount = metadata.rowGroups[rowGroup].rowCount
      return try withExtendedLifetime((offsetBytes, bounds)) { () throws(ParquetError) in
        try PageIndexReader.read(
          PageIndexReader.Parts(offsets: offsetBytes.bytes, bounds: bounds?.bytes), of: chunk,
          rowCount: Int(rowCount))
      }
    } catch {
      throw error.about(column: metadata.schema.columns[column].name)
    }
  }

  /// Reads the bloom filter of a column chunk.
  ///
  /// - Returns: Nil if the file has none for the chunk, or one of a kind this library does not know.
  /// - Throws: ``ParquetError``, with its place, if the filter is damaged.
  public func bloomFilter(column: Int, rowGroup: Int) throws(ParquetError) -> BloomFilter? {
    let chunk = try self.chunk(column, rowGroup)
    guard var part = chunk.bloomFilter else { return nil }
    do throws(ParquetError) {
      let isLengthKnown = part.byteCount > 0
      // From a place in the file on only: the footer may state any, the smallest number included.
      if !isLengthKnown, (0...Int64(source.count)).contains(part.offset) {
        part.byteCount = source.count - Int(part.offset)
      }
      let range = try part.range(in: source.count, "a bloom filter")
      let head = range.prefix(BloomFilterHeader.mostBytes)
      let headBytes = try source.bytes(head)
      let read = try BloomFilterHeader.read(headBytes.bytes, fileOffset: range.lowerBound)
      withExtendedLifetime(headBytes) {}
      guard let header = read else { return nil }
      guard header.bitsByteCount <= range.count - header.byteCount else {
        throw ParquetError(
          .malformed,
          expected: "a bloom filter within the \(range.count) bytes from its header on",
          found: "\(header.byteCount) and \(header.bitsByteCount)", offset: range.lowerBound)
      }
      let start = range.lowerBound + header.byteCount
      let bits = try source.bytes(start..<start + header.bitsByteCount)
      let filter = BloomFilter(bits: bits.bytes)
      withExtendedLifetime(bits) {}
      return filter
    } catch {
      throw error.about(column: metadata.schema.columns[column].name)
    }
  }

  private func chunk(
    _ column: Int, _ rowGroup: Int
  ) throws(ParquetError) -> ColumnChunkMetadata {
    guard metadata.rowGroups.indices.contains(rowGroup) else {
      throw ParquetError(
        .misuse, expected: "one of \(metadata.rowGroups.count) row groups", found: "\(rowGroup)")
    }
    guard metadata.leaves.indices.contains(column) else {
      throw ParquetError(
        .misuse, expected: "one of \(metadata.leaves.count) columns", found: "\(column)")
    }
    return metadata.rowGroups[rowGroup].columns[column]
  }
}
