/// Tries again what failed transiently, with backoff and jitter.
struct TransientRetry: Sendable {
  let policy: RetryPolicy
  let environment: RunEnvironment
  /// Whether to give up waiting: a stop was asked for.
  let isStopping: @Sendable () -> Bool

  /// Does `work` until it succeeds, fails otherwise, or has failed transiently as often as the policy
  /// allows; then its last error is thrown.
  func run<Result>(_ work: () async throws -> Result) async throws -> Result {
    var failures = 0
    while true {
      do {
        return try await work()
      } catch let error as SinkError where error.mayPass {
        failures += 1
        guard failures < policy.attempts, !isStopping() else { throw error }
        try await environment.sleep(
          Backoff.wait(afterFailures: failures, policy: policy, random: environment.random()))
      }
    }
  }
}

extension SinkError {
  /// Whether it may work if tried again soon.
  fileprivate var mayPass: Bool {
    switch self {
    case .transient, .unreachable: true
    default: false
    }
  }
}
