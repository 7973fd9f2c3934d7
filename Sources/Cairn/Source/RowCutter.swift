#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Cuts delimited text into chunks that end at row ends: the one sequential scan of a source.
///
/// The chunks depend on the text, the layout, the limits and the place to start alone, not on the
/// blocks in which the text arrives.
///
/// - A row ends with LF or CRLF, or where the source ends. With quoting on, line ends within quoted
///   fields do not count (``QuotedRow``).
/// - An empty line is a row of one empty field if there is one column, and a malformed row
///   otherwise. Only line ends at the very end of the source (up to 64 KiB of them, when there is
///   more than one column) are no rows; they belong to the last chunk's extent.
/// - A row larger than the chunk limit is a chunk of its own. If it, or a field of it, is over
///   ``RowLimits`` too, it is not held in memory: its head, length and digest are (``OversizedRow``).
/// - A source without rows (a header alone) has one chunk of no rows.
final class RowCutter {
  /// How many bytes are read at a time, at least.
  static let blockBytes = 256 << 10
  /// How many line ends at the end of the source are no rows, in bytes.
  static let trailingBlankBytes = 64 << 10

  private let stream: any ByteStream
  /// How many of the stored bytes were read so far.
  var storedOffset: UInt64? { stream.storedOffset }
  private let path: String
  private let delimiter: Delimiter
  private let quoting: QuotedRow?
  private let limits: ChunkLimits
  private let rowLimits: RowLimits
  private let skipsTrailingBlanks: Bool
  private let dataOffset: Int
  private let dataLine: UInt64
  private let blockBytes: Int
  /// Where the chunks' buffers come from, and go to when their columns are done with.
  let buffers: TextBufferPool

  private var position: SourcePosition
  /// The text from `position` on that has been read.
  private var text: TextBuffer
  private var streamEnded = false
  private var isFinished = false

  /// There is no quote from the current row to here, and one here if `isQuoteThere`.
  private var quoteFreeUntil = 0
  private var isQuoteThere = false
  /// From the last place that was asked about to here there are line ends only.
  private var blankUntil = 0

  /// Makes a cutter for the text of `stream`, which starts at `position`.
  init(
    _ stream: any ByteStream, path: String, text layout: DelimitedText, delimiter: Delimiter,
    columns: Int, at position: SourcePosition, limits: ChunkLimits,
    blockBytes: Int = RowCutter.blockBytes
  ) {
    self.stream = stream
    self.path = path
    self.delimiter = delimiter
    self.position = position
    self.limits = ChunkLimits(rows: limits.rows, bytes: min(limits.bytes, 1 << 30))
    self.blockBytes = blockBytes
    rowLimits = RowLimits(maximumFieldBytes: layout.maximumFieldBytes)
    let limits = rowLimits
    quoting = layout.quote.map {
      QuotedRow(
        delimiter: delimiter, quote: $0, maximumFieldBytes: limits.fieldBytes,
        maximumRowBytes: limits.rowBytes)
    }
    skipsTrailingBlanks = columns > 1
    dataOffset = position.chunk == 0 ? Int(layout.dataOffset) : 0
    dataLine = position.chunk == 0 ? layout.dataLine : position.line
    // Untouched memory costs nothing, so there is room for a whole chunk from the start.
    buffers = TextBufferPool(
      capacity: dataOffset + min(self.limits.bytes, 64 << 20) + 2 * blockBytes)
    text = buffers.take()
  }

  /// The next chunk, or nil at the end of the source.
  func next() throws(SourceError) -> CutChunk? {
    guard !isFinished else { return nil }
    let start = dataOffset(ofChunk: position.chunk)
    while text.count < start, try fill(atLeast: start - text.count) {}
    guard text.count >= start else {
      throw .positionOutside(path: path, offset: UInt64(start))
    }

    var rowStarts: [UInt32] = []
    rowStarts.reserveCapacity(min(limits.rows, 1 << 16))
    var lineOffsets: [UInt32]?
    var lines = 0
    var cursor = start
    rows: while rowStarts.count < limits.rows {
      switch try rowEnd(from: cursor, rowsStart: start, hasRows: !rowStarts.isEmpty) {
      case .row(let end, let rowLines):
        rowStarts.append(UInt32(truncatingIfNeeded: cursor))
        if lineOffsets != nil || rowLines > 1 {
          if lineOffsets == nil { lineOffsets = (0..<UInt32(rowStarts.count - 1)).map { $0 } }
          lineOffsets?.append(UInt32(lines))
        }
        cursor = end
        lines += rowLines
        if cursor - start > limits.bytes { break rows }
      case .nextChunk, .end:
        break rows
      case .tooLarge(let reason, let field, let fieldStart):
        return try passOverRow(from: cursor, reason, field: field, fieldStart: fieldStart)
      }
    }

    let rowsEnd = cursor
    if try isAtEnd(cursor) {
      lines += QuotedRow.lineFeeds(in: text.bytes, from: cursor, to: text.count)
      cursor = text.count
      isFinished = true
    }
    if rowStarts.isEmpty, position.chunk > 0 || position.offset > 0, cursor == 0 {
      return nil
    }
    return finishChunk(
      cursor: cursor, rowsEnd: rowsEnd, rowStarts: rowStarts, lineOffsets: lineOffsets,
      lines: lines)
  }

  /// Takes the first `cursor` bytes of the text out, as a chunk.
  private func finishChunk(
    cursor: Int, rowsEnd: Int, rowStarts: [UInt32], lineOffsets: [UInt32]?, lines: Int
  ) -> CutChunk {
    let start = position
    let firstLine = position.chunk == 0 ? dataLine : position.line
    position = SourcePosition(
      chunk: start.chunk + 1, offset: start.offset + UInt64(cursor),
      row: start.row + UInt64(rowStarts.count), line: firstLine + UInt64(lines))
    let chunkText = takeText(upTo: cursor)
    let byteCount = chunkText.count
    return CutChunk(
      extent: ChunkExtent(start: start, end: position), isLast: isFinished,
      text: TextBufferBox(chunkText), buffers: buffers, byteCount: byteCount, rowStarts: rowStarts,
      rowsEnd: rowsEnd, lineOffsets: lineOffsets, firstRowLine: firstLine, oversized: nil)
  }

  /// Leaves what follows `cursor` in a buffer of its own, and returns the one before.
  private func takeText(upTo cursor: Int) -> TextBuffer {
    var next = isFinished ? TextBuffer(capacity: 0) : buffers.take()
    next.append(UnsafeRawBufferPointer(rebasing: text.bytes[cursor...]))
    isQuoteThere = isQuoteThere && quoteFreeUntil >= cursor
    quoteFreeUntil = max(quoteFreeUntil - cursor, 0)
    blankUntil = max(blankUntil - cursor, 0)
    swap(&text, &next)
    next.count = cursor
    return next
  }

  private func emptyText() {
    text.count = 0
    quoteFreeUntil = 0
    isQuoteThere = false
    blankUntil = 0
  }

  private func dataOffset(ofChunk chunk: Int) -> Int { chunk == 0 ? dataOffset : 0 }

  /// Reads on, `minimum` bytes if the source has them; false at its end.
  private func fill(atLeast minimum: Int) throws(SourceError) -> Bool {
    guard !streamEnded else { return false }
    let wanted = max(minimum, blockBytes)
    if text.capacity - text.count < wanted {
      text.reserve(max(text.count + wanted, min(2 * text.capacity, text.count + (64 << 20))))
    }
    let destination = UnsafeMutableRawBufferPointer(rebasing: text.free[..<wanted])
    let got = try stream.readFully(into: destination)
    text.count += got
    if got < wanted { streamEnded = true }
    return got > 0
  }

  // MARK: Rows

  private enum RowEnd {
    /// The row ends before `end` and has `lines` lines.
    case row(end: Int, lines: Int)
    /// The row does not fit into the chunk any more.
    case nextChunk
    /// There is no further row.
    case end
    /// The row makes up a chunk and is malformed: what follows need not be held. The field to blame
    /// starts at `fieldStart`.
    case tooLarge(QuotedRow.Reason, field: Int, fieldStart: Int)
  }

  /// Finds the end of the row that starts at `cursor`.
  private func rowEnd(
    from cursor: Int, rowsStart: Int, hasRows: Bool
  ) throws(SourceError) -> RowEnd {
    /// Where to look for a line end next.
    var searched = cursor
    /// Set once the row is known to be its first line, whatever its quotes.
    var broken: (reason: QuotedRow.Reason, field: Int, start: Int)?
    while true {
      if let lineEnd = lineEnd(from: searched) {
        if quoting != nil, broken == nil, hasQuote(from: cursor, to: lineEnd) {
          switch findQuoted(from: cursor) {
          case .complete(let end, let lines):
            return fits(end, rowsStart, hasRows) ? .row(end: end, lines: lines) : .nextChunk
          case .broken: break
          case .unfinished:
            if let verdict = try readOn(from: cursor, rowsStart: rowsStart, hasRows: hasRows) {
              return verdict
            }
            continue
          }
        } else if skipsTrailingBlanks, isLineEnd(cursor), try isAtEnd(cursor) {
          return .end
        }
        let end = lineEnd + 1
        return fits(end, rowsStart, hasRows) ? .row(end: end, lines: 1) : .nextChunk
      }
      searched = text.count
      if quoting != nil, broken == nil, hasQuote(from: cursor, to: text.count) {
        switch findQuoted(from: cursor) {
        case .complete(let end, let lines):
          return fits(end, rowsStart, hasRows) ? .row(end: end, lines: lines) : .nextChunk
        case .broken(let reason, let field, let start): broken = (reason, field, start)
        case .unfinished: break
        }
      }
      if streamEnded {
        if cursor == text.count { return .end }
        if skipsTrailingBlanks, try isAtEnd(cursor) { return .end }
        return fits(text.count, rowsStart, hasRows)
          ? .row(end: text.count, lines: 1) : .nextChunk
      }
      if let verdict = try readOn(
        from: cursor, rowsStart: rowsStart, hasRows: hasRows, broken: broken)
      {
        return verdict
      }
    }
  }

  /// Whether a row that ends before `end` belongs to the chunk.
  private func fits(_ end: Int, _ rowsStart: Int, _ hasRows: Bool) -> Bool {
    !hasRows || end - rowsStart <= limits.bytes
  }

  /// Reads more of the unfinished row that starts at `cursor`, unless that row cannot be part of
  /// the chunk or cannot be held in memory.
  private func readOn(
    from cursor: Int, rowsStart: Int, hasRows: Bool,
    broken: (reason: QuotedRow.Reason, field: Int, start: Int)? = nil
  ) throws(SourceError) -> RowEnd? {
    let rowBytes = text.count - cursor
    // Once there is a line end the row may yet turn out to be that line alone (``QuotedRow``).
    if text.count - rowsStart > limits.bytes, lineEnd(from: cursor) == nil {
      if hasRows { return .nextChunk }
      if let broken {
        return .tooLarge(broken.reason, field: broken.field, fieldStart: broken.start)
      }
      if rowBytes > rowLimits.fieldBytes, let found = oversizedField(from: cursor) {
        return .tooLarge(.fieldSize, field: found.field, fieldStart: found.start)
      }
      if rowBytes > rowLimits.rowBytes {
        return .tooLarge(.rowSize, field: 0, fieldStart: cursor)
      }
    }
    _ = try fill(atLeast: min(rowBytes, 64 << 20))
    return nil
  }

  /// The first field of an unfinished row without quotes that is over the limit, and is so within
  /// the longest row.
  private func oversizedField(from cursor: Int) -> (field: Int, start: Int)? {
    var start = cursor
    var field = 0
    while start - cursor + rowLimits.fieldBytes < rowLimits.rowBytes {
      let end = delimiter.first(in: text.bytes, from: start, to: text.count)
      // At the end there may be the start of a delimiter or of a line end.
      let fieldEnd = end ?? text.count - max(1, delimiter.count - 1)
      if fieldEnd - start > rowLimits.fieldBytes {
        if quoting == nil || text.bytes[start] != quoting?.quote { return (field, start) }
      }
      guard let end else { return nil }
      start = end + delimiter.count
      field += 1
    }
    return nil
  }

  private func lineEnd(from start: Int) -> Int? {
    guard let base = text.bytes.baseAddress, start < text.count,
      let found = memchr(base + start, 0x0A, text.count - start)
    else { return nil }
    return base.distance(to: UnsafeRawPointer(found))
  }

  private func findQuoted(from cursor: Int) -> QuotedRow.Finding {
    quoting?.find(in: text.bytes, from: cursor, isEnd: streamEnded) ?? .unfinished
  }

  /// Whether there is a quote in a stretch of the text; stretches only ever move forward.
  private func hasQuote(from start: Int, to end: Int) -> Bool {
    guard let base = text.bytes.baseAddress, let quote = quoting?.quote else { return false }
    if quoteFreeUntil < start {
      quoteFreeUntil = start
      isQuoteThere = false
    }
    if !isQuoteThere, quoteFreeUntil < text.count {
      if let found = memchr(base + quoteFreeUntil, Int32(quote), text.count - quoteFreeUntil) {
        quoteFreeUntil = base.distance(to: UnsafeRawPointer(found))
        isQuoteThere = true
      } else {
        quoteFreeUntil = text.count
      }
    }
    return isQuoteThere && quoteFreeUntil < end
  }

  private func isLineEnd(_ position: Int) -> Bool {
    text.bytes[position] == 0x0A || text.bytes[position] == 0x0D
  }

  /// Whether the source ends at `cursor`, but for line ends that are no rows.
  private func isAtEnd(_ cursor: Int) throws(SourceError) -> Bool {
    blankUntil = max(blankUntil, cursor)
    while true {
      while blankUntil < text.count {
        guard skipsTrailingBlanks, isLineEnd(blankUntil),
          blankUntil - cursor < Self.trailingBlankBytes
        else { return false }
        blankUntil += 1
      }
      if try !fill(atLeast: 1) { return true }
    }
  }

  // MARK: Rows too large to be held

  /// Reads to the end of the line that starts at `cursor`, keeping its head alone, and makes a
  /// chunk of it.
  private func passOverRow(
    from cursor: Int, _ reason: QuotedRow.Reason, field: Int, fieldStart: Int
  ) throws(SourceError) -> CutChunk {
    let start = position
    let firstLine = position.chunk == 0 ? dataLine : position.line
    var head: [UInt8] = []
    var digest = ContentDigest()
    var meter = OversizedField(delimiter: delimiter, quote: quoting?.quote)
    var rowBytes = 0
    var lastByte: UInt8 = 0
    var passed = UInt64(cursor)
    digest.update(UnsafeRawBufferPointer(rebasing: text.bytes[..<cursor]))
    var from = cursor
    var measureFrom = fieldStart
    while true {
      let lineEnd = lineEnd(from: from)
      let end = lineEnd ?? text.count
      if end > from { lastByte = text.bytes[end - 1] }
      digest.update(UnsafeRawBufferPointer(rebasing: text.bytes[from..<end]))
      meter.take(UnsafeRawBufferPointer(rebasing: text.bytes[measureFrom..<end]))
      head += text.bytes[from..<min(end, from + OversizedRow.keptBytes - head.count)]
      rowBytes += end - from
      passed += UInt64(end - from)
      if let lineEnd {
        digest.update([0x0A])
        passed += 1
        from = lineEnd + 1
        break
      }
      from = 0
      measureFrom = 0
      emptyText()
      if try !fill(atLeast: 1) { break }
    }
    if lastByte == 0x0D {
      rowBytes -= 1
      if head.count > rowBytes { head.removeLast() }
    }
    _ = takeText(upTo: from)

    // Blank lines at the end of the source belong to this chunk too.
    var lines = 1
    if try isAtEnd(0) {
      digest.update(text.bytes)
      lines += QuotedRow.lineFeeds(in: text.bytes, from: 0, to: text.count)
      passed += UInt64(text.count)
      emptyText()
      isFinished = true
    }
    position = SourcePosition(
      chunk: start.chunk + 1, offset: start.offset + passed, row: start.row + 1,
      line: firstLine + UInt64(lines))

    let fieldBytes = meter.isComplete || lastByte != 0x0D ? meter.count : meter.count - 1
    let defect: RowDefect =
      switch reason {
      case .quoting: .quoting(field: field)
      case .fieldSize:
        .oversizedField(field: field, bytes: fieldBytes, limit: rowLimits.fieldBytes)
      case .rowSize: .oversizedRow(bytes: rowBytes, limit: rowLimits.rowBytes)
      }
    return CutChunk(
      extent: ChunkExtent(start: start, end: position), isLast: isFinished,
      text: TextBufferBox(TextBuffer(capacity: 0)), buffers: buffers, byteCount: head.count,
      rowStarts: [UInt32(truncatingIfNeeded: cursor)], rowsEnd: cursor, lineOffsets: nil,
      firstRowLine: firstLine,
      oversized: OversizedRow(defect: defect, head: head, contentDigest: digest.hexadecimal))
  }
}
