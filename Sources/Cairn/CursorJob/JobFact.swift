/// Something that happened to a job: a row of `job_history`. Health and metrics are read from these.
public struct JobFact: Sendable, Hashable {
  /// The job; set by the sink when it is read.
  public var job: String
  /// The run.
  public var run: SyncID?
  /// The attempt.
  public var attempt: Int
  /// When, by the sink's clock, in ISO 8601 UTC; set by the sink.
  public var at: String
  /// What.
  public var kind: Kind
  /// In words, or the name of what it happened to: a boundary, a partition, an error.
  public var detail: String?
  /// A number that belongs to it: bytes of a checkpoint, records.
  public var amount: Int?
  /// A time that belongs to it, in seconds.
  public var seconds: Double?

  /// What happened.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// An attempt began.
    case started
    /// It ended with the run finished; ``JobFact/amount`` records.
    case finished
    /// It ended with the run unfinished: a deadline, a signal.
    case stopped
    /// It failed.
    case failed
    /// It was killed; noticed by its successor.
    case crashed
    /// A checkpoint was committed; ``JobFact/amount`` bytes.
    case checkpoint
    /// A recovery went well; ``JobFact/seconds`` from its begin to its first commit.
    case recovered
    /// A recovery failed, or did not hold the checks after it.
    case recoveryFailed = "recovery_failed"
    /// A checkpoint was not valid.
    case invalidCheckpoint = "invalid_checkpoint"
    /// A checkpoint's bytes were not what was written.
    case corruptCheckpoint = "corrupt_checkpoint"
    /// The check of target and marks held.
    case consistent
    /// It did not.
    case inconsistent
    /// Everything was read though there was a checkpoint: the scope or the target had changed.
    case beganAnew = "began_anew"
    /// A partition was passed over.
    case passedOver = "passed_over"
    /// It waited for a limit; ``JobFact/seconds``.
    case waited
    /// It was paused, let go on, or reset.
    case changed
  }

  /// Makes a fact.
  public init(
    _ kind: Kind, job: String = "", run: SyncID? = nil, attempt: Int = 0, at: String = "",
    detail: String? = nil, amount: Int? = nil, seconds: Double? = nil
  ) {
    self.job = job
    self.run = run
    self.attempt = attempt
    self.at = at
    self.kind = kind
    self.detail = detail
    self.amount = amount
    self.seconds = seconds
  }
}

/// Which facts are asked for.
public struct JobHistoryFilter: Sendable, Hashable {
  /// Of this job only.
  public var job: String?
  /// Of these kinds only; empty for all.
  public var kinds: [JobFact.Kind]
  /// Not older than this, by the sink's clock.
  public var within: Duration?
  /// At most so many.
  public var limit: Int

  /// Makes a filter.
  public init(
    job: String? = nil, kinds: [JobFact.Kind] = [], within: Duration? = nil, limit: Int = 10_000
  ) {
    self.job = job
    self.kinds = kinds
    self.within = within
    self.limit = limit
  }
}
