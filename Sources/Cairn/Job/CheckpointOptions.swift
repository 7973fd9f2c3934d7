/// How chunks are made and kept.
public struct CheckpointOptions: Sendable, Hashable, Codable {
  /// Whether chunk files are written at all; ledger and lease stay either way.
  public var enabled: Bool
  /// Rows of a chunk, or nil to derive it from the file's size and the memory budget.
  public var chunkRows: Int?
  /// How chunk files are compressed.
  public var compression: ChunkCompression
  /// The folder that holds a folder for each run.
  public var directory: String
  /// Whether a run's folder is deleted once its success is durable.
  public var cleanupOnSuccess: Bool
  /// How long an unfinished run is kept.
  public var retention: Duration
  /// Sources smaller than this, in bytes, are loaded without chunk files.
  public var minimumSize: Int64

  /// Makes options; the defaults are the job file's.
  public init(
    enabled: Bool = true, chunkRows: Int? = nil, compression: ChunkCompression = .zstd,
    directory: String = "checkpoints", cleanupOnSuccess: Bool = true,
    retention: Duration = .seconds(7 * 86_400), minimumSize: Int64 = 0
  ) {
    self.enabled = enabled
    self.chunkRows = chunkRows
    self.compression = compression
    self.directory = directory
    self.cleanupOnSuccess = cleanupOnSuccess
    self.retention = retention
    self.minimumSize = minimumSize
  }
}

/// How chunk files are compressed.
public enum ChunkCompression: String, Sendable, Hashable, Codable, CaseIterable {
  /// Not at all.
  case none
  /// Snappy: the fastest.
  case snappy
  /// Zstandard: the smallest at a good speed.
  case zstd
  /// LZ4, as Parquet's LZ4_RAW.
  case lz4
  /// gzip: read by everything.
  case gzip
}
