import Cairn
import Dispatch
import Synchronization

/// A fault point at which the process stands still until the test lets it go on, as one that is
/// stopped by SIGSTOP would.
final class Gate: Sendable {
  private let point: FaultPoint
  private let state = Mutex((isArmed: true, hasArrived: false))
  private let go = DispatchSemaphore(value: 0)

  init(at point: FaultPoint) { self.point = point }

  /// The fault points of the sink that is to stand still.
  var faults: FaultPoints {
    FaultPoints { [self] reached in
      guard reached == point else { return }
      let stops = state.withLock { state in
        defer { state = (false, true) }
        return state.isArmed
      }
      if stops { go.wait() }
    }
  }

  /// Waits until the point is reached.
  func arrival() async throws {
    while !state.withLock({ $0.hasArrived }) { try await Task.sleep(for: .milliseconds(2)) }
  }

  /// Lets the process go on.
  func open() { go.signal() }
}
