/// A place between two chunks of a source, from which reading can start.
public struct SourcePosition: Sendable, Hashable, Codable {
  /// Number of the chunk that starts here; the first is 0.
  public var chunk: Int
  /// Offset in decompressed bytes. Chunk 0 starts at 0: header and skipped lines are its own.
  public var offset: UInt64
  /// Number of the first row, from 0, malformed rows counted.
  public var row: UInt64
  /// Number of the first line; the first of the source is 1.
  public var line: UInt64

  /// Makes a position from its parts.
  public init(chunk: Int, offset: UInt64, row: UInt64, line: UInt64) {
    self.chunk = chunk
    self.offset = offset
    self.row = row
    self.line = line
  }

  /// Where every source starts.
  public static let start = SourcePosition(chunk: 0, offset: 0, row: 0, line: 1)
}

/// The stretch of a source that one chunk accounts for.
public struct ChunkExtent: Sendable, Hashable, Codable {
  /// Where the chunk starts.
  public var start: SourcePosition
  /// Where the next chunk starts, or the source ends.
  public var end: SourcePosition

  /// Makes an extent from its two ends.
  public init(start: SourcePosition, end: SourcePosition) {
    self.start = start
    self.end = end
  }

  /// The chunk's number.
  public var chunk: Int { start.chunk }
  /// How many source rows it accounts for, malformed ones included.
  public var rows: Int { Int(end.row - start.row) }
  /// How many decompressed bytes it accounts for.
  public var bytes: UInt64 { end.offset - start.offset }
}

/// An extent and the digest its bytes had when they were read.
public struct RecordedExtent: Sendable, Hashable, Codable {
  /// The stretch of the source.
  public var extent: ChunkExtent
  /// SHA-256 of its decompressed bytes, in lower-case hexadecimal.
  public var contentDigest: String

  /// Makes a record of an extent.
  public init(extent: ChunkExtent, contentDigest: String) {
    self.extent = extent
    self.contentDigest = contentDigest
  }
}

/// When a chunk ends: at `rows` rows or `bytes` of raw text, whichever comes first.
public struct ChunkLimits: Sendable, Hashable, Codable {
  /// The most rows of a chunk.
  public var rows: Int
  /// The most decompressed bytes of a chunk, unless a single row is larger.
  public var bytes: Int

  /// Makes limits; both are at least 1.
  public init(rows: Int = 10_000, bytes: Int = 32 << 20) {
    self.rows = max(rows, 1)
    self.bytes = max(bytes, 1)
  }
}
