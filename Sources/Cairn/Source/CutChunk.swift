/// A chunk's text with its row boundaries, before it is parsed.
struct CutChunk: Sendable {
  /// Where the chunk lies and how many rows it has.
  var extent: ChunkExtent
  /// Whether the source ends with it.
  var isLast: Bool
  /// The text of the extent; without the rows' text when `oversized` is set.
  var text: TextBufferBox
  /// Where the memory of `text` goes when it is done with.
  var buffers: TextBufferPool
  /// How many bytes `text` takes.
  var byteCount: Int
  /// For each row the offset of its first byte in the extent.
  var rowStarts: [UInt32]
  /// Where the last row ends; blank lines at the end of the source may follow.
  var rowsEnd: Int
  /// For each row how many lines after the first it starts; nil when each row is one line.
  var lineOffsets: [UInt32]?
  /// Line number of the first row.
  var firstRowLine: UInt64
  /// Set when the chunk is a single row too large to be held in memory.
  var oversized: OversizedRow?
}

/// A row that was passed over because it, or a field of it, is over the limit.
struct OversizedRow: Sendable {
  /// What of the row's bytes is kept for its reject, at most, in bytes.
  static let keptBytes = 64 << 10

  /// What is wrong with the row.
  var defect: RowDefect
  /// The row's first bytes.
  var head: [UInt8]
  /// SHA-256 of the extent that the row makes up, in lower-case hexadecimal.
  var contentDigest: String
}

/// The limits on what is held in memory of one row, derived from the limit on a field.
struct RowLimits: Sendable {
  /// The longest field that is not malformed, in bytes as they are in the source.
  let fieldBytes: Int
  /// The longest row that is not malformed, in bytes: four fields of the greatest length.
  let rowBytes: Int

  init(maximumFieldBytes: Int) {
    fieldBytes = min(max(maximumFieldBytes, 1), 256 << 20)
    rowBytes = max(4 * fieldBytes, 1 << 20)
  }
}
