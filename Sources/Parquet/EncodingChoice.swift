/// Sees whether a column has a dictionary, and which encoding suits it.
extension ColumnChunkWriter {
  /// Where a column's dictionary comes from: with the vector, as it is, or from equal values found
  /// here.
  enum DictionarySource { case vector, built }

  /// Sees whether the column has a dictionary, or makes one.
  func findDictionary(
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

  func chooseEncoding(
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
      // Each row costs plain at least its length or number, so often no row need be looked at.
      if let dictionary,
        dictionary <= valueCount * leastPlainSize || dictionary < plainSize(rows)
      {
        return .rleDictionary
      }
      return try deltasAreClearlySmaller(rows) ? .deltaBinaryPacked : .plain
    case .smallest:
      return try chooseSmallest(rows, dictionary)
    }
  }

  /// How many runs of values deltas are tried on, and how many elements each has: four blocks and
  /// the value before them.
  private static let sampledRuns = 4
  private static let sampledRunLength = 513

  /// Whether numbers are smaller by a tenth as deltas, after compression, in runs from all over the
  /// column. For less it is not worth to leave the encoding that every reader knows.
  private func deltasAreClearlySmaller(_ rows: ColumnRows) throws -> Bool {
    guard column.physicalType == .int32 || column.physicalType == .int64,
      rows.elementCount >= Self.sampledRunLength
    else { return false }
    let plain = try sampleSize(rows, .plain)
    return try sampleSize(rows, .deltaBinaryPacked) * 10 <= plain * 9
  }

  /// Compressed bytes of runs from all over the column.
  private func sampleSize(_ rows: ColumnRows, _ encoding: Encoding) throws -> Int {
    let levels = LevelWriter(column: column, version: options.dataPages, scratch: scratch)
    let length = Self.sampledRunLength
    let runs = min(Self.sampledRuns, rows.elementCount / length)
    scratch.page.removeAll()
    for run in 0..<runs {
      let start = (rows.elementCount - length) * run / max(runs - 1, 1)
      try encodeValues(
        rows.values, levels.values(rows, of: start..<start + length), encoding)
    }
    return try compressPage().count
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
