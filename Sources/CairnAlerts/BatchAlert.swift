public import Cairn

extension Alert {
  /// What there is to tell of how a processor's work on a partition ended; nil for one that was asked to
  /// stop, which is no failure.
  ///
  /// - Parameters:
  ///   - outcome: What `forEachBatch` returned.
  ///   - processor: The processor.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init?(
    _ outcome: EntityBatchOutcome, of processor: Processor,
    time: Int64 = RunEnvironment.live.now()
  ) {
    let report = outcome.report
    let occasion: AlertOccasion
    switch outcome {
    case .done: occasion = .success
    case .partial: occasion = .partialSuccess
    case .stopped(_, let reason):
      guard reason.isFailure else { return nil }
      occasion = .failed
    }
    self.init(occasion, processor, partition: report.partition, time: time)
    syncID = report.syncID
    attempt = report.attempt
    details.append(Detail("entities", "\(report.completed) of \(report.total) done"))
    if report.counts.rows > 0 { counts = report.counts }
    wasLoadedBefore = report.wasCompletedBefore
    if let last = report.failed.last {
      details.append(
        Detail(
          "failed",
          "\(report.failed.count) batches, the last one '\(last.firstID)' to '\(last.lastID)'"))
      problem = Problem(errorClass: .transient, summary: last.error)
    }
    if case .stopped(_, let reason) = outcome {
      problem = Problem(errorClass: .transient, summary: "\(reason)")
    }
  }

  /// What there is to tell of an error that ended a processor's work; nil when another process works on
  /// the partition, which is no failure.
  ///
  /// - Parameters:
  ///   - error: What `forEachBatch` threw.
  ///   - processor: The processor.
  ///   - partition: What it was called for.
  ///   - checkpoint: How far it is, as the sink knows it
  ///     (``EntityBatchSink/entityCheckpoints(_:)``); nil when that is not known.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init?(
    _ error: any Error, of processor: Processor, partition: String = "",
    checkpoint: EntityCheckpoint? = nil, time: Int64 = RunEnvironment.live.now()
  ) {
    if Self.isOwnedElsewhere(error) || error is CancellationError { return nil }
    self.init(.failed, processor, partition: partition, time: time)
    if let checkpoint {
      syncID = checkpoint.syncID
      attempt = checkpoint.attempt
      details.append(
        Detail("entities", "\(checkpoint.completed.count) of \(checkpoint.total) done"))
    }
    problem = Problem(errorClass: .of(error), summary: ErrorSummary.of(error))
  }

  private init(
    _ occasion: AlertOccasion, _ processor: Processor, partition: String, time: Int64
  ) {
    self.init(
      occasion, job: processor.name, source: "", table: processor.target?.table ?? "",
      sink: processor.sink.location, time: time)
    if !partition.isEmpty { details.append(Detail("partition", partition)) }
  }
}
