import Parquet
import Synchronization

/// The encodings that a run's first chunk found to be smallest, for its other chunks to follow.
///
/// Between plain and dictionary every chunk chooses for itself, by size; what is learned is which
/// columns delta encodings suit.
final class EncodingChoices: Sendable {
  private let learned = Mutex<[String: Encoding]?>(nil)

  /// Whether a chunk has tried.
  var areKnown: Bool { learned.withLock { $0 != nil } }

  /// The columns that delta encodings suit.
  var deltas: [String: Encoding] { learned.withLock { $0 } ?? [:] }

  /// Takes over what a chunk's file chose; the first one counts.
  func learn(from summary: FileSummary) {
    guard !summary.encodings.isEmpty else { return }
    learned.withLock { learned in
      learned =
        learned
        ?? summary.encodings.filter {
          $0.value == .deltaByteArray || $0.value == .deltaLengthByteArray
            || $0.value == .deltaBinaryPacked
        }
    }
  }
}
