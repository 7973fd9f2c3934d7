/// Encodes one column of a row group: looks through it, chooses an encoding, then writes its pages
/// one by one.
struct ColumnChunkWriter {
  let column: ColumnDescriptor
  let options: WriterOptions
  let scratch: EncoderScratch

  /// Where encoded bytes go.
  typealias Emit = (UnsafeRawBufferPointer) throws -> Void

  /// Encodes `vector` and hands its pages to `emit`.
  ///
  /// - Parameter offset: Where in the file the chunk starts.
  func write(
    _ vector: ColumnVector, at offset: Int64, emit: Emit
  ) throws -> ColumnChunkMetadata {
    guard vector.values.physicalType == column.physicalType else {
      throw ParquetError(
        .invalidValues, expected: "values of type \(column.physicalType)",
        found: "\(vector.values.physicalType)")
    }
    try vector.checkLists(as: column)
    return try ColumnValues.with(vector.values) { values in
      try vector.lists.withPlaces { lists in
        guard let indices = vector.indices else {
          scratch.usage.setPlain(count: values.count)
          return try write(
            ColumnRows(
              values: values, indices: nil, elementCount: values.count, lists: lists,
              rowCount: vector.rowCount),
            valuesAreDistinct: vector.valuesAreDistinct, at: offset, emit: emit)
        }
        return try indices.withUnsafeBufferPointer { indices in
          try scratch.usage.measure(indices, valueCount: values.count)
          return try write(
            ColumnRows(
              values: values, indices: indices, elementCount: indices.count, lists: lists,
              rowCount: vector.rowCount),
            valuesAreDistinct: vector.valuesAreDistinct, at: offset, emit: emit)
        }
      }
    }
  }

  private func write(
    _ rows: ColumnRows, valuesAreDistinct: Bool, at offset: Int64, emit: Emit
  ) throws -> ColumnChunkMetadata {
    try checkRows(rows)
    let isDictionary = findDictionary(rows, valuesAreDistinct: valuesAreDistinct)
    let encoding = try chooseEncoding(rows, isDictionary: isDictionary)
    var statistics = ColumnStatistics()
    let order = SortOrder(column.physicalType, column.logicalType)
    // Equal numbers may differ in their bytes, by which a dictionary is built.
    let isByBytes = ![.floatingPoint, .float16, .bigEndianSigned].contains(order)
    if valuesAreDistinct || isDictionary == .built && isByBytes {
      statistics.distinctCount = Int64(scratch.usage.usedCount)
    }
    let isFoundInPages =
      column.physicalType == .byteArray && order == .bytes
      && (encoding == .rleDictionary || encoding == .plain)
    var bounds = isFoundInPages ? PlainPageBounds() : nil
    var chunk = ColumnChunkMetadata(
      physicalType: column.physicalType, path: column.path, encodings: [],
      codec: options.codec.compressionCodec, valueCount: 0, uncompressedByteCount: 0,
      compressedByteCount: 0, dataPageOffset: offset)
    chunk.dataPageVersion = options.dataPages
    if encoding == .rleDictionary {
      encodeDictionary(rows.values)
      bounds?.add(scratch.page.bytes)
      let body = try compressPage()
      scratch.header.writeDictionaryPage(
        valueCount: scratch.usage.usedCount, uncompressedByteCount: scratch.page.count,
        compressedByteCount: body.count, checksum: checksum(body))
      try emitPage(body, into: &chunk, emit)
      chunk.dictionaryPageOffset = offset
      chunk.dataPageOffset = offset + chunk.compressedByteCount
    }
    let levelWriter = LevelWriter(column: column, version: options.dataPages, scratch: scratch)
    var nullCount = 0
    var row = 0
    var pages = options.pageIndex ? PageIndex(pages: []) : nil
    repeat {
      let pageOffset = offset + chunk.compressedByteCount
      let page = pageRows(from: row, rows, encoding)
      scratch.page.removeAll()
      let levels = levelWriter.write(rows, of: page)
      let valuesStart = scratch.page.count
      try encodeValues(rows.values, levels.selection, encoding)
      if encoding == .plain {
        bounds?.add(UnsafeRawBufferPointer(rebasing: scratch.page.bytes[valuesStart...]))
      }
      try writeDataPage(page, levels, encoding, into: &chunk, emit)
      nullCount += levels.nullCount
      chunk.valueCount += Int64(levels.count)
      chunk.dataPageCount += 1
      pages?.append(
        rows, page, levels, order: order, known: encoding == .plain ? bounds : nil,
        at: pageOffset..<offset + chunk.compressedByteCount)
      row = page.rows.upperBound
    } while row < rows.rowCount
    statistics.nullCount = Int64(nullCount)
    if let bounds {
      bounds.set(in: &statistics)
    } else if pages?.setBounds(of: column.physicalType, order: order, in: &statistics) != true {
      StatisticsWriter.setNaNCount(of: rows, order: order, in: &statistics)
      StatisticsWriter.setBounds(
        of: rows.values, isUsed: scratch.usage.isUsed, order: order, in: &statistics)
    }
    chunk.statistics = statistics
    chunk.writtenPages = pages?.finished(chunk: statistics)
    if let rate = options.bloomFilters[column.name] {
      chunk.writtenFilter = BloomFilter(
        of: rows.values, isUsed: scratch.usage.isUsed, falsePositiveRate: rate)
    }
    if encoding == .rleDictionary { chunk.encodings.append(.plain) }
    if column.maxDefinitionLevel > 0, encoding != .rle { chunk.encodings.append(.rle) }
    chunk.encodings.append(encoding)
    return chunk
  }

  private func checkRows(_ rows: ColumnRows) throws {
    if !column.isOptional, scratch.usage.nullCount > 0 {
      let place = (0..<rows.elementCount).first { rows.indices?[$0] == ColumnVector.null } ?? 0
      let what = rows.lists == nil ? "row" : "element"
      throw ParquetError(
        .invalidValues, expected: "a value in every \(what) of a REQUIRED column",
        found: "none in \(what) \(place)")
    }
    if column.logicalType == .unknown, rows.elementCount > scratch.usage.nullCount {
      throw ParquetError(
        .invalidValues, expected: "no value in a column whose values are all null", found: "one")
    }
    if column.physicalType == .fixedLengthByteArray, let slices = rows.values.slices,
      let length = column.fixedLength
    {
      for index in 0..<rows.values.count where Int(slices[index].length) != length {
        throw ParquetError(
          .invalidValues, expected: "values of \(length) bytes",
          found: "\(slices[index].length) in value \(index)")
      }
    }
  }
}
