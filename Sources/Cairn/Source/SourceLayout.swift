/// How to read a source, resolved once and pinned in the run.
public struct SourceLayout: Sendable, Hashable, Codable {
  /// Column names in the source's own order, as the rest of the job refers to them.
  public var columns: [String]
  /// How delimited text is parsed; nil for a source that is not text.
  public var text: DelimitedText?

  /// Makes a layout.
  public init(columns: [String], text: DelimitedText? = nil) {
    self.columns = columns
    self.text = text
  }
}

/// How delimited text is cut into rows and fields.
public struct DelimitedText: Sendable, Hashable, Codable {
  /// What separates fields: 1 to 8 bytes, in the source's encoding.
  public var delimiter: [UInt8]
  /// The quote character of RFC 4180, or nil when quoting is off.
  public var quote: UInt8?
  /// The encoding of the text.
  public var encoding: TextEncoding
  /// How the stored bytes are compressed.
  public var compression: SourceCompression
  /// Offset, in decompressed bytes, of the first data row: after byte order mark, skipped lines
  /// and header.
  public var dataOffset: UInt64
  /// Line number of the first data row; the first line of the source is 1.
  public var dataLine: UInt64
  /// The longest field that is not malformed, in bytes.
  public var maximumFieldBytes: Int

  /// Makes a description of delimited text.
  public init(
    delimiter: [UInt8], quote: UInt8? = nil, encoding: TextEncoding = .utf8,
    compression: SourceCompression = .none, dataOffset: UInt64, dataLine: UInt64,
    maximumFieldBytes: Int = 16 << 20
  ) {
    self.delimiter = delimiter
    self.quote = quote
    self.encoding = encoding
    self.compression = compression
    self.dataOffset = dataOffset
    self.dataLine = dataLine
    self.maximumFieldBytes = maximumFieldBytes
  }
}

/// The character encoding of a source.
public enum TextEncoding: String, Sendable, Hashable, Codable, CaseIterable {
  /// UTF-8; a row with invalid bytes is malformed.
  case utf8 = "utf-8"
  /// ISO 8859-1: every byte is the code point of its number.
  case latin1
  /// Windows code page 1252; its five unassigned bytes are malformed.
  case windows1252 = "windows-1252"
}

/// How a source's bytes are compressed, told by its first bytes.
public enum SourceCompression: String, Sendable, Hashable, Codable {
  /// Not compressed.
  case none
  /// gzip (RFC 1952), of one or more members.
  case gzip
  /// Zstandard (RFC 8878), of one or more frames.
  case zstd
}
