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
    return try ColumnValues.with(vector.values) { values in
      guard let indices = vector.indices else {
        scratch.usage.setPlain(count: values.count)
        return try write(
          ColumnRows(values: values, indices: nil, rowCount: values.count),
          valuesAreDistinct: vector.valuesAreDistinct, at: offset, emit: emit)
      }
      return try indices.withUnsafeBufferPointer { indices in
        try scratch.usage.measure(indices, valueCount: values.count)
        return try write(
          ColumnRows(values: values, indices: indices, rowCount: indices.count),
          valuesAreDistinct: vector.valuesAreDistinct, at: offset, emit: emit)
      }
    }
  }

  private func write(
    _ rows: ColumnRows, valuesAreDistinct: Bool, at offset: Int64, emit: Emit
  ) throws -> ColumnChunkMetadata {
    try checkRows(rows)
    let encoding = try chooseEncoding(rows)
    var statistics = ColumnStatistics()
    statistics.nullCount = Int64(scratch.usage.nullCount)
    if valuesAreDistinct { statistics.distinctCount = Int64(scratch.usage.usedCount) }
    let order = SortOrder(column.physicalType, column.logicalType)
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
      physicalType: column.physicalType, path: [column.name], encodings: [],
      codec: options.codec.compressionCodec, valueCount: Int64(rows.rowCount),
      uncompressedByteCount: 0, compressedByteCount: 0, dataPageOffset: offset,
      statistics: statistics)
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
    var row = 0
    var pages = options.pageIndex ? PageIndex(pages: []) : nil
    repeat {
      let pageOffset = offset + chunk.compressedByteCount
      let end = pageEnd(from: row, rows, encoding, limit: max(options.pageByteLimit, 1))
      let valuesStart = try encodeData(rows, from: row, to: end, encoding)
      if encoding == .plain {
        bounds?.add(UnsafeRawBufferPointer(rebasing: scratch.page.bytes[valuesStart...]))
      }
      let body = try compressPage()
      scratch.header.writeDataPage(
        valueCount: end - row, encoding: encoding, uncompressedByteCount: scratch.page.count,
        compressedByteCount: body.count, checksum: checksum(body))
      try emitPage(body, into: &chunk, emit)
      chunk.dataPageCount += 1
      pages?.append(
        rows, row..<end, order: order, known: encoding == .plain ? bounds : nil,
        at: pageOffset..<offset + chunk.compressedByteCount)
      row = end
    } while row < rows.rowCount
    bounds?.set(in: &statistics)
    chunk.statistics = statistics
    chunk.writtenPages = pages?.finished(chunk: statistics)
    if let rate = options.bloomFilters[column.name] {
      chunk.writtenFilter = BloomFilter(
        of: rows.values, isUsed: scratch.usage.isUsed, falsePositiveRate: rate)
    }
    if encoding == .rleDictionary { chunk.encodings.append(.plain) }
    if column.isOptional, encoding != .rle { chunk.encodings.append(.rle) }
    chunk.encodings.append(encoding)
    return chunk
  }

  private func checkRows(_ rows: ColumnRows) throws {
    if !column.isOptional, scratch.usage.nullCount > 0 {
      let row = (0..<rows.rowCount).first { rows.indices?[$0] == ColumnVector.null } ?? 0
      throw ParquetError(
        .invalidValues, expected: "a value in every row of a REQUIRED column",
        found: "none in row \(row)")
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

  private func compressPage() throws -> UnsafeRawBufferPointer {
    guard scratch.page.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "a page of at most \(Int32.max) bytes",
        found: "\(scratch.page.count)")
    }
    let body = try scratch.compressor.compress(scratch.page.bytes, with: options.codec)
    guard body.count <= Int(Int32.max) else {
      throw ParquetError(
        .limitExceeded, expected: "a compressed page of at most \(Int32.max) bytes",
        found: "\(body.count)")
    }
    return body
  }

  private func checksum(_ body: UnsafeRawBufferPointer) -> UInt32? {
    options.checksums ? Checksum.crc32(body) : nil
  }

  private func emitPage(
    _ body: UnsafeRawBufferPointer, into chunk: inout ColumnChunkMetadata, _ emit: Emit
  ) throws {
    let header = scratch.header.bytes
    try emit(header)
    try emit(body)
    chunk.uncompressedByteCount += Int64(header.count + scratch.page.count)
    chunk.compressedByteCount += Int64(header.count + body.count)
  }

  /// The row after the last one of the page that starts at `start`.
  private func pageEnd(
    from start: Int, _ rows: ColumnRows, _ encoding: Encoding, limit: Int
  ) -> Int {
    let most = min(rows.rowCount, start + Self.mostRowsPerPage)
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

  /// Writes the data page of some rows to the scratch page.
  ///
  /// - Returns: Where in it the values start, behind the levels.
  @discardableResult
  private func encodeData(
    _ rows: ColumnRows, from start: Int, to end: Int, _ encoding: Encoding
  ) throws -> Int {
    scratch.page.removeAll()
    let selection = encodeLevels(rows, from: start, to: end)
    let valuesStart = scratch.page.count
    switch encoding {
    case .plain: PlainWriter.write(rows.values, selection, to: &scratch.page)
    case .rleDictionary: encodeCodes(selection)
    case .rle: encodeBooleans(rows.values, selection)
    case .deltaBinaryPacked:
      if column.physicalType == .int32 {
        encodeDeltas(rows.values, selection, as: Int32.self)
      } else {
        encodeDeltas(rows.values, selection, as: Int64.self)
      }
    case .deltaLengthByteArray:
      DeltaLengthByteArrayWriter.write(
        rows.values, selection, lengths: &scratch.lengths, to: &scratch.page)
    case .deltaByteArray:
      DeltaByteArrayWriter.write(
        rows.values, selection, lengths: &scratch.lengths, suffixes: &scratch.suffixes,
        to: &scratch.page)
    case .plainDictionary, .bitPacked, .byteStreamSplit:
      throw ParquetError(
        .unsupported, expected: "an encoding that is written", found: "\(encoding)")
    }
    return valuesStart
  }

  /// Writes definition levels, if the column has them, and finds the rows that have values.
  private func encodeLevels(_ rows: ColumnRows, from start: Int, to end: Int) -> ValueSelection {
    let count = end - start
    var selection: ValueSelection
    if let indices = rows.indices {
      selection = ValueSelection(positions: indices + start, count: count)
    } else {
      selection = ValueSelection(first: start, count: count)
    }
    guard column.isOptional else { return selection }
    scratch.page.append(littleEndian: UInt32(0))
    if scratch.usage.nullCount == 0 {
      RunLengthBitPackedWriter.run(of: 1, count: count, width: 1, to: &scratch.page)
    } else if let indices = rows.indices {
      let presence = scratch.presence.room(for: count / 8 + 1)
      let positions = scratch.positions.room(for: count + 8)
      let valueCount = Self.dropNulls(
        indices + start, count: count, presence: presence, positions: positions)
      RunLengthBitPackedWriter.write(bits: presence, count: count, to: &scratch.page)
      selection = ValueSelection(positions: UnsafePointer(positions), count: valueCount)
    }
    scratch.page.overwrite(at: 0, littleEndian: UInt32(scratch.page.count - 4))
    return selection
  }

  /// Copies the indices that are not null, and notes a bit for each row.
  private static func dropNulls(
    _ indices: UnsafePointer<UInt32>, count: Int, presence: UnsafeMutablePointer<UInt8>,
    positions: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var kept = 0
    var row = 0
    while row < count {
      var bits: UInt8 = 0
      for bit in 0..<min(8, count &- row) {
        let index = indices[row &+ bit]
        let isPresent = index != ColumnVector.null
        positions[kept] = index
        kept &+= isPresent ? 1 : 0
        bits |= (isPresent ? 1 : 0) &<< UInt8(truncatingIfNeeded: bit)
      }
      presence[row &>> 3] = bits
      row &+= 8
    }
    return kept
  }

  private func encodeCodes(_ selection: ValueSelection) {
    let width = codeWidth
    scratch.page.append(UInt8(width))
    guard var positions = selection.positions else { return }
    if let codes = scratch.usage.codes {
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

  private func chooseEncoding(_ rows: ColumnRows) throws -> Encoding {
    let valueCount = rows.rowCount - scratch.usage.nullCount
    if let forced = options.columnEncodings[column.name] {
      guard forced == .rleDictionary else { return forced }
      guard rows.indices != nil else {
        throw ParquetError(
          .invalidValues, expected: "dictionary-coded values for \(forced)", found: "plain ones")
      }
      return valueCount == 0 ? .plain : forced
    }
    if valueCount == 0 { return .plain }
    let dictionary = dictionarySize(rows, valueCount)
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
    guard rows.indices != nil, column.physicalType != .boolean else { return nil }
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
      return PlainWriter.byteCount(rows.values, ValueSelection(count: rows.rowCount))
    }
    guard column.physicalType == .byteArray, let slices = rows.values.slices else {
      return (rows.rowCount - scratch.usage.nullCount) * leastPlainSize
    }
    var size = 0
    for row in 0..<rows.rowCount where indices[row] != ColumnVector.null {
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
    case .fixedLengthByteArray where !isDecimal: candidates.append(.deltaByteArray)
    case .byteArray, .fixedLengthByteArray: break  // DuckDB reads no decimals in delta encodings
    case .float, .double, .int96: break
    }
    let end = pageEnd(from: 0, rows, .plain, limit: Self.sampleByteCount)
    let scale = Double(rows.rowCount) / Double(end)
    var best: (encoding: Encoding, size: Double)?
    if let dictionary {
      if dictionary * Self.clearlySmaller <= plainSize(rows) { return .rleDictionary }
      encodeDictionary(rows.values)
      let dictionaryPage = try compressPage().count
      try encodeData(rows, from: 0, to: end, .rleDictionary)
      best = (.rleDictionary, Double(dictionaryPage) + Double(try compressPage().count) * scale)
    }
    for candidate in candidates {
      try encodeData(rows, from: 0, to: end, candidate)
      let size = Double(try compressPage().count) * scale
      if best.map({ size < $0.size }) ?? true { best = (candidate, size) }
    }
    return best?.encoding ?? .plain
  }
}

/// The rows of a column chunk: each row's value by index, or value `i` in row `i`.
struct ColumnRows {
  var values: ColumnValues
  var indices: UnsafePointer<UInt32>?
  var rowCount: Int

  init(values: ColumnValues, indices: UnsafeBufferPointer<UInt32>?, rowCount: Int) {
    self.values = values
    // A vector of no rows may have no address; none is ever read.
    self.indices = indices.map {
      $0.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped
    }
    self.rowCount = rowCount
  }
}
