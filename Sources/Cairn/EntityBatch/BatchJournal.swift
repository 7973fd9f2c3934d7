internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a processor's work on a
/// partition. `docs/events.md` has the table of what is told when.
///
/// Nothing here is called for single entities or rows, and nothing of it can fail.
struct BatchJournal: Sendable {
  private let events: EventLog?
  private let metrics: MetricRecorder
  private let logger: Logger
  private let processor: Processor
  private let partition: String
  /// The run's id; before there is a run, the processor's name.
  private let pipelineID: String

  init(_ processor: Processor, partition: String, run: SyncID?) {
    events = processor.options.events
    metrics = MetricRecorder(
      factory: processor.options.metrics ?? MetricsSystem.factory, job: processor.name)
    logger = processor.options.logger
    self.processor = processor
    self.partition = partition
    pipelineID = run?.description ?? processor.name
  }

  private var stage: String { processor.name }

  private func tell(
    _ type: EventType, _ stage: String? = nil, _ status: EventStatus = .info,
    _ metadata: @autoclosure () -> EventMetadata = [:]
  ) {
    guard let events else { return }
    events.record(
      Event(type, pipelineID: pipelineID, stage: stage, status: status, metadata: metadata()))
  }

  /// Writes a message of which there is an event too, if there is a log of events.
  private func say(
    _ level: Logger.Level, _ message: Logger.Message, _ type: EventType,
    _ metadata: Logger.Metadata = [:]
  ) {
    var metadata = metadata
    metadata["processor"] = "\(processor.name)"
    if !partition.isEmpty { metadata["partition"] = "\(partition)" }
    if events != nil { metadata[EventLogHandler.eventKey] = "\(type.rawValue)" }
    logger.log(level: level, message, metadata: metadata)
  }

  // MARK: Claim

  /// The run is this process's.
  func began(_ claimed: ClaimedEntities) {
    let checkpoint = claimed.checkpoint
    let owner = LeaseOwner.current()
    let isResumed = checkpoint.attempt > 1
    for note in claimed.notes {
      say(.notice, "\(note)", isResumed ? .pipelineResume : .pipelineStart)
    }
    tell(
      .leaseTaken, nil, .success,
      ["fence": EventValue(claimed.lease.fence), "attempt": EventValue(checkpoint.attempt)])
    metrics.add(.leases, 1, ("fate", "taken"))
    var known: EventMetadata = [
      "job": EventValue(processor.name), "partition": EventValue(partition),
      "table": EventValue(checkpoint.new.table), "sink": EventValue(processor.sink.location),
      "attempt": EventValue(checkpoint.attempt), "host": EventValue(owner.host),
      "pid": EventValue(owner.pid),
      "entities_completed": EventValue(checkpoint.completed.count),
      "total_entities": EventValue(checkpoint.total),
    ]
    if !claimed.notes.isEmpty {
      known["reason"] = EventValue(claimed.notes.joined(separator: "; "))
    }
    tell(isResumed ? .pipelineResume : .pipelineStart, nil, .info, known)
    tell(.stageStart, stage, .info, ["partition": EventValue(partition)])
    if checkpoint.completed.count > 0 {
      metrics.add(.entities, checkpoint.completed.count, ("fate", "skipped"))
    }
  }

  /// The run's checkpoint was given up for a new run.
  func abandoned(because reason: String) {
    tell(.pipelineAbandon, nil, .warning, ["job": EventValue(stage), "reason": EventValue(reason)])
  }

  func waitsForOwner(_ holder: LeaseHolder) {
    say(.notice, "waiting for the owner of the batches", .leaseWait, ["owner": "\(holder)"])
    tell(.leaseWait, nil, .info, ["holder": EventValue(holder.description)])
  }

  func waitedForOwner(_ duration: Duration) {
    metrics.record(.leaseWaitSeconds, seconds: duration.inSeconds)
  }

  // MARK: Batches

  func committed(_ batch: CommittedBatch) {
    tell(
      .batchCommitted, stage, .success,
      [
        "partition": EventValue(partition), "last_entity_id": EventValue(batch.lastEntityID),
        "entities": EventValue(batch.entities), "entities_completed": EventValue(batch.completed),
        "total_entities": EventValue(batch.total), "rows": EventValue(batch.counts.rows),
        "state_bytes": EventValue(batch.stateBytes),
        "duration_seconds": EventValue(seconds: batch.seconds),
        "mark_seconds": EventValue(seconds: batch.markSeconds),
      ])
    let counts = batch.counts
    for (fate, rows) in [
      ("inserted", counts.inserted), ("updated", counts.updated), ("unchanged", counts.unchanged),
      ("superseded", counts.superseded), ("kept", counts.kept),
    ] {
      metrics.add(.rows, rows, ("fate", fate))
    }
    metrics.add(.batches, 1, ("fate", "committed"))
    metrics.add(.entities, batch.entities, ("fate", "committed"))
    metrics.add(.commits)
    metrics.record(.commitSeconds, seconds: batch.seconds)
    metrics.record(.checkpointSeconds, seconds: batch.markSeconds)
    metrics.add(.checkpointBytes, batch.stateBytes)
  }

  /// A batch failed and is tried again.
  func retrying(_ error: any Error, failures: Int) {
    let reason = ErrorSummary.of(error)
    say(.warning, "batch failed; it is tried again", .batchRetry, ["reason": "\(reason)"])
    tell(
      .batchRetry, stage, .warning,
      [
        "partition": EventValue(partition), "reason": EventValue(reason),
        "failures": EventValue(failures),
      ])
    metrics.add(.batches, 1, ("fate", "retried"))
    metrics.add(.retries)
  }

  /// A batch failed and is not tried again by this call.
  func batchFailed(_ error: any Error, completed: Int, total: Int) {
    events?.failure(
      .batchFailed, pipelineID: pipelineID, stage: stage, error: error,
      metadata: [
        "error_class": EventValue(ErrorClass.of(error).rawValue),
        "partition": EventValue(partition), "entities_completed": EventValue(completed),
        "total_entities": EventValue(total),
      ])
    metrics.add(.batches, 1, ("fate", "failed"))
  }

  /// So many batches failed in a row that no more are tried.
  func circuitOpened(_ failures: Int, _ reason: String) {
    tell(
      .circuitOpen, stage, .error,
      [
        "partition": EventValue(partition), "failures": EventValue(failures),
        "reason": EventValue(reason),
      ])
  }

  /// An operation of the sink failed and is tried again.
  func retrying(_ error: SinkError, failures: Int, wait: Duration) {
    let reason = ErrorSummary.of(error)
    say(
      .notice, "will try again", .retryWait,
      ["reason": "\(reason)", "failures": "\(failures)", "wait": "\(wait)"])
    tell(
      .retryWait, stage, .warning,
      [
        "reason": EventValue(reason), "failures": EventValue(failures),
        "wait_seconds": EventValue(seconds: wait.inSeconds),
      ])
    metrics.add(.retries)
  }

  func leaseNotRenewed(_ error: any Error) {
    say(.warning, "lease not renewed", .retryWait, ["reason": "\(error)"])
    tell(.retryWait, nil, .warning, ["reason": EventValue(ErrorSummary.of(error))])
  }

  /// How the attempt ended could not be written down.
  func endNotRecorded(_ error: any Error) {
    say(.warning, "the stop was not recorded", .retryWait, ["reason": "\(error)"])
    tell(.retryWait, nil, .warning, ["reason": EventValue(ErrorSummary.of(error))])
  }

  // MARK: End

  /// An attempt ended with an outcome.
  func ended(_ outcome: EntityBatchOutcome, secondsToFirstBatch: Double?) async {
    let report = outcome.report
    let account = account(of: report)
    let word: String
    switch outcome {
    case .done:
      word = "success"
      stageEnded(report)
      tell(.pipelineComplete, nil, .success, account)
    case .partial:
      word = "partial"
      stageEnded(report)
      tell(
        .pipelinePartial, nil, .warning,
        account.merging(["failed_batches": EventValue(report.failed.count)]))
    case .stopped(_, let reason):
      word = "stopped"
      tell(
        .pipelineStop, nil, .warning, account.merging(["reason": EventValue(reason.description)]))
    }
    count(word, seconds: report.seconds, attempt: report.attempt)
    if report.attempt > 1 {
      metrics.add(.savedSeconds, report.secondsSaved)
      if let secondsToFirstBatch { metrics.record(.resumeSeconds, seconds: secondsToFirstBatch) }
    }
    await events?.cleanUp()
  }

  private func stageEnded(_ report: EntityBatchReport) {
    let known: EventMetadata = [
      "duration_seconds": EventValue(seconds: report.seconds),
      "rows": EventValue(report.counts.rows), "batches": EventValue(report.batches),
    ]
    tell(.stageComplete, stage, .success, known)
    tell(.performanceMetric, stage, .info, known)
  }

  /// An attempt, or the search for its run, ended with an error.
  ///
  /// - Parameter report: What the attempt came to; nil when none began.
  func failed(_ error: any Error, _ report: EntityBatchReport?) async {
    switch error {
    case SinkError.fenced(let holder), EntityBatchError.overtaken(_, _, let holder):
      tell(.leaseLost, nil, .error, ["holder": EventValue(holder.description)])
      metrics.add(.leases, 1, ("fate", "lost"))
    case EntityBatchError.ownedElsewhere(_, _, let holder):
      // The run itself goes on, with its owner.
      tell(.leaseWait, nil, .error, ["holder": EventValue(holder.description), "gave_up": true])
    default:
      if case EntityBatchError.circuitOpen(_, _, let failures, _, let reason) = error {
        circuitOpened(failures, reason)
      }
      let known: EventMetadata = ["error_class": EventValue(ErrorClass.of(error).rawValue)]
      events?.failure(
        .pipelineError, pipelineID: pipelineID, error: error,
        metadata: known.merging(report.map(account) ?? [:]))
    }
    count("failed", seconds: report?.seconds, attempt: report?.attempt ?? 1)
    await events?.cleanUp()
  }

  private func account(of report: EntityBatchReport) -> EventMetadata {
    [
      "partition": EventValue(partition), "attempt": EventValue(report.attempt),
      "duration_seconds": EventValue(seconds: report.seconds),
      "entities_completed": EventValue(report.completed),
      "total_entities": EventValue(report.total),
      "entities_saved": EventValue(report.completedBefore), "batches": EventValue(report.batches),
      "rows": EventValue(report.counts.rows), "inserted": EventValue(report.counts.inserted),
      "updated": EventValue(report.counts.updated),
      "unchanged": EventValue(report.counts.unchanged),
    ]
  }

  private func count(_ outcome: String, seconds: Double?, attempt: Int) {
    metrics.add(.runs, 1, ("outcome", outcome))
    if let seconds { metrics.record(.runSeconds, seconds: seconds) }
    if attempt > 1 { metrics.add(.resumes, 1, ("outcome", outcome)) }
    if outcome == "success" {
      metrics.set(.lastSuccess, Double(RunEnvironment.live.now() / 1_000_000) / 1_000)
    }
  }
}

/// A batch that is committed, as events and figures have it.
struct CommittedBatch: Sendable {
  var lastEntityID: String
  /// How many entities it has, how many are done now, and how many there are.
  var entities, completed, total: Int
  var counts = RowCounts()
  var stateBytes = 0
  /// Seconds from its computed result to its commit.
  var seconds = 0.0
  /// Seconds of these that the mark took, without the writing of rows.
  var markSeconds = 0.0

  init(of mark: EntityMark, _ positions: Range<Int>) {
    lastEntityID = mark.lastEntityID
    entities = positions.count
    completed = mark.completed.count
    total = mark.total
  }
}

extension EntityBatchReport {
  /// Seconds that the call would have taken longer from the beginning, if all entities take as long
  /// as those that it processed.
  var secondsSaved: Double {
    let done = completed - completedBefore
    return done > 0 ? seconds / Double(done) * Double(completedBefore) : 0
  }
}

extension EventLog {
  /// A checkpoint of entity batches was cleaned up.
  public func cleanedUp(_ checkpoint: EntityCheckpoint) {
    event(
      .cleanup, pipelineID: checkpoint.syncID.description, stage: checkpoint.new.processor,
      status: .success,
      metadata: [
        "run": EventValue(checkpoint.syncID.description),
        "partition": EventValue(checkpoint.new.partition),
        "entities_completed": EventValue(checkpoint.completed.count),
        "total_entities": EventValue(checkpoint.total),
      ])
  }
}
