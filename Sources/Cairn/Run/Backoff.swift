/// How long to wait before a transient error is tried again. Pure.
package enum Backoff {
  /// - Parameters:
  ///   - failures: How often it failed already, at least 1.
  ///   - random: 64 random bits: the jitter takes off up to half of the wait.
  package static func wait(
    afterFailures failures: Int, policy: RetryPolicy, random: UInt64
  ) -> Duration {
    let doublings = min(max(failures - 1, 0), 30)
    let full = min(policy.minimumBackoff * (1 << doublings), policy.maximumBackoff)
    let jitter = Double(random >> 11) / Double(1 << 53)
    return full * (1 - jitter / 2)
  }
}
