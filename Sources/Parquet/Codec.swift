/// How a writer compresses pages.
public enum Codec: Sendable, Hashable {
  /// Not at all.
  case uncompressed
  /// Snappy.
  case snappy
  /// gzip at zlib's default level.
  case gzip
  /// Zstandard at a level from -7 (fastest) to 22 (smallest).
  case zstd(level: Int)
  /// LZ4 block format without framing (LZ4_RAW).
  case lz4Raw
  /// Brotli at a quality from 0 (fastest) to 11 (smallest).
  case brotli(quality: Int)

  /// The name the file gives it.
  public var compressionCodec: CompressionCodec {
    switch self {
    case .uncompressed: .uncompressed
    case .snappy: .snappy
    case .gzip: .gzip
    case .zstd: .zstd
    case .lz4Raw: .lz4Raw
    case .brotli: .brotli
    }
  }
}

/// `CompressionCodec` of the Parquet format (Compression.md).
public enum CompressionCodec: Int32, Sendable, Hashable, CaseIterable {
  /// Not compressed.
  case uncompressed = 0
  /// Snappy, without framing.
  case snappy = 1
  /// gzip (RFC 1952).
  case gzip = 2
  /// LZO; never read or written here.
  case lzo = 3
  /// Brotli (RFC 7932).
  case brotli = 4
  /// LZ4 in Hadoop's framing or as a bare block, as old writers had it; read only.
  case lz4Hadoop = 5
  /// Zstandard (RFC 8478).
  case zstd = 6
  /// LZ4 block format, without framing.
  case lz4Raw = 7
}
