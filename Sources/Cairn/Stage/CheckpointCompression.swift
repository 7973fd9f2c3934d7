internal import Parquet

/// How the rows of a checkpoint are compressed.
public enum CheckpointCompression: Sendable, Hashable, CustomStringConvertible {
  /// Not at all.
  case none
  /// Snappy: the fastest.
  case snappy
  /// LZ4.
  case lz4
  /// Zstandard at a level of 1…22.
  case zstd(level: Int)

  var codec: Codec {
    switch self {
    case .none: .uncompressed
    case .snappy: .snappy
    case .lz4: .lz4Raw
    case .zstd(let level): .zstd(level: min(max(level, 1), 22))
    }
  }

  /// `snappy`, `zstd 12`.
  public var description: String {
    switch self {
    case .none: "none"
    case .snappy: "snappy"
    case .lz4: "lz4"
    case .zstd(let level): "zstd \(level)"
    }
  }
}

/// Whether checkpoints survive a power failure.
public enum CheckpointDurability: String, Sendable, Hashable, Codable, CaseIterable {
  /// Data, state and registry are on disk before a save returns.
  case synced
  /// They survive the end of the process, not that of the machine. Faster.
  case unsynced
}
