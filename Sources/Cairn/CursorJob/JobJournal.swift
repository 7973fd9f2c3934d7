internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a cursor job.
/// `docs/events.md` has the table of what is told when.
///
/// The pipeline is the run, the stage the phase. Nothing here is called for single rows, and nothing of
/// it can fail.
struct JobJournal: Sendable {
  private var journal: Journal
  private let job: String

  init(_ job: CursorJob) {
    self.job = job.name
    journal = Journal(
      events: job.options.events, metrics: job.options.metrics, logger: job.options.logger,
      job: job.name, pipelineID: job.name, subject: ["job": "\(job.name)"])
  }

  /// The run's id; before there is a run, the job's name.
  var pipelineID: String {
    get { journal.pipelineID }
    set { journal.pipelineID = newValue }
  }

  // MARK: Attempt

  func began(_ claimed: JobClaim.Claimed, type: String, sink: String) {
    let owner = LeaseOwner.current()
    let plan = claimed.plan.plan
    journal.leaseTaken(claimed.lease.fence, attempt: claimed.schedule.attempt)
    journal.tell(
      plan.basis == .checkpoint ? .pipelineResume : .pipelineStart, nil, .info,
      [
        "job": EventValue(job), "type": EventValue(type), "sink": EventValue(sink),
        "attempt": EventValue(claimed.schedule.attempt), "recovery": EventValue(plan.kind.name),
        "reason": EventValue(plan.reason), "host": EventValue(owner.host),
        "pid": EventValue(owner.pid),
      ])
    if plan.basis == .checkpoint, let chosen = claimed.plan.choice.chosen {
      journal.tell(
        .checkpointLoaded, chosen.checkpoint.phase, .success,
        [
          "checkpoint_id": EventValue(checkpointID(chosen.generation)),
          "bytes": EventValue(chosen.bytes),
        ])
    }
  }

  /// A checkpoint is not valid.
  func refused(_ refused: CheckpointChoice.Refused) {
    let isCorrupt = refused.defect.factKind == .corruptCheckpoint
    journal.metrics.add(.jobInvalidCheckpoints, 1, ("kind", isCorrupt ? "corrupt" : "invalid"))
    journal.say(
      .warning, "a checkpoint is not valid", .checkpointRejected,
      ["generation": "\(refused.generation)", "reason": "\(refused.defect)"])
    journal.tell(
      .checkpointRejected, nil, .warning,
      [
        "checkpoint_id": EventValue(checkpointID(refused.generation)),
        "reason": EventValue(refused.defect.description),
      ])
  }

  /// Everything is read though there was a checkpoint.
  func beginsAnew(_ reason: String, generation: Int?) {
    journal.say(.warning, "everything is read anew", .checkpointRejected, ["reason": "\(reason)"])
    journal.tell(
      .checkpointRejected, nil, .warning,
      [
        "checkpoint_id": generation.map { EventValue(checkpointID($0)) } ?? .null,
        "reason": EventValue(reason),
      ])
  }

  /// A run begins anew that its deadline had stopped.
  func restartsAfterDeadline(_ note: String) {
    journal.say(.warning, "\(note)", .pipelineStart)
  }

  func endNotRecorded(_ error: any Error) { journal.endNotRecorded(error) }

  func ended(_ outcome: CursorJobOutcome, wasResumed: Bool) {
    let report = outcome.report
    let word: String
    switch outcome {
    case .done:
      word = "success"
      journal.tell(.pipelineComplete, nil, .success, account(report))
    case .partial:
      word = "partial"
      journal.tell(
        .pipelinePartial, nil, .warning,
        account(report).merging([
          "passed_over": .list(report.passedOver.map { EventValue($0.name) })
        ]))
    case .stopped(_, let reason):
      word = "stopped"
      journal.tell(
        .pipelineStop, nil, .warning,
        account(report).merging(["reason": EventValue(reason.description)]))
    }
    journal.attemptEnded(word, wasResumed: wasResumed, seconds: report.seconds)
    if wasResumed, let seconds = report.secondsToFirstCommit {
      journal.metrics.record(.resumeSeconds, seconds: seconds)
    }
  }

  func failed(_ error: any Error, wasResumed: Bool, seconds: Double) {
    switch error {
    case SinkError.fenced(let holder), CursorJobError.overtaken(_, let holder):
      journal.leaseLost(to: holder.description)
    case CursorJobError.ownedElsewhere(_, let holder):
      journal.leaseRefused(by: holder)
    default:
      journal.tell(
        .pipelineError, failure: error,
        [
          "duration_seconds": EventValue(seconds: seconds)
        ])
    }
    journal.attemptEnded("failed", wasResumed: wasResumed, seconds: seconds)
  }

  private func account(_ report: JobReport) -> EventMetadata {
    [
      "attempt": EventValue(report.attempt),
      "duration_seconds": EventValue(seconds: report.seconds),
      "wait_seconds": EventValue(seconds: report.waitSeconds),
      "records": EventValue(report.records), "total_records": EventValue(report.totalRecords),
      "pages": EventValue(report.pages), "requests": EventValue(report.requests),
      "deleted": EventValue(report.deleted), "generation": EventValue(report.generation),
    ]
  }

  // MARK: Pages

  func phaseBegan(_ phase: String, partitions: Int) {
    journal.tell(.stageStart, phase, .info, ["partitions": EventValue(partitions)])
  }

  func phaseEnded(_ phase: String, partitions: Int, seconds: Double) {
    journal.tell(
      .stageComplete, phase, .success,
      [
        "partitions": EventValue(partitions), "duration_seconds": EventValue(seconds: seconds),
      ])
    journal.tell(
      .performanceMetric, phase, .info,
      [
        "duration_seconds": EventValue(seconds: seconds), "partitions": EventValue(partitions),
      ])
  }

  /// A page and its checkpoint are committed.
  func committed(
    _ partition: Partition, _ page: Page, _ counts: [String: RowCounts], deleted: Int,
    seconds: Double
  ) {
    var all = RowCounts()
    for counts in counts.values { all += counts }
    journal.tell(
      .batchCommitted, partition.phase, .success,
      [
        "partition": EventValue(partition.name), "records": EventValue(page.records),
        "rows": EventValue(all.rows), "inserted": EventValue(all.inserted),
        "updated": EventValue(all.updated), "deleted": EventValue(deleted),
        "duration_seconds": EventValue(seconds: seconds),
      ])
    journal.count(all)
    journal.metrics.add(.jobRecords, page.records)
    journal.metrics.add(.commits)
    journal.metrics.record(.commitSeconds, seconds: seconds)
  }

  /// A checkpoint passed a boundary, or was saved without a page.
  func saved(_ checkpoint: JobCheckpoint, generation: Int, _ encoded: EncodedCheckpoint) {
    journal.metrics.add(.checkpointBytes, encoded.bytes)
    journal.metrics.set(.jobCheckpointSize, Double(encoded.bytes))
    if let limit = checkpoint.rateLimit {
      journal.metrics.set(.jobRateLimit, Double(limit.remaining))
    }
    guard !checkpoint.boundaries.isEmpty || encoded.isOversized else { return }
    journal.tell(
      .checkpointSaved, checkpoint.phase, encoded.isOversized ? .warning : .success,
      [
        "checkpoint_id": EventValue(checkpointID(generation)),
        "trigger": EventValue(checkpoint.trigger),
        "boundaries": .list(checkpoint.boundaries.map { EventValue($0) }),
        "partition": checkpoint.current.map { EventValue($0) } ?? .null,
        "bytes": EventValue(encoded.bytes),
      ])
  }

  /// A checkpoint is so large that somebody should know.
  func oversized(_ encoded: EncodedCheckpoint) {
    journal.say(
      .warning, "the checkpoint is larger than 1 MiB", .checkpointSaved,
      ["bytes": "\(encoded.bytes)"])
  }

  func partitionOver(_ fate: String) { journal.metrics.add(.jobPartitions, 1, ("fate", fate)) }

  /// A partition cannot be read; the others go on.
  func passedOver(_ partition: Partition, reason: String) {
    journal.say(
      .warning, "a partition was passed over", .stageError,
      ["partition": "\(partition.name)", "reason": "\(reason)"])
    journal.tell(
      .stageError, partition.phase, .error,
      ["partition": EventValue(partition.name), "error": EventValue(reason)])
    partitionOver("passed_over")
  }

  /// Something could not be read, and nothing of it is known by name.
  func noticed(_ partition: Partition, _ notice: String) {
    journal.say(.warning, "\(notice)", .stageError, ["partition": "\(partition.name)"])
    journal.tell(
      .stageError, partition.phase, .warning,
      ["partition": EventValue(partition.name), "reason": EventValue(notice)])
  }

  /// A partition failed for now; the others go on.
  func partitionFailed(_ partition: Partition, _ error: any Error) {
    journal.say(
      .warning, "a partition failed; the next attempt tries it again", .stageError,
      ["partition": "\(partition.name)", "reason": "\(error)"])
    journal.tell(
      .stageError, partition.phase, failure: error,
      ["partition": EventValue(partition.name)])
    partitionOver("failed")
  }

  /// A partition begins anew, or has another name.
  func partitionChanged(_ partition: Partition, _ note: String) {
    journal.say(.notice, "\(note)", .stageRetry, ["partition": "\(partition.name)"])
    journal.tell(
      .stageRetry, partition.phase, .warning,
      ["partition": EventValue(partition.name), "reason": EventValue(note)])
  }

  // MARK: Waits and checks

  func waits(_ wait: JobWait, left: Duration) {
    journal.tell(
      .retryWait, nil, .warning,
      [
        "reason": EventValue(wait.description), "wait_seconds": EventValue(seconds: left.inSeconds),
      ])
  }

  /// Requests were made since the last call.
  func requested(_ requests: Int) { journal.metrics.add(.jobRequests, requests) }

  func waited(_ duration: Duration) {
    if duration > .zero { journal.metrics.record(.jobWaitSeconds, seconds: duration.inSeconds) }
  }

  func retrying(_ error: any Error, failures: Int, wait: Duration) {
    journal.retrying(.retryWait, nil, error, failures: failures, wait: wait)
  }

  func leaseNotRenewed(_ error: any Error) { journal.leaseNotRenewed(error) }

  func commitsLost() {
    journal.say(
      .warning, "commits that were acknowledged are gone; the job goes on from what is there",
      .chunksLost)
    journal.tell(
      .checkpointRejected, nil, .warning,
      ["reason": "commits that the sink had acknowledged are gone"])
  }

  func checked(_ problems: [String]) {
    journal.metrics.add(
      .jobChecks, 1, ("outcome", problems.isEmpty ? "consistent" : "inconsistent"))
    if !problems.isEmpty {
      journal.say(
        .warning, "the target and the marks do not agree", .dataQualityCheck,
        ["problems": "\(problems.joined(separator: "; "))"])
    }
    journal.tell(
      .dataQualityCheck, nil, problems.isEmpty ? .success : .warning,
      [
        "consistent": EventValue(problems.isEmpty),
        "problems": .list(problems.map { EventValue($0) }),
      ])
  }

  /// A recovery came to nothing, or did not hold the checks.
  func recoveryFailed() { journal.metrics.add(.jobRecoveryFailures) }

  private func checkpointID(_ generation: Int) -> String { "\(job)@\(generation)" }
}
