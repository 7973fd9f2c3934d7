internal import Synchronization

/// How many records a page asks for: less after an overload, and more again while all goes well.
///
/// How much a server can answer in one go depends on the records: GitHub ends a query that takes longer
/// than ten seconds, Jira's proxies end one after a minute.
final class PageSizes: Sendable {
  private struct Size {
    var size: Int
    var successes = 0
  }

  private let sizes = Mutex<[String: Size]>([:])
  /// After so many pages in a row the next is larger.
  private static let patience = 4

  /// The size for the next page of a list.
  ///
  /// - Parameter limit: The most that is wanted.
  func size(of name: String, limit: Int) -> Int {
    max(1, min(limit, sizes.withLock { $0[name]?.size } ?? limit))
  }

  /// Takes in that a page of this size was too much.
  func failed(_ name: String, size: Int) {
    sizes.withLock { $0[name] = Size(size: max(1, size / 3)) }
  }

  /// Takes in that a page was answered.
  func succeeded(_ name: String, limit: Int) {
    sizes.withLock { sizes in
      guard var size = sizes[name] else { return }
      size.successes += 1
      if size.successes >= Self.patience {
        size = Size(size: size.size + max(1, size.size / 2))
      }
      sizes[name] = size.size >= limit ? nil : size
    }
  }

  /// Forgets a list.
  func forget(_ name: String) { sizes.withLock { $0[name] = nil } }
}

/// The size of one page while it is asked for: less with each overload.
struct PageSize {
  private let sizes: PageSizes
  private let name: String
  private let limit: Int
  /// What the last try asked for.
  private(set) var size: Int

  /// - Parameters:
  ///   - name: By what the size is remembered for the next page.
  ///   - limit: The most that is wanted.
  init(_ sizes: PageSizes, of name: String, limit: Int) {
    self.sizes = sizes
    self.name = name
    self.limit = limit
    size = sizes.size(of: name, limit: limit)
  }

  /// The size for a try.
  mutating func size(for attempt: APIAttempt) -> Int {
    if attempt.failure?.isOverload == true {
      sizes.failed(name, size: size)
      size = sizes.size(of: name, limit: size)
    }
    return size
  }

  /// Takes in that the page was answered.
  func answered() { sizes.succeeded(name, limit: limit) }
}
