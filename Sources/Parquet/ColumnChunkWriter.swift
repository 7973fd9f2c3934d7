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
    StatisticsWriter.setNaNCount(of: rows, order: order, in: &statistics)
    var bounds: PlainPageBounds?
    if column.physicalType == .byteArray, order == .bytes,
      encoding == .rleDictionary || encoding == .plain
    {
      bounds = PlainPageBounds()
    } else {
      StatisticsWriter.setBounds(
        of: rows.values, isUsed: scratch.usage.isUsed, order: order, in: &statistics)
    }
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
    bounds?.set(in: &statistics)
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

  // MARK: Pages

  /// Compresses the scratch page, or what it has from `start` on.
  private func compressPage(from start: Int = 0) throws -> UnsafeRawBufferPointer {
    guard scratch.page.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "a page of at most \(Int32.max) bytes",
        found: "\(scratch.page.count)")
    }
    let bytes = UnsafeRawBufferPointer(rebasing: scratch.page.bytes[start...])
    let body = try scratch.compressor.compress(bytes, with: options.codec)
    guard body.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "a compressed page of at most \(Int32.max) bytes",
        found: "\(body.count)")
    }
    return body
  }

  private func checksum(
    _ body: UnsafeRawBufferPointer, after levels: UnsafeRawBufferPointer? = nil
  ) -> UInt32? {
    guard options.checksums else { return nil }
    return Checksum.crc32(body, after: levels.map { Checksum.crc32($0) } ?? 0)
  }

  /// Writes the data page that is in the scratch page.
  private func writeDataPage(
    _ page: PageRows, _ levels: PageLevels, _ encoding: Encoding,
    into chunk: inout ColumnChunkMetadata, _ emit: Emit
  ) throws {
    guard levels.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "lists of at most \(Int32.max) elements",
        found: "one of \(levels.count) in row \(page.rows.lowerBound)")
    }
    guard options.dataPages == .v2 else {
      let body = try compressPage()
      scratch.header.writeDataPage(
        valueCount: levels.count, encoding: encoding, uncompressedByteCount: scratch.page.count,
        compressedByteCount: body.count, checksum: checksum(body))
      return try emitPage(body, into: &chunk, emit)
    }
    let levelByteCount = levels.repetitionByteCount + levels.definitionByteCount
    var body = try compressPage(from: levelByteCount)
    let isCompressed = body.count < scratch.page.count - levelByteCount
    if !isCompressed {
      body = UnsafeRawBufferPointer(rebasing: scratch.page.bytes[levelByteCount...])
    }
    let levelBytes = UnsafeRawBufferPointer(rebasing: scratch.page.bytes[..<levelByteCount])
    scratch.header.writeDataPageV2(
      rowCount: page.rows.count, levels, encoding: encoding, isCompressed: isCompressed,
      uncompressedByteCount: scratch.page.count,
      compressedByteCount: levelByteCount + body.count,
      checksum: checksum(body, after: levelBytes))
    try emitPage(body, after: levelBytes, into: &chunk, emit)
  }

  private func emitPage(
    _ body: UnsafeRawBufferPointer, after levels: UnsafeRawBufferPointer? = nil,
    into chunk: inout ColumnChunkMetadata, _ emit: Emit
  ) throws {
    let header = scratch.header.bytes
    try emit(header)
    if let levels { try emit(levels) }
    try emit(body)
    chunk.uncompressedByteCount += Int64(header.count + scratch.page.count)
    chunk.compressedByteCount += Int64(header.count + (levels?.count ?? 0) + body.count)
  }

  /// The rows of the page that starts at `row`: whole ones, which a page index and pages of the
  /// second version need.
  private func pageRows(from row: Int, _ rows: ColumnRows, _ encoding: Encoding) -> PageRows {
    let limit = min(max(options.pageByteLimit, 1), 1 << 30)
    guard let lists = rows.lists else {
      let end = pageEnd(from: row, rows, encoding, limit: limit)
      return PageRows(rows: row..<end, elements: row..<end)
    }
    let start = Int(lists.offsets[row])
    let end = lists.rowEnd(
      from: row, elementEnd: pageEnd(from: start, rows, encoding, limit: limit),
      rowCount: min(rows.rowCount, row + Self.mostRowsPerPage))
    return PageRows(rows: row..<end, elements: start..<Int(lists.offsets[end]))
  }

  /// The element after the last one of the page that starts at `start`.
  private func pageEnd(
    from start: Int, _ rows: ColumnRows, _ encoding: Encoding, limit: Int
  ) -> Int {
    let most = min(rows.elementCount, start + Self.mostRowsPerPage)
    switch encoding {
    case .rleDictionary:
      return min(most, start + max(1, limit * 8 / codeWidth))
    case .rle:
      return min(most, start + limit * 8)
    case .plain, .plainDictionary, .bitPacked, .deltaBinaryPacked, .byteStreamSplit:
      switch column.physicalType {
      case .boolean: return min(most, start + limit * 8)
      case .int32, .float: return min(most, start + max(1, limit / 4))
      case .int64, .double: return min(most, start + max(1, limit / 8))
      case .fixedLengthByteArray, .int96:
        return min(most, start + max(1, limit / (column.fixedLength ?? 12)))
      case .byteArray: return pageEnd(from: start, most: most, limit: limit, rows)
      }
    case .deltaLengthByteArray, .deltaByteArray:
      return pageEnd(from: start, most: most, limit: limit, rows)
    }
  }

  private func pageEnd(from start: Int, most: Int, limit: Int, _ rows: ColumnRows) -> Int {
    guard let slices = rows.values.slices else { return most }
    var row = start
    var size = 0
    if let indices = rows.indices {
      while row < most {
        let index = indices[row]
        if index != ColumnVector.null { size &+= 4 &+ Int(slices[Int(index)].length) }
        if size > limit, row > start { return row }
        row &+= 1
      }
    } else {
      while row < most {
        size &+= 4 &+ Int(slices[row].length)
        if size > limit, row > start { return row }
        row &+= 1
      }
    }
    return most
  }

  private static let mostRowsPerPage = 1 << 20

  /// Bits of a dictionary index. At least one: not every reader knows indices of no bits.
  private var codeWidth: Int {
    max(1, BitPacking.width(of: UInt32(max(scratch.usage.usedCount - 1, 0))))
  }

  // MARK: Encoding

  /// Writes the dictionary page's values to the scratch page.
  private func encodeDictionary(_ values: ColumnValues) {
    scratch.page.removeAll()
    let used = ValueSelection(positions: scratch.usage.used, count: scratch.usage.usedCount)
    PlainWriter.write(values, used, to: &scratch.page)
  }

  /// Appends values to the scratch page.
  private func encodeValues(
    _ values: ColumnValues, _ selection: ValueSelection, _ encoding: Encoding
  ) throws {
    switch encoding {
    case .plain: PlainWriter.write(values, selection, to: &scratch.page)
    case .rleDictionary: encodeCodes(selection)
    case .rle: encodeBooleans(values, selection)
    case .deltaBinaryPacked:
      if column.physicalType == .int32 {
        encodeDeltas(values, selection, as: Int32.self)
      } else {
        encodeDeltas(values, selection, as: Int64.self)
      }
    case .deltaLengthByteArray:
      DeltaLengthByteArrayWriter.write(
        values, selection, lengths: &scratch.lengths, to: &scratch.page)
    case .deltaByteArray:
      DeltaByteArrayWriter.write(
        values, selection, lengths: &scratch.lengths, suffixes: &scratch.suffixes,
        to: &scratch.page)
    case .byteStreamSplit:
      ByteStreamSplitWriter.write(
        values, selection, length: column.fixedLength ?? 0, to: &scratch.page)
    case .plainDictionary, .bitPacked:
      throw ParquetError(
        .unsupported, expected: "an encoding that is written", found: "\(encoding)")
    }
  }

  private func encodeCodes(_ selection: ValueSelection) {
    let width = codeWidth
    scratch.page.append(UInt8(width))
    guard var positions = selection.positions ?? scratch.usage.codes.map({ $0 + selection.first })
    else { return }
    if let codes = scratch.usage.codes, selection.positions != nil {
      let target = scratch.codes.room(for: selection.count)
      for index in 0..<selection.count { target[index] = codes[Int(positions[index])] }
      positions = UnsafePointer(target)
    }
    RunLengthBitPackedWriter.write(
      positions, count: selection.count, width: width, to: &scratch.page)
  }

  private func encodeBooleans(_ values: ColumnValues, _ selection: ValueSelection) {
    let source = values.base.assumingMemoryBound(to: Bool.self)
    let target = scratch.codes.room(for: selection.count)
    for index in 0..<selection.count { target[index] = source[selection[index]] ? 1 : 0 }
    let start = scratch.page.count
    scratch.page.append(littleEndian: UInt32(0))
    RunLengthBitPackedWriter.write(target, count: selection.count, width: 1, to: &scratch.page)
    scratch.page.overwrite(at: start, littleEndian: UInt32(scratch.page.count - start - 4))
  }

  private func encodeDeltas<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ values: ColumnValues, _ selection: ValueSelection, as: Value.Type
  ) {
    let source = values.base.assumingMemoryBound(to: Value.self)
    guard let positions = selection.positions else {
      DeltaBinaryPackedWriter.write(
        source + selection.first, count: selection.count, to: &scratch.page)
      return
    }
    scratch.numbers.room(for: selection.count).withMemoryRebound(
      to: Value.self, capacity: selection.count
    ) { target in
      for index in 0..<selection.count { target[index] = source[Int(positions[index])] }
      DeltaBinaryPackedWriter.write(target, count: selection.count, to: &scratch.page)
    }
  }

  // MARK: Choice

  /// Where a column's dictionary comes from: with the vector, as it is, or from equal values found
  /// here.
  private enum DictionarySource { case vector, built }

  /// Sees whether the column has a dictionary, or makes one.
  private func findDictionary(
    _ rows: ColumnRows, valuesAreDistinct: Bool
  ) -> DictionarySource? {
    let isCoded = rows.indices != nil
    guard rows.elementCount > scratch.usage.nullCount, column.physicalType != .boolean else {
      return nil
    }
    let forced = options.columnEncodings[column.name]
    let isWanted =
      if let forced { !isCoded && forced == .rleDictionary } else {
        options.buildsDictionaries && !valuesAreDistinct
      }
    guard isWanted else { return isCoded ? .vector : nil }
    let used = ValueSelection(positions: scratch.usage.used, count: scratch.usage.usedCount)
    let isBuilt = scratch.dictionary.build(
      rows.values, used,
      byteLimit: forced == nil ? min(options.dictionaryByteLimit, Int(Int32.max)) : nil)
    guard isBuilt, let codes = scratch.dictionary.codes, let distinct = scratch.dictionary.distinct
    else { return isCoded ? .vector : nil }
    // A dictionary that comes without equal values is best left as it is.
    if !isCoded || scratch.dictionary.distinctCount < scratch.usage.usedCount {
      scratch.usage.setDictionary(
        codes: codes, used: distinct, usedCount: scratch.dictionary.distinctCount)
    }
    return .built
  }

  private func chooseEncoding(
    _ rows: ColumnRows, isDictionary: DictionarySource?
  ) throws -> Encoding {
    let valueCount = rows.elementCount - scratch.usage.nullCount
    if let forced = options.columnEncodings[column.name] {
      return forced == .rleDictionary && valueCount == 0 ? .plain : forced
    }
    if valueCount == 0 { return .plain }
    let dictionary = isDictionary == nil ? nil : dictionarySize(rows, valueCount)
    switch options.encodingPolicy {
    case .fast:
      guard let dictionary else { return .plain }
      // Each row costs plain at least its length or number, so often no row need be looked at.
      return dictionary <= valueCount * leastPlainSize || dictionary < plainSize(rows)
        ? .rleDictionary : .plain
    case .smallest:
      return try chooseSmallest(rows, dictionary)
    }
  }

  /// Bytes of the dictionary and all indices before compression, if one can be written.
  private func dictionarySize(_ rows: ColumnRows, _ valueCount: Int) -> Int? {
    let used = ValueSelection(positions: scratch.usage.used, count: scratch.usage.usedCount)
    let size = PlainWriter.byteCount(rows.values, used)
    guard size <= min(options.dictionaryByteLimit, Int(Int32.max)) else { return nil }
    return size + (valueCount * codeWidth + 7) / 8
  }

  /// The fewest bytes that any value has in PLAIN.
  private var leastPlainSize: Int {
    switch column.physicalType {
    case .boolean: 0
    case .int32, .float, .byteArray: 4
    case .int64, .double: 8
    case .int96: 12
    case .fixedLengthByteArray: column.fixedLength ?? 0
    }
  }

  /// Bytes of all values in PLAIN before compression.
  private func plainSize(_ rows: ColumnRows) -> Int {
    guard let indices = rows.indices else {
      return PlainWriter.byteCount(rows.values, ValueSelection(count: rows.elementCount))
    }
    guard column.physicalType == .byteArray, let slices = rows.values.slices else {
      return (rows.elementCount - scratch.usage.nullCount) * leastPlainSize
    }
    var size = 0
    for row in 0..<rows.elementCount where indices[row] != ColumnVector.null {
      size &+= 4 &+ Int(slices[Int(indices[row])].length)
    }
    return size
  }

  /// A dictionary this many times smaller than plain is taken without trying anything else.
  private static let clearlySmaller = 8

  private var isDecimal: Bool {
    if case .decimal = column.logicalType { true } else { false }
  }

  /// Bytes of the first rows, in PLAIN, that encodings are tried on.
  private static let sampleByteCount = 1 << 16

  /// Tries plausible encodings on the first rows and takes the one with the fewest bytes.
  private func chooseSmallest(_ rows: ColumnRows, _ dictionary: Int?) throws -> Encoding {
    var candidates: [Encoding] = [.plain]
    switch column.physicalType {
    case .boolean: candidates.append(.rle)
    case .int32, .int64: candidates.append(.deltaBinaryPacked)
    case .byteArray where !isDecimal: candidates += [.deltaLengthByteArray, .deltaByteArray]
    // DuckDB reads no decimals in delta encodings, and polars nothing of fixed length.
    case .byteArray, .fixedLengthByteArray: break
    case .float, .double: candidates.append(.byteStreamSplit)
    case .int96: break
    }
    // Rows before the first value say nothing about any encoding.
    let start = (0..<rows.elementCount).first { rows.indices?[$0] != ColumnVector.null } ?? 0
    let end = pageEnd(from: start, rows, .plain, limit: Self.sampleByteCount)
    let sample = LevelWriter(column: column, version: options.dataPages, scratch: scratch)
      .values(rows, of: start..<end)
    let scale = Double(rows.elementCount - start) / Double(end - start)
    var best: (encoding: Encoding, size: Double)?
    if let dictionary {
      if dictionary * Self.clearlySmaller <= plainSize(rows) { return .rleDictionary }
      encodeDictionary(rows.values)
      let dictionaryPage = try compressPage().count
      scratch.page.removeAll()
      try encodeValues(rows.values, sample, .rleDictionary)
      best = (.rleDictionary, Double(dictionaryPage) + Double(try compressPage().count) * scale)
    }
    for candidate in candidates {
      scratch.page.removeAll()
      try encodeValues(rows.values, sample, candidate)
      let size = Double(try compressPage().count) * scale
      if best.map({ size < $0.size }) ?? true { best = (candidate, size) }
    }
    return best?.encoding ?? .plain
  }
}

/// The rows of a column chunk: each element's value by index, or value `i` for element `i`. In a flat
/// column a row is an element.
struct ColumnRows {
  var values: ColumnValues
  var indices: UnsafePointer<UInt32>?
  /// Values, nulls included, of all rows.
  var elementCount: Int
  /// Where each row's elements are; nil in a flat column.
  var lists: ListPlaces?
  var rowCount: Int

  init(
    values: ColumnValues, indices: UnsafeBufferPointer<UInt32>?, elementCount: Int,
    lists: ListPlaces?, rowCount: Int
  ) {
    self.values = values
    // A vector of no elements may have no address; none is ever read.
    self.indices = indices.map {
      $0.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped
    }
    self.elementCount = elementCount
    self.lists = lists
    self.rowCount = rowCount
  }

  /// The values of some elements, of which none is null.
  func selection(of elements: Range<Int>) -> ValueSelection {
    if let indices {
      ValueSelection(positions: indices + elements.lowerBound, count: elements.count)
    } else {
      ValueSelection(first: elements.lowerBound, count: elements.count)
    }
  }
}
