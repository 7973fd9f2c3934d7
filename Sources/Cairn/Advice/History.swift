/// What is known of past work of a processor or a job, in one form for both.
public struct History: Sendable, Hashable {
  /// The attempts, in any order.
  public var attempts: [PastAttempt]

  /// Makes a history.
  public init(_ attempts: [PastAttempt]) { self.attempts = attempts }
}

/// An attempt at a run, as far as it was recorded.
public struct PastAttempt: Sendable, Hashable {
  /// The run that it belongs to.
  public var run: String
  /// How it ended.
  public var ending: Ending
  /// Units (entities or rows) that were done when it began.
  public var unitsBefore: Int
  /// Units that were done when it ended.
  public var unitsAfter: Int
  /// Units that the run has in all, or nil when that is not known.
  public var unitsTotal: Int?
  /// How long it took, in seconds; of one that was killed, up to its last mark.
  public var seconds: Double
  /// Marks that it committed.
  public var marks: Int
  /// Seconds that these took, or nil where nobody measured it.
  public var markSeconds: Double?
  /// When it began: seconds since 1970-01-01 UTC.
  public var startedAt: Double

  /// How an attempt ends.
  public enum Ending: Sendable, Hashable {
    /// All units are done.
    case completed
    /// By an error, or killed.
    case failed
    /// By a deadline or signal.
    case stopped
  }

  /// Describes an attempt.
  public init(
    run: String, ending: Ending, unitsBefore: Int = 0, unitsAfter: Int, unitsTotal: Int?,
    seconds: Double, marks: Int = 0, markSeconds: Double? = nil, startedAt: Double
  ) {
    self.run = run
    self.ending = ending
    self.unitsBefore = unitsBefore
    self.unitsAfter = unitsAfter
    self.unitsTotal = unitsTotal
    self.seconds = seconds
    self.marks = marks
    self.markSeconds = markSeconds
    self.startedAt = startedAt
  }
}
