internal import Crypto
internal import Synchronization

/// What one token may ask of one API: shared by all jobs of the process that use it, so that they do
/// not overrun it together.
///
/// A request claims its cost before it is sent and settles it with its answer. What is left is what the
/// API said last, less what is under way. Times are in nanoseconds since 1970-01-01 UTC, by the local
/// clock.
final class RateBudget: Sendable {
  /// Whether a request may be sent.
  enum Claim: Equatable {
    /// It may; its cost is claimed.
    case granted
    /// Not before an instant: so much is left of the window, or nil when the API asked to stay away.
    case wait(until: Int64, remaining: Int?)
  }

  private struct State {
    var limit: Int?
    /// Nil while the API has not told.
    var remaining: Int?
    var reset: Int64 = 0
    var underWay = 0
    var blockedUntil: Int64 = 0
    /// How often in a row the API asked to stay away without saying how long.
    var strikes = 0

    func claim(_ cost: Int, reserve: Int, now: Int64) -> Claim {
      if now < blockedUntil { return .wait(until: blockedUntil, remaining: nil) }
      // When a window has ended, the next answer tells of the new one.
      guard let remaining, now < reset else { return .granted }
      // A whole window must do, however large the cost is thought to be.
      guard remaining - underWay - reserve < cost, remaining < limit ?? .max else {
        return .granted
      }
      return .wait(until: reset, remaining: max(0, remaining))
    }
  }

  private let state = Mutex(State())

  private static let all = Mutex<[String: RateBudget]>([:])

  /// The budget of an identity at an API. Only a digest of both is kept.
  static func shared(of identity: String, at address: APIAddress) -> RateBudget {
    let digest = SHA256.hash(data: Array("\(address)\n\(identity)".utf8))
    let key = digest.map { String($0, radix: 16) }.joined(separator: ".")
    return all.withLock { all in
      if let budget = all[key] { return budget }
      let budget = RateBudget()
      all[key] = budget
      return budget
    }
  }

  /// Claims the cost of a request.
  ///
  /// - Parameter reserve: How much is to be left to others.
  func claim(_ cost: Int, reserve: Int, now: Int64) -> Claim {
    state.withLock { state in
      let claim = state.claim(cost, reserve: reserve, now: now)
      if claim == .granted { state.underWay += cost }
      return claim
    }
  }

  /// Whether a request would not be sent now.
  func wouldWait(_ cost: Int, reserve: Int, now: Int64) -> Bool {
    state.withLock { $0.claim(cost, reserve: reserve, now: now) } != .granted
  }

  /// Gives back what a request claimed.
  func settle(_ cost: Int) {
    state.withLock { $0.underWay -= cost }
  }

  /// Takes in what the API said.
  func told(_ told: ToldLimit, reset: Int64) {
    state.withLock { state in
      // Answers may overtake each other: within a window the lowest counts. Servers tell the same reset
      // a second apart.
      let (later, isFar) = reset.subtractingReportingOverflow(state.reset)
      let isSameWindow = !isFar && later.magnitude <= 2_000_000_000
      state.remaining =
        isSameWindow ? min(told.remaining, state.remaining ?? told.remaining) : told.remaining
      state.reset = isSameWindow ? max(reset, state.reset) : reset
      state.limit = told.limit
    }
  }

  /// Takes in what another process was told, as long as the API has told nothing to this one.
  func recalled(_ remaining: Int, reset: Int64) {
    state.withLock { state in
      guard state.remaining == nil else { return }
      state.remaining = remaining
      state.reset = reset
    }
  }

  /// Takes in that the window's budget is used up.
  func exhausted(until reset: Int64) {
    state.withLock { state in
      state.remaining = 0
      state.reset = reset
    }
  }

  /// Takes in that the API asked to stay away.
  ///
  /// - Parameter wait: For how long; nil when it did not say: a minute, and twice as long each time it
  ///   asks again.
  func block(for wait: Int64?, now: Int64) {
    state.withLock { state in
      if let wait {
        state.blockedUntil = max(state.blockedUntil, now + wait)
      } else if now >= state.blockedUntil {
        // Several requests that were under way together are one strike.
        state.blockedUntil = now + (60_000_000_000 << Int64(min(state.strikes, 6)))
        state.strikes += 1
      }
    }
  }

  /// Takes in that the API answered.
  func answered() {
    state.withLock { $0.strikes = 0 }
  }
}
