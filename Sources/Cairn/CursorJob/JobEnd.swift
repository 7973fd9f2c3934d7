/// How an attempt at a job's run ends.
public struct JobEnd: Sendable, Hashable {
  /// The job's status from now on: `finished`, `failed`, or `pending` when it was stopped.
  public var status: JobStatus
  /// The error, or why it stopped.
  public var error: String?
  /// When it runs next, counted from now; nil by its interval: after an end that interval from now, after
  /// a stop or failure at once.
  public var nextRunIn: Duration?
  /// For the history.
  public var facts: [JobFact]

  /// Makes it.
  public init(
    status: JobStatus, error: String? = nil, nextRunIn: Duration? = nil, facts: [JobFact] = []
  ) {
    self.status = status
    self.error = error
    self.nextRunIn = nextRunIn
    self.facts = facts
  }
}
