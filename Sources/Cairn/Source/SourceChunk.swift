/// A parsed chunk: its well-formed rows as a record batch, and the malformed ones beside it.
public struct SourceChunk: Sendable {
  /// Where the chunk lies in the source.
  public var extent: ChunkExtent
  /// SHA-256 of the decompressed bytes of the extent, in lower-case hexadecimal.
  public var contentDigest: String
  /// The well-formed rows, in source order; text columns, unless the source is typed.
  public var batch: RecordBatch
  /// The rows that could not be parsed, in source order.
  public var malformed: [MalformedRow]
  /// Where each of the extent's rows, malformed ones included, lies.
  public var origins: RowOrigins

  /// Makes a parsed chunk.
  public init(
    extent: ChunkExtent, contentDigest: String, batch: RecordBatch, malformed: [MalformedRow],
    origins: RowOrigins
  ) {
    self.extent = extent
    self.contentDigest = contentDigest
    self.batch = batch
    self.malformed = malformed
    self.origins = origins
  }

  /// For each row of the batch its number within the chunk; nil when no row is malformed, so that
  /// the two are the same.
  public var batchRowNumbers: [UInt32]? {
    guard !malformed.isEmpty else { return nil }
    var numbers: [UInt32] = []
    numbers.reserveCapacity(batch.rowCount)
    var next = 0
    for row in 0..<UInt32(extent.rows) {
      if next < malformed.count, malformed[next].row == row {
        next += 1
      } else {
        numbers.append(row)
      }
    }
    return numbers
  }
}

/// Where the rows of a chunk lie in the source, relative to the chunk's start.
public struct RowOrigins: Sendable {
  /// For each row the offset of its first byte from the extent's start.
  public var byteOffsets: [UInt32]
  /// For each row how many lines it starts after the extent's first data line; nil when each row is
  /// one line.
  public var lineOffsets: [UInt32]?
  /// Line number of the chunk's first row (not of a header before it).
  public var firstRowLine: UInt64

  /// Makes origins.
  public init(byteOffsets: [UInt32], lineOffsets: [UInt32]?, firstRowLine: UInt64) {
    self.byteOffsets = byteOffsets
    self.lineOffsets = lineOffsets
    self.firstRowLine = firstRowLine
  }

  /// Line number, from 1, of a row given by its number within the chunk.
  public func line(ofRow row: Int) -> UInt64 {
    firstRowLine + UInt64(lineOffsets?[row] ?? UInt32(row))
  }
}

/// A row that is not what the layout calls for: data, kept with its bytes, and rejected later.
public struct MalformedRow: Sendable, Hashable {
  /// The row's number within its chunk, from 0.
  public var row: UInt32
  /// What is wrong with it.
  public var defect: RowDefect
  /// Its bytes as they were in the (decompressed) source, without the line end; the first 64 KiB of
  /// them, if the row or a field is over the limit.
  public var raw: [UInt8]

  /// Makes a malformed row.
  public init(row: UInt32, defect: RowDefect, raw: [UInt8]) {
    self.row = row
    self.defect = defect
    self.raw = raw
  }
}

/// Why a row is malformed.
public enum RowDefect: Sendable, Hashable, Codable {
  /// It has more or fewer fields than the header.
  case fieldCount(found: Int, expected: Int)
  /// A field (from 0) has bytes that the encoding does not know.
  case invalidEncoding(field: Int, encoding: TextEncoding)
  /// A field (from 0) is longer than the limit, in bytes.
  case oversizedField(field: Int, bytes: Int, limit: Int)
  /// The row is longer than is held in memory, in bytes.
  case oversizedRow(bytes: Int, limit: Int)
  /// A quoted field (from 0) is not closed, or text follows its closing quote.
  case quoting(field: Int)

  /// The rule's name, as rejects carry it.
  public var rule: String {
    switch self {
    case .fieldCount: "field_count"
    case .invalidEncoding: "encoding"
    case .oversizedField: "field_size"
    case .oversizedRow: "row_size"
    case .quoting: "quoting"
    }
  }
}
