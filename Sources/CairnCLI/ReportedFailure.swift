import Synchronization

/// What a log said keeps it from being written, from any thread.
final class ReportedFailure: Sendable {
  private let noted = Mutex<String?>(nil)

  func note(_ reason: String) { noted.withLock { $0 = reason } }

  var reason: String? { noted.withLock { $0 } }
}
