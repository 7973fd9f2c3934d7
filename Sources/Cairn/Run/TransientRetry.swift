/// Tries again what failed transiently, with backoff and jitter.
struct TransientRetry: Sendable {
  let policy: RetryPolicy
  let environment: RunEnvironment
  /// Whether to give up waiting: a stop was asked for.
  let isStopping: @Sendable () -> Bool
  /// Hears what is tried again: the error, the chunk, how often it failed, and how long is waited.
  let retrying: @Sendable (SinkError, Int?, Int, Duration) -> Void
  /// When there is no time left: what could only be tried again after it is not waited for.
  var deadline: ContinuousClock.Instant?

  /// Does `work` until it succeeds, fails otherwise, or has failed transiently as often as the policy
  /// allows; then its last error is thrown.
  ///
  /// - Parameter chunk: The chunk whose commit it is, if it is one.
  func run<Result>(
    chunk: Int? = nil, _ work: () async throws -> Result
  ) async throws -> Result {
    var failures = 0
    while true {
      do {
        return try await work()
      } catch let error as SinkError where error.mayPass {
        failures += 1
        guard failures < policy.attempts, !isStopping() else { throw error }
        let wait = Backoff.wait(
          afterFailures: failures, policy: policy, random: environment.random())
        if let deadline, ContinuousClock.now + wait >= deadline { throw error }
        retrying(error, chunk, failures, wait)
        try await environment.sleep(wait)
      }
    }
  }
}

extension SinkError {
  /// Whether it may work if tried again soon.
  fileprivate var mayPass: Bool {
    switch self {
    case .transient, .unreachable, .loadUnfinished: true
    default: false
    }
  }
}
