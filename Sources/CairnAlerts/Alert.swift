public import Cairn

/// What is told of how a load, a pipeline or a processor's work ended: counts and words, never values
/// of rows or secrets.
public struct Alert: Sendable, Hashable {
  /// How it ended.
  public var occasion: AlertOccasion
  /// The name of the job, the pipeline or the processor.
  public var job: String
  /// The source's name; empty for what has none.
  public var source: String
  /// The target table; empty for what has none.
  public var table: String
  /// Where the sink is, without secrets; empty for what has none.
  public var sink: String
  /// The run's id, where one began or was found.
  public var syncID: SyncID?
  /// The id of a pipeline's execution, where one began or was found.
  public var pipelineID: String?
  /// Which attempt of the run or execution it was.
  public var attempt: Int?
  /// What became of the rows, over all attempts.
  public var counts: RowCounts?
  /// Chunks committed, over all attempts.
  public var committedChunks: Int?
  /// Chunks of the source, once known.
  public var totalChunks: Int?
  /// Chunks that failed in this attempt.
  public var failedChunks: [Int] = []
  /// What else is to be told, a line each.
  public var details: [Detail] = []
  /// Why it ended like this, if by an error.
  public var problem: Problem?
  /// Whether the source had been loaded before, or the entities completed, so that there is nothing to
  /// tell but that all is well.
  public var wasLoadedBefore = false
  /// The command to type next, if there is one.
  public var nextCommand: String?
  /// The host that the load ran on.
  public var host = LeaseOwner.current().host
  /// When it ended: nanoseconds since 1970-01-01 UTC.
  public var time: Int64

  /// A line of an alert: a name of one word, and what there is to say.
  public struct Detail: Sendable, Hashable {
    /// The name, for example `stages`.
    public var name: String
    /// What there is to say.
    public var value: String

    /// Makes a line.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What went wrong.
  public struct Problem: Sendable, Hashable {
    /// What follows from it.
    public var errorClass: ErrorClass
    /// It in words.
    public var summary: String

    /// Makes a description of a problem.
    public init(errorClass: ErrorClass, summary: String) {
      self.errorClass = errorClass
      self.summary = summary
    }
  }

  /// Makes an alert of what is known before a run begins.
  ///
  /// - Parameters:
  ///   - occasion: How it ended.
  ///   - job: The job's name.
  ///   - source: The source's name.
  ///   - table: The target table.
  ///   - sink: Where the sink is, without secrets.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init(
    _ occasion: AlertOccasion, job: String, source: String, table: String, sink: String,
    time: Int64 = RunEnvironment.live.now()
  ) {
    self.occasion = occasion
    self.job = job
    self.source = source
    self.table = table
    self.sink = sink
    self.time = time
  }
}

extension Alert {
  /// What there is to tell of an outcome; nil for a load that was asked to stop, which is no failure.
  ///
  /// - Parameters:
  ///   - outcome: How the load ended.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init?(_ outcome: LoadOutcome, time: Int64 = RunEnvironment.live.now()) {
    let receipt = outcome.receipt
    let occasion: AlertOccasion
    switch outcome {
    // A run that an earlier load left partly successful is `done` as well.
    case .done(let receipt): occasion = receipt.status == "SUCCESS" ? .success : .partialSuccess
    case .partial: occasion = .partialSuccess
    case .stopped(_, let reason):
      guard reason.isFailure else { return nil }
      occasion = .failed
    }
    self.init(
      occasion, job: receipt.job, source: receipt.source, table: receipt.table,
      sink: receipt.sink, time: time)
    syncID = receipt.syncID
    attempt = receipt.attempt
    counts = receipt.counts
    committedChunks = receipt.committedChunks
    totalChunks = receipt.totalChunks
    failedChunks = receipt.failedChunks
    wasLoadedBefore = receipt.wasLoadedBefore
    if case .stopped(_, let reason) = outcome {
      problem = Problem(errorClass: .transient, summary: "\(reason)")
    }
  }

  /// What there is to tell of an error; nil when another process owns the run, which is no failure.
  ///
  /// - Parameters:
  ///   - error: What `load` or `resume` threw.
  ///   - job: The job's name.
  ///   - source: The source's name.
  ///   - table: The target table.
  ///   - sink: Where the sink is, without secrets.
  ///   - run: The run as the sink knows it, or nil when none began.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init?(
    _ error: any Error, job: String, source: String, table: String, sink: String,
    run: RunRecord? = nil, time: Int64 = RunEnvironment.live.now()
  ) {
    if Self.isOwnedElsewhere(error) || error is CancellationError { return nil }
    self.init(.failed, job: job, source: source, table: table, sink: sink, time: time)
    if let run {
      syncID = run.syncID
      attempt = run.attempt
      counts = run.counts
      committedChunks = run.committedChunks
      totalChunks = run.end?.position.chunk
    }
    problem = Problem(errorClass: .of(error), summary: ErrorSummary.of(error))
  }

  static func isOwnedElsewhere(_ error: any Error) -> Bool {
    switch error {
    case LoadError.inputKept(_, _, let cause): isOwnedElsewhere(cause)
    case LoadError.ownedElsewhere, LoadError.overtaken, SinkError.fenced: true
    case PipelineError.ownedElsewhere, PipelineError.overtaken: true
    case EntityBatchError.ownedElsewhere, EntityBatchError.overtaken: true
    default: false
    }
  }
}
