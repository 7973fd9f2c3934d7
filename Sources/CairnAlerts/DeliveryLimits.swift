/// How long sending alerts may take.
public struct DeliveryLimits: Sendable, Hashable {
  /// The time for all of it: a dead server delays a process by no more.
  public var total: Duration
  /// The time for one try.
  public var attempt: Duration
  /// How often each alert is tried, at least once.
  public var attempts: Int
  /// The wait before the second try; it doubles from try to try, with jitter.
  public var minimumBackoff: Duration

  /// Makes limits.
  public init(
    total: Duration = .seconds(15), attempt: Duration = .seconds(7), attempts: Int = 3,
    minimumBackoff: Duration = .seconds(1)
  ) {
    self.total = total
    self.attempt = attempt
    self.attempts = attempts
    self.minimumBackoff = minimumBackoff
  }

  /// The wait before the next try. Pure.
  func wait(afterFailures failures: Int, random: UInt64) -> Duration {
    let full = minimumBackoff * (1 << min(max(failures - 1, 0), 20))
    // The jitter takes off up to half.
    return full * (1 - Double(random >> 11) / Double(1 << 53) / 2)
  }
}
