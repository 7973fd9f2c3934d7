import Synchronization

/// Remembers, roughly, the keys that went into a table which was empty at first: a Bloom filter of
/// fixed size. A key it has not seen is new unless somebody else wrote it, so that it need not be
/// looked up; then the table's own unique index speaks up, and every key is looked up again.
final class SeenKeys: Sendable {
  private static let bitCount: UInt64 = 1 << 25
  private static let probes: UInt64 = 4

  private struct State {
    var isTrusted = true
    var words = [UInt64](repeating: 0, count: Int(SeenKeys.bitCount / 64))
  }

  private let state = Mutex(State())

  /// Whether a key that was not seen may be taken for new.
  var isTrusted: Bool { state.withLock { $0.isTrusted } }

  /// Somebody else has written keys.
  func distrust() {
    state.withLock {
      $0.isTrusted = false
      $0.words = []
    }
  }

  /// For each key whether it may have been seen; nil when nothing is known.
  func mayContain(_ hashes: [UInt64]) -> [Bool]? {
    state.withLock { state in
      guard state.isTrusted else { return nil }
      return hashes.map { hash in
        (0..<Self.probes).allSatisfy { probe in
          let bit = Self.bit(hash, probe)
          return state.words[Int(bit >> 6)] & (1 << (bit & 63)) != 0
        }
      }
    }
  }

  /// Remembers keys.
  func insert(_ hashes: [UInt64]) {
    state.withLock { state in
      guard state.isTrusted else { return }
      for hash in hashes {
        for probe in 0..<Self.probes {
          let bit = Self.bit(hash, probe)
          state.words[Int(bit >> 6)] |= 1 << (bit & 63)
        }
      }
    }
  }

  @inline(__always)
  private static func bit(_ hash: UInt64, _ probe: UInt64) -> UInt64 {
    // Kirsch and Mitzenmacher: two hashes make as many as are wanted.
    (hash &+ probe &* (hash >> 32 | 1)) & (bitCount - 1)
  }
}

/// What is remembered of the runs that this process loads, by the table they fill.
final class SeenKeysByRun: Sendable {
  private let known = Mutex<[String: SeenKeys]>([:])

  /// The memory of a run, if there is one.
  subscript(_ run: String) -> SeenKeys? {
    get { known.withLock { $0[run] } }
  }

  /// Begins to remember.
  func begin(_ run: String) -> SeenKeys {
    known.withLock { known in
      let seen = SeenKeys()
      known[run] = seen
      return seen
    }
  }

  /// Forgets a run.
  func forget(_ run: String) { known.withLock { $0[run] = nil } }
}
