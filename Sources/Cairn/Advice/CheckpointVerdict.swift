/// Whether checkpoints are worth having: the leaves of the decision tree. Pure.
///
/// ```
/// enough history? ─ no ─▶ tooLittleHistory
///   │ yes
/// failure rate ≥ 5 %? ─ no ─▶ failuresAreRare
///   │ yes
/// any failure in mid-run? ─ no ─▶ onlyTotalFailures
///   │ yes
/// duration: < 2 min ─▶ tooShort · 2–5 min ─▶ considerIfFrequent · > 5 min ─▶ checkpoint
/// ```
public enum CheckpointVerdict: String, Sendable, Hashable, Codable, CaseIterable {
  /// There were too few attempts to tell.
  case tooLittleHistory = "too_little_history"
  /// Failures are rare: do not bother.
  case failuresAreRare = "failures_are_rare"
  /// Attempts fail at their start or end: there is nothing to resume, retry.
  case onlyTotalFailures = "only_total_failures"
  /// A run is so short that one just retries.
  case tooShort = "too_short"
  /// Worth it if failures are frequent: above the break-even.
  case considerIfFrequent = "consider_if_frequent"
  /// Worth it.
  case checkpoint

  /// Attempts from which on a failure rate of 5 % can be told from none.
  public static let leastAttempts = 20
  /// The failure rate from which on checkpoints are thought of.
  public static let leastFailureRate = 0.05
  /// Seconds below which a run is just tried again.
  public static let shortRun = 120.0
  /// Seconds above which a run that fails midway wants checkpoints.
  public static let longRun = 300.0

  /// Goes down the tree.
  public init(_ figures: HistoryFigures) {
    guard figures.attempts >= Self.leastAttempts, let duration = figures.duration else {
      self = .tooLittleHistory
      return
    }
    if figures.failureRate < Self.leastFailureRate {
      self = .failuresAreRare
    } else if figures.midRunFailures == 0 {
      self = .onlyTotalFailures
    } else if duration < Self.shortRun {
      self = .tooShort
    } else if duration <= Self.longRun {
      self = .considerIfFrequent
    } else {
      self = .checkpoint
    }
  }
}
