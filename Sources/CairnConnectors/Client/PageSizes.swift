internal import Synchronization

/// How many records a page asks for: less after an overload, and more again while all goes well.
///
/// GitHub ends a query that takes longer than ten seconds; how much fits into that depends on the
/// repository.
final class PageSizes: Sendable {
  private struct Size {
    var size: Int
    var successes = 0
  }

  private let sizes = Mutex<[String: Size]>([:])
  private let maximum: Int
  /// After so many pages in a row the next is larger.
  private static let patience = 4

  init(maximum: Int) { self.maximum = max(1, maximum) }

  /// The size for a partition's next page.
  func size(of name: String, limit: Int) -> Int {
    max(1, min(limit, sizes.withLock { $0[name]?.size } ?? maximum))
  }

  /// Takes in that a page of this size was too much.
  func failed(_ name: String, size: Int) {
    sizes.withLock { $0[name] = Size(size: max(1, size / 3)) }
  }

  /// Takes in that a page was answered.
  func succeeded(_ name: String) {
    sizes.withLock { sizes in
      guard var size = sizes[name] else { return }
      size.successes += 1
      if size.successes >= Self.patience {
        size = Size(size: min(maximum, size.size + max(1, size.size / 2)))
      }
      sizes[name] = size.size >= maximum ? nil : size
    }
  }

  /// Forgets a partition.
  func forget(_ name: String) { sizes.withLock { $0[name] = nil } }
}
