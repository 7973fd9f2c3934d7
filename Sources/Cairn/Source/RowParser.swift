internal import Parquet
internal import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Parses the chunks of one layout: the hot loop of every load.
///
/// Some hundred rows at a time, first all delimiters are found, 64 bytes at once, and the rows
/// checked; then each column takes its fields from all those rows, hashing their bytes where they
/// lie (``ColumnBuilder``). No field is copied and no string made: the chunk's text becomes the
/// storage of its columns. Quoted fields are unescaped in place first.
///
/// Holds only scratch memory between chunks: what a chunk parses to depends on the chunk alone.
final class RowParser {
  /// How many rows go through both phases together: their text and field bounds stay in the cache.
  static let groupRows = 256

  private let columns: [String]
  private let layout: DelimitedText
  private let delimiter: Delimiter
  private let limits: RowLimits
  private var scan: DelimiterScan
  private var fields: FieldTable
  private var builders: ColumnBuilders
  private var malformed: [MalformedRow] = []

  /// Makes a parser for rows of `columns`.
  init(columns: [String], layout: DelimitedText, delimiter: Delimiter) {
    self.columns = columns
    self.layout = layout
    self.delimiter = delimiter
    limits = RowLimits(maximumFieldBytes: layout.maximumFieldBytes)
    scan = DelimiterScan(
      capacity: Self.groupRows * columns.count + 1024, slack: columns.count + 1)
    fields = FieldTable(capacity: Self.groupRows, columns: columns.count)
    builders = ColumnBuilders(count: columns.count, rows: Self.groupRows)
  }

  /// Parses a chunk; its text is used up.
  func parse(_ chunk: CutChunk) throws -> SourceChunk {
    guard let text = chunk.text.take() else {
      throw SourceError.parsedBefore(chunk: chunk.extent.chunk)
    }
    malformed = []
    var digest = ""
    if let oversized = chunk.oversized {
      builders.begin(rows: 0)
      malformed = [MalformedRow(row: 0, defect: oversized.defect, raw: oversized.head)]
      digest = oversized.contentDigest
    } else {
      var content = ContentDigest()
      builders.begin(rows: chunk.rowStarts.count)
      let digested = chunk.rowStarts.withUnsafeBufferPointer { starts in
        parse(text.memory, starts: starts, end: chunk.rowsEnd, digest: &content)
      }
      content.update(UnsafeRawBufferPointer(rebasing: text.bytes[digested...]))
      digest = content.hexadecimal
    }
    let storage = text.intoStorage { [buffers = chunk.buffers] in buffers.give($0) }
    let columns = finishColumns(storage)
    defer { malformed = [] }
    return SourceChunk(
      extent: chunk.extent, contentDigest: digest,
      batch: try RecordBatch(columns: columns), malformed: malformed,
      origins: RowOrigins(
        byteOffsets: chunk.rowStarts, lineOffsets: chunk.lineOffsets,
        firstRowLine: chunk.firstRowLine))
  }

  // MARK: Rows

  /// Parses all rows. Each group's text is digested just before, while it is on its way into the
  /// cache anyway, and before quotes are taken off in it.
  ///
  /// - Returns: Up to where the text was digested.
  private func parse(
    _ text: UnsafeMutableRawBufferPointer, starts: UnsafeBufferPointer<UInt32>, end: Int,
    digest: inout ContentDigest
  ) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var digested = 0
    var row = 0
    while row < starts.count {
      let groupEnd = min(row + Self.groupRows, starts.count)
      let textEnd = groupEnd < starts.count ? Int(starts[groupEnd]) : end
      if textEnd > digested {
        digest.update(UnsafeRawBufferPointer(rebasing: text[digested..<textEnd]))
        digested = textEnd
      }
      let scanned = scan.scan(base, from: Int(starts[row]), to: textEnd, for: delimiter)
      let done = addRows(row..<groupEnd, starts, end: end, scanned: scanned, text)
      if fields.rows > 0 {
        builders.append(fields, of: base, delimiterLength: delimiter.count)
        fields.rows = 0
      }
      if done == row {
        // A single row with more delimiters than can be held: far more than it may have.
        let bounds = rowBounds(row, starts, end: end, base)
        reject(
          row,
          .fieldCount(found: countFields(in: bounds, base), expected: columns.count),
          bounds, base)
        row += 1
      } else {
        row = done
      }
    }
    return digested
  }

  /// Adds the rows whose text was scanned to `fields`, or to `malformed`.
  ///
  /// - Returns: The first row that was not scanned in full.
  private func addRows(
    _ rows: Range<Int>, _ starts: UnsafeBufferPointer<UInt32>, end: Int, scanned: Int,
    _ text: UnsafeMutableRawBufferPointer
  ) -> Int {
    guard let base = text.baseAddress else { return rows.upperBound }
    let offsets = UnsafePointer(scan.offsets)
    let columnCount = columns.count
    let gap = UInt32(delimiter.count)
    let checksEncoding = scan.hasNonASCII
    var next = 0
    for row in rows {
      let rowEnd = row + 1 < starts.count ? Int(starts[row + 1]) : end
      if rowEnd > scanned { return row }
      let bounds = rowBounds(row, starts, end: end, base)
      if let quote = layout.quote,
        memchr(base + bounds.lowerBound, Int32(quote), bounds.count) != nil
      {
        addQuotedRow(row, bounds, quote, text)
        while offsets[next] < UInt32(truncatingIfNeeded: rowEnd) { next += 1 }
        continue
      }
      let fieldsEnd = UInt32(truncatingIfNeeded: bounds.upperBound)
      // Exactly the right number of delimiters lies before the row's end.
      let isWhole =
        (columnCount == 1 || offsets[next + columnCount - 2] < fieldsEnd)
        && offsets[next + columnCount - 1] >= fieldsEnd
      if isWhole, bounds.count <= limits.fieldBytes,
        !checksEncoding || firstInvalid(in: bounds, base) == nil
      {
        let entries = fields.nextRow
        entries[0] = UInt32(truncatingIfNeeded: bounds.lowerBound) &- gap
        memcpy(entries + 1, offsets + next, (columnCount - 1) * MemoryLayout<UInt32>.stride)
        entries[columnCount] = fieldsEnd
        fields.rows += 1
        next += columnCount - 1
      } else {
        var found = next
        while offsets[found] < fieldsEnd { found += 1 }
        checkRow(row, bounds, UnsafeBufferPointer(start: offsets + next, count: found - next), base)
        next = found
      }
    }
    return rows.upperBound
  }

  /// Adds a row that may be malformed, by the delimiters within it.
  private func checkRow(
    _ row: Int, _ bounds: Range<Int>, _ delimiters: UnsafeBufferPointer<UInt32>,
    _ base: UnsafeMutableRawPointer
  ) {
    let entries = fields.nextRow
    var start = bounds.lowerBound
    for field in 0...delimiters.count {
      let end = field < delimiters.count ? Int(delimiters[field]) : bounds.upperBound
      if end - start > limits.fieldBytes {
        return reject(row, oversized(field, start..<end, bounds), bounds, base)
      }
      if field < columns.count { entries[field + 1] = UInt32(truncatingIfNeeded: end) }
      start = end + delimiter.count
    }
    if bounds.count > limits.rowBytes {
      return reject(
        row, .oversizedRow(bytes: bounds.count, limit: limits.rowBytes), bounds, base)
    }
    guard delimiters.count == columns.count - 1, columns.count == 1 || !bounds.isEmpty else {
      let found = bounds.isEmpty ? 0 : delimiters.count + 1
      return reject(row, .fieldCount(found: found, expected: columns.count), bounds, base)
    }
    if let invalid = firstInvalid(in: bounds, base) {
      let field = delimiters.count { Int($0) <= invalid }
      return reject(
        row, .invalidEncoding(field: field, encoding: layout.encoding), bounds, base)
    }
    entries[0] = UInt32(truncatingIfNeeded: bounds.lowerBound) &- UInt32(delimiter.count)
    entries[columns.count] = UInt32(truncatingIfNeeded: bounds.upperBound)
    fields.rows += 1
  }

  /// Adds a row that has quotes: takes them off, moving the fields together, if it is well-formed.
  private func addQuotedRow(
    _ row: Int, _ bounds: Range<Int>, _ quote: UInt8, _ text: UnsafeMutableRawBufferPointer
  ) {
    guard let base = text.baseAddress else { return }
    let bytes = UnsafeRawBufferPointer(text)
    var splitter = QuotedFields(bytes, bounds, delimiter, quote)
    var field = 0
    while let found = splitter.next() {
      if found.bounds.count > limits.fieldBytes {
        return reject(row, oversized(field, found.bounds, bounds), bounds, base)
      }
      if found.isBroken { return reject(row, .quoting(field: field), bounds, base) }
      field += 1
    }
    if bounds.count > limits.rowBytes {
      return reject(
        row, .oversizedRow(bytes: bounds.count, limit: limits.rowBytes), bounds, base)
    }
    guard field == columns.count else {
      return reject(row, .fieldCount(found: field, expected: columns.count), bounds, base)
    }
    if let invalid = firstInvalid(in: bounds, base) {
      var splitter = QuotedFields(bytes, bounds, delimiter, quote)
      var field = 0
      while let found = splitter.next(), found.bounds.upperBound <= invalid { field += 1 }
      return reject(
        row, .invalidEncoding(field: field, encoding: layout.encoding), bounds, base)
    }

    splitter = QuotedFields(bytes, bounds, delimiter, quote)
    let entries = fields.nextRow
    var target = bounds.lowerBound
    entries[0] = UInt32(truncatingIfNeeded: target) &- UInt32(delimiter.count)
    field = 0
    while let found = splitter.next() {
      if found.isQuoted {
        var source = found.bounds.lowerBound + 1
        let sourceEnd = found.bounds.upperBound - 1
        while source < sourceEnd {
          let byte = text[source]
          text[target] = byte
          target += 1
          source += byte == quote ? 2 : 1
        }
      } else {
        memmove(base + target, base + found.bounds.lowerBound, found.bounds.count)
        target += found.bounds.count
      }
      entries[field + 1] = UInt32(truncatingIfNeeded: target)
      target += delimiter.count
      field += 1
    }
    fields.rows += 1
  }

  /// What is wrong with a row that has a field over the limit; a field that is so only past the end
  /// of the longest row does not count, since the cutter does not look there.
  private func oversized(_ field: Int, _ bounds: Range<Int>, _ row: Range<Int>) -> RowDefect {
    if bounds.lowerBound - row.lowerBound + limits.fieldBytes >= limits.rowBytes {
      return .oversizedRow(bytes: row.count, limit: limits.rowBytes)
    }
    return .oversizedField(field: field, bytes: bounds.count, limit: limits.fieldBytes)
  }

  private func reject(
    _ row: Int, _ defect: RowDefect, _ bounds: Range<Int>, _ base: UnsafeMutableRawPointer
  ) {
    var kept = bounds
    switch defect {
    case .oversizedField, .oversizedRow:
      kept = bounds.lowerBound..<min(bounds.upperBound, bounds.lowerBound + OversizedRow.keptBytes)
    case .fieldCount, .invalidEncoding, .quoting: break
    }
    let raw = [UInt8](UnsafeRawBufferPointer(start: base + kept.lowerBound, count: kept.count))
    malformed.append(
      MalformedRow(row: UInt32(truncatingIfNeeded: row), defect: defect, raw: raw))
  }

  /// Where a row lies without its line end.
  @inline(__always)
  private func rowBounds(
    _ row: Int, _ starts: UnsafeBufferPointer<UInt32>, end: Int, _ base: UnsafeMutableRawPointer
  ) -> Range<Int> {
    let start = Int(starts[row])
    var rowEnd = row + 1 < starts.count ? Int(starts[row + 1]) : end
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    if rowEnd > start, bytes[rowEnd - 1] == 0x0A { rowEnd -= 1 }
    if rowEnd > start, bytes[rowEnd - 1] == 0x0D { rowEnd -= 1 }
    return start..<rowEnd
  }

  private func countFields(in bounds: Range<Int>, _ base: UnsafeMutableRawPointer) -> Int {
    let bytes = UnsafeRawBufferPointer(start: base, count: bounds.upperBound)
    var count = 1
    var position = bounds.lowerBound
    while let found = delimiter.first(in: bytes, from: position, to: bounds.upperBound) {
      count += 1
      position = found + delimiter.count
    }
    return count
  }

  private func firstInvalid(in bounds: Range<Int>, _ base: UnsafeMutableRawPointer) -> Int? {
    TextCheck.firstInvalid(
      UnsafeRawBufferPointer(start: base, count: bounds.upperBound),
      from: bounds.lowerBound, to: bounds.upperBound, in: layout.encoding)
  }

  // MARK: Columns

  private func finishColumns(_ storage: ByteStorage) -> [Column] {
    columns.indices.map { index in
      let (slices, indices) = builders.finish(column: index)
      var values = ByteStrings(storage: storage, slices: slices)
      if layout.encoding != .utf8 { values = transcoded(values) }
      return Column(name: columns[index], type: .text, values: .text(values), indices: indices)
    }
  }

  /// The values as UTF-8: each is transcoded once, unless all are ASCII anyway.
  private func transcoded(_ values: ByteStrings) -> ByteStrings {
    let isASCII = (0..<values.count).allSatisfy { index in
      values.withBytes(at: index) { bytes in bytes.allSatisfy { $0 < 0x80 } }
    }
    if isASCII { return values }
    var utf8: [UInt8] = []
    var slices: [ByteSlice] = []
    slices.reserveCapacity(values.count)
    for index in 0..<values.count {
      let start = utf8.count
      values.withBytes(at: index) { WesternText.appendUTF8(of: $0, layout.encoding, to: &utf8) }
      slices.append(
        ByteSlice(
          offset: UInt32(truncatingIfNeeded: start),
          length: UInt32(truncatingIfNeeded: utf8.count - start)))
    }
    return ByteStrings(storage: ByteStorage(copying: utf8), slices: slices)
  }
}

/// Parsers that are not in use, so that their scratch memory serves further chunks.
final class RowParserPool: Sendable {
  private let columns: [String]
  private let layout: DelimitedText
  private let delimiter: Delimiter
  private let idle = Mutex<[IdleParser]>([])

  init(columns: [String], layout: DelimitedText, delimiter: Delimiter) {
    self.columns = columns
    self.layout = layout
    self.delimiter = delimiter
  }

  /// Parses a chunk with an idle parser, or a new one.
  func parse(_ chunk: CutChunk) throws -> SourceChunk {
    let parser =
      idle.withLock { $0.popLast()?.parser }
      ?? RowParser(columns: columns, layout: layout, delimiter: delimiter)
    defer { idle.withLock { $0.append(IdleParser(parser: parser)) } }
    return try parser.parse(chunk)
  }
}

/// A parser that nobody uses.
private struct IdleParser: @unchecked Sendable {
  // @unchecked: it is reachable only through the pool's mutex, and taken out before it is used, so
  // that at any time one thread has it.
  let parser: RowParser
}
