internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a processor's work on a
/// partition. `docs/events.md` has the table of what is told when.
///
/// Nothing here is called for single entities or rows, and nothing of it can fail.
struct BatchJournal: Sendable {
  private let journal: Journal
  private let processor: Processor
  private let partition: String

  init(_ processor: Processor, partition: String, run: SyncID?) {
    self.processor = processor
    self.partition = partition
    let options = processor.options
    journal = Journal(
      events: options.events, metrics: options.metrics, logger: options.logger,
      job: processor.name, pipelineID: run?.description ?? processor.name,
      subject: partition.isEmpty
        ? ["processor": "\(processor.name)"]
        : ["processor": "\(processor.name)", "partition": "\(partition)"])
  }

  private var stage: String { processor.name }

  // MARK: Claim

  /// The run is this process's.
  func began(_ claimed: ClaimedEntities) {
    let checkpoint = claimed.checkpoint
    let owner = LeaseOwner.current()
    let isResumed = checkpoint.attempt > 1
    for note in claimed.notes {
      journal.say(.notice, "\(note)", isResumed ? .pipelineResume : .pipelineStart)
    }
    journal.leaseTaken(claimed.lease.fence, attempt: checkpoint.attempt)
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
    journal.tell(isResumed ? .pipelineResume : .pipelineStart, nil, .info, known)
    journal.tell(.stageStart, stage, .info, ["partition": EventValue(partition)])
    if checkpoint.completed.count > 0 {
      journal.metrics.add(.entities, checkpoint.completed.count, ("fate", "skipped"))
    }
  }

  /// The run's checkpoint was given up for a new run.
  func abandoned(because reason: String) {
    journal.tell(
      .pipelineAbandon, nil, .warning, ["job": EventValue(stage), "reason": EventValue(reason)])
  }

  func waitsForOwner(_ holder: LeaseHolder) {
    journal.waitsForOwner(holder, "waiting for the owner of the batches")
  }

  func waitedForOwner(_ duration: Duration) { journal.waitedForOwner(duration) }

  // MARK: Batches

  func committed(_ batch: CommittedBatch) {
    journal.tell(
      .batchCommitted, stage, .success,
      [
        "partition": EventValue(partition), "last_entity_id": EventValue(batch.lastEntityID),
        "entities": EventValue(batch.entities), "entities_completed": EventValue(batch.completed),
        "total_entities": EventValue(batch.total), "rows": EventValue(batch.counts.rows),
        "state_bytes": EventValue(batch.stateBytes),
        "duration_seconds": EventValue(seconds: batch.seconds),
        "mark_seconds": EventValue(seconds: batch.markSeconds),
      ])
    journal.count(batch.counts)
    journal.metrics.add(.batches, 1, ("fate", "committed"))
    journal.metrics.add(.entities, batch.entities, ("fate", "committed"))
    journal.metrics.add(.commits)
    journal.metrics.record(.commitSeconds, seconds: batch.seconds)
    journal.metrics.record(.checkpointSeconds, seconds: batch.markSeconds)
    journal.metrics.add(.checkpointBytes, batch.stateBytes)
  }

  /// A batch failed and is tried again.
  func retrying(_ error: any Error, failures: Int) {
    let reason = ErrorSummary.of(error)
    journal.say(.warning, "batch failed; it is tried again", .batchRetry, ["reason": "\(reason)"])
    journal.tell(
      .batchRetry, stage, .warning,
      [
        "partition": EventValue(partition), "reason": EventValue(reason),
        "failures": EventValue(failures),
      ])
    journal.metrics.add(.batches, 1, ("fate", "retried"))
    journal.metrics.add(.retries)
  }

  /// A batch failed and is not tried again by this call.
  func batchFailed(_ error: any Error, completed: Int, total: Int) {
    journal.tell(
      .batchFailed, stage, failure: error,
      [
        "partition": EventValue(partition), "entities_completed": EventValue(completed),
        "total_entities": EventValue(total),
      ])
    journal.metrics.add(.batches, 1, ("fate", "failed"))
  }

  /// So many batches failed in a row that no more are tried.
  func circuitOpened(_ failures: Int, _ reason: String) {
    journal.tell(
      .circuitOpen, stage, .error,
      [
        "partition": EventValue(partition), "failures": EventValue(failures),
        "reason": EventValue(reason),
      ])
  }

  /// An operation of the sink failed and is tried again.
  func retrying(_ error: SinkError, failures: Int, wait: Duration) {
    let reason = ErrorSummary.of(error)
    journal.say(
      .notice, "will try again", .retryWait,
      ["reason": "\(reason)", "failures": "\(failures)", "wait": "\(wait)"])
    journal.tell(
      .retryWait, stage, .warning,
      [
        "reason": EventValue(reason), "failures": EventValue(failures),
        "wait_seconds": EventValue(seconds: wait.inSeconds),
      ])
    journal.metrics.add(.retries)
  }

  func leaseNotRenewed(_ error: any Error) { journal.leaseNotRenewed(error) }

  /// How the attempt ended could not be written down.
  func endNotRecorded(_ error: any Error) { journal.endNotRecorded(error) }

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
      journal.tell(.pipelineComplete, nil, .success, account)
    case .partial:
      word = "partial"
      stageEnded(report)
      journal.tell(
        .pipelinePartial, nil, .warning,
        account.merging(["failed_batches": EventValue(report.failed.count)]))
    case .stopped(_, let reason):
      word = "stopped"
      journal.tell(
        .pipelineStop, nil, .warning, account.merging(["reason": EventValue(reason.description)]))
    }
    journal.attemptEnded(word, wasResumed: report.attempt > 1, seconds: report.seconds)
    if report.attempt > 1 {
      journal.metrics.add(.savedSeconds, report.secondsSaved)
      if let secondsToFirstBatch {
        journal.metrics.record(.resumeSeconds, seconds: secondsToFirstBatch)
      }
    }
    await journal.events?.cleanUp()
  }

  private func stageEnded(_ report: EntityBatchReport) {
    let known: EventMetadata = [
      "duration_seconds": EventValue(seconds: report.seconds),
      "rows": EventValue(report.counts.rows), "batches": EventValue(report.batches),
    ]
    journal.tell(.stageComplete, stage, .success, known)
    journal.tell(.performanceMetric, stage, .info, known)
  }

  /// An earlier run had completed the list, so that nothing was appended again.
  func skipped(_ before: CompletedBefore) async {
    let report = before.report
    for note in report.notes { journal.say(.notice, "\(note)", .pipelineSkip) }
    journal.tell(
      .pipelineSkip, nil, .info,
      [
        "job": EventValue(processor.name), "partition": EventValue(partition),
        "table": EventValue(before.table),
        "reason": EventValue(report.notes.joined(separator: "; ")),
        "entities_completed": EventValue(report.completed),
        "total_entities": EventValue(report.total),
      ])
    journal.metrics.add(.runs, 1, ("outcome", "skipped"))
    journal.metrics.add(.entities, report.completed, ("fate", "skipped"))
    await journal.events?.cleanUp()
  }

  /// An attempt, or the search for its run, ended with an error.
  ///
  /// - Parameter report: What the attempt came to; nil when none began.
  func failed(_ error: any Error, _ report: EntityBatchReport?) async {
    switch error {
    case SinkError.fenced(let holder), EntityBatchError.overtaken(_, _, let holder):
      journal.leaseLost(to: holder.description)
    case EntityBatchError.ownedElsewhere(_, _, let holder):
      journal.leaseRefused(by: holder)
    default:
      if case EntityBatchError.circuitOpen(_, _, let failures, _, let reason) = error {
        circuitOpened(failures, reason)
      }
      journal.tell(.pipelineError, failure: error, report.map(account) ?? [:])
    }
    journal.attemptEnded(
      "failed", wasResumed: (report?.attempt ?? 1) > 1, seconds: report?.seconds)
    await journal.events?.cleanUp()
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
