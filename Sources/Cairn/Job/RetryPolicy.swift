/// How transient errors of a sink are retried.
public struct RetryPolicy: Sendable, Hashable, Codable {
  /// How often a chunk's commit is tried in one attempt of the run.
  public var attempts: Int
  /// The wait before the second try; it doubles from try to try, with jitter.
  public var minimumBackoff: Duration
  /// The longest wait.
  public var maximumBackoff: Duration
  /// After so many chunks in a row that failed transiently the run stops.
  public var giveUpAfter: Int

  /// Makes a policy; the defaults are the job file's.
  public init(
    attempts: Int = 5, minimumBackoff: Duration = .seconds(1),
    maximumBackoff: Duration = .seconds(60), giveUpAfter: Int = 3
  ) {
    self.attempts = attempts
    self.minimumBackoff = minimumBackoff
    self.maximumBackoff = maximumBackoff
    self.giveUpAfter = giveUpAfter
  }
}
