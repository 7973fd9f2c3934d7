/// Reads `OffsetIndex` and `ColumnIndex` (parquet.thrift), and holds them against their column chunk.
enum PageIndexReader {
  /// A page index's two parts as they are in the file.
  struct Parts {
    var offsets: UnsafeRawBufferPointer
    var bounds: UnsafeRawBufferPointer?
  }

  /// Reads a page index.
  ///
  /// - Throws: ``ParquetError`` if it cannot be parsed, or speaks of pages that the chunk or the row
  ///   group cannot have.
  static func read(
    _ parts: Parts, of chunk: ColumnChunkMetadata, rowCount: Int
  ) throws(ParquetError) -> PageIndex {
    let place = Int(chunk.offsetIndex?.offset ?? 0)
    var thrift = ThriftCompactReader(parts.offsets, fileOffset: place)
    var index = PageIndex(pages: try readPages(&thrift, rowCount: rowCount))
    try check(index, of: chunk, fileOffset: place)
    if let bounds = parts.bounds {
      let place = Int(chunk.columnIndex?.offset ?? 0)
      var thrift = ThriftCompactReader(bounds, fileOffset: place)
      let statistics = try readStatistics(&thrift)
      guard statistics.count == index.pages.count else {
        throw ParquetError(
          .malformed, expected: "bounds of \(index.pages.count) pages, as the offset index has",
          found: "\(statistics.count)", offset: place)
      }
      for position in index.pages.indices {
        var page = statistics[position].statistics
        if statistics[position].isNullPage {
          page.nullCount = Int64(index.pages[position].rows.count)
        }
        index.pages[position].statistics = page
      }
    }
    return index
  }

  // MARK: Offsets

  private static func readPages(
    _ thrift: inout ThriftCompactReader, rowCount: Int
  ) throws(ParquetError) -> [PageIndex.Page] {
    try thrift.beginStruct()
    var pages: [PageIndex.Page]?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      guard field.id == 1, field.type == .list else {
        try thrift.skip(field.type)
        continue
      }
      var found: [PageIndex.Page] = []
      for _ in 0..<(try thrift.list(of: .structure)) {
        let page = try readPage(&thrift, rowCount: rowCount)
        if let before = found.last {
          guard before.rows.lowerBound <= page.rows.lowerBound else {
            throw thrift.malformed(
              "a page from row \(before.rows.lowerBound) on or later",
              "one from \(page.rows.lowerBound) on")
          }
          found[found.count - 1].rows = before.rows.lowerBound..<page.rows.lowerBound
        } else if page.rows.lowerBound != 0 {
          throw thrift.malformed(
            "a first page from row 0 on", "one from \(page.rows.lowerBound) on")
        }
        found.append(page)
      }
      pages = found
    }
    return try thrift.require(pages, "page_locations")
  }

  /// Reads where a page is; it is taken to reach to the end of the row group.
  private static func readPage(
    _ thrift: inout ThriftCompactReader, rowCount: Int
  ) throws(ParquetError) -> PageIndex.Page {
    try thrift.beginStruct()
    var offset: Int64?
    var byteCount: Int?
    var firstRow: Int64?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int64): offset = try thrift.count64("offset")
      case (2, .int32): byteCount = try thrift.count("compressed_page_size")
      case (3, .int64): firstRow = try thrift.count64("first_row_index")
      default: try thrift.skip(field.type)
      }
    }
    let first = try thrift.require(firstRow, "first_row_index")
    guard first <= Int64(rowCount) else {
      throw thrift.malformed("a row up to \(rowCount)", "\(first)")
    }
    return PageIndex.Page(
      rows: Int(first)..<rowCount, offset: try thrift.require(offset, "offset"),
      byteCount: try thrift.require(byteCount, "compressed_page_size"))
  }

  /// Throws unless the pages lie in the chunk, one after another.
  private static func check(
    _ index: PageIndex, of chunk: ColumnChunkMetadata, fileOffset: Int
  ) throws(ParquetError) {
    guard !index.pages.isEmpty || chunk.valueCount == 0 else {
      throw ParquetError(
        .malformed, expected: "a page in the offset index", found: "none", offset: fileOffset)
    }
    var next = chunk.startOffset
    let (end, _) = chunk.startOffset.addingReportingOverflow(chunk.compressedByteCount)
    for page in index.pages {
      guard page.offset >= next, page.offset <= end, page.byteCount > 0,
        Int64(page.byteCount) <= end - page.offset
      else {
        throw ParquetError(
          .malformed, expected: "a page between bytes \(next) and \(end), where its chunk is",
          found: "\(page.byteCount) bytes from \(page.offset) on", offset: fileOffset)
      }
      next = page.offset + Int64(page.byteCount)
    }
  }

  // MARK: Bounds

  private static func readStatistics(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> [(isNullPage: Bool, statistics: ColumnStatistics)] {
    try thrift.beginStruct()
    var nullPages: [Bool]?
    var smallest: [[UInt8]]?
    var largest: [[UInt8]]?
    var nullCounts: [Int64]?
    var nanCounts: [Int64]?
    var last: Int16 = 0
    while let field = try thrift.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .list): nullPages = try readBooleans(&thrift)
      case (2, .list): smallest = try readBinaries(&thrift)
      case (3, .list): largest = try readBinaries(&thrift)
      case (5, .list): nullCounts = try readCounts(&thrift)
      case (8, .list): nanCounts = try readCounts(&thrift)
      default: try thrift.skip(field.type)
      }
    }
    let isNull = try thrift.require(nullPages, "null_pages")
    let low = try thrift.require(smallest, "min_values")
    let high = try thrift.require(largest, "max_values")
    let counts = [low.count, high.count, nullCounts?.count, nanCounts?.count].compactMap(\.self)
    if let wrong = counts.first(where: { $0 != isNull.count }) {
      throw thrift.malformed("lists of \(isNull.count) pages", "one of \(wrong)")
    }
    var pages: [(isNullPage: Bool, statistics: ColumnStatistics)] = []
    pages.reserveCapacity(isNull.count)
    for position in isNull.indices {
      var statistics = ColumnStatistics()
      if !isNull[position] {
        statistics.minValue = low[position]
        statistics.maxValue = high[position]
      }
      statistics.nullCount = nullCounts?[position]
      statistics.nanCount = nanCounts?[position]
      pages.append((isNull[position], statistics))
    }
    return pages
  }

  private static func readBooleans(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> [Bool] {
    let (type, count) = try thrift.list()
    guard type == .boolTrue || type == .boolFalse || count == 0 else {
      throw thrift.malformed("a list of booleans", "one of \(type)")
    }
    var values: [Bool] = []
    for _ in 0..<count { values.append(try thrift.int8() == 1) }
    return values
  }

  private static func readBinaries(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> [[UInt8]] {
    var values: [[UInt8]] = []
    for _ in 0..<(try thrift.list(of: .binary)) { values.append(Array(try thrift.binary())) }
    return values
  }

  private static func readCounts(
    _ thrift: inout ThriftCompactReader
  ) throws(ParquetError) -> [Int64] {
    var values: [Int64] = []
    for _ in 0..<(try thrift.list(of: .int64)) { values.append(try thrift.int64()) }
    return values
  }
}
