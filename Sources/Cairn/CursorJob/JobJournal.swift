internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a cursor job.
/// `docs/events.md` has the table of what is told when.
///
/// The pipeline is the run, the stage the phase. Nothing here is called for single rows, and nothing of
/// it can fail.
struct JobJournal: Sendable {
  private let events: EventLog?
  private let metrics: MetricRecorder
  private let logger: Logger
  private let job: String
  /// The run's id; before there is a run, the job's name.
  var pipelineID: String

  init(_ job: CursorJob) {
    events = job.options.events
    metrics = MetricRecorder(
      factory: job.options.metrics ?? MetricsSystem.factory, job: job.name)
    logger = job.options.logger
    self.job = job.name
    pipelineID = job.name
  }

  private func tell(
    _ type: EventType, _ stage: String? = nil, _ status: EventStatus = .info,
    _ metadata: @autoclosure () -> EventMetadata = [:]
  ) {
    guard let events else { return }
    events.record(
      Event(type, pipelineID: pipelineID, stage: stage, status: status, metadata: metadata()))
  }

  private func say(
    _ level: Logger.Level, _ message: Logger.Message, _ type: EventType,
    _ metadata: Logger.Metadata = [:]
  ) {
    var metadata = metadata
    metadata["job"] = "\(job)"
    if events != nil { metadata[EventLogHandler.eventKey] = "\(type.rawValue)" }
    logger.log(level: level, message, metadata: metadata)
  }

  // MARK: Attempt

  func began(_ claimed: JobClaim.Claimed, type: String, sink: String) {
    let owner = LeaseOwner.current()
    let plan = claimed.plan.plan
    tell(
      .leaseTaken, nil, .success,
      [
        "fence": EventValue(claimed.lease.fence), "attempt": EventValue(claimed.schedule.attempt),
      ])
    tell(
      plan.basis == .checkpoint ? .pipelineResume : .pipelineStart, nil, .info,
      [
        "job": EventValue(job), "type": EventValue(type), "sink": EventValue(sink),
        "attempt": EventValue(claimed.schedule.attempt), "recovery": EventValue(plan.kind.name),
        "reason": EventValue(plan.reason), "host": EventValue(owner.host),
        "pid": EventValue(owner.pid),
      ])
    if plan.basis == .checkpoint, let chosen = claimed.plan.choice.chosen {
      tell(
        .checkpointLoaded, chosen.checkpoint.phase, .success,
        [
          "checkpoint_id": EventValue(checkpointID(chosen.generation)),
          "bytes": EventValue(chosen.bytes),
        ])
    }
    metrics.add(.leases, 1, ("fate", "taken"))
  }

  /// A checkpoint is not valid.
  func refused(_ refused: CheckpointChoice.Refused) {
    say(
      .warning, "a checkpoint is not valid", .checkpointRejected,
      ["generation": "\(refused.generation)", "reason": "\(refused.defect)"])
    tell(
      .checkpointRejected, nil, .warning,
      [
        "checkpoint_id": EventValue(checkpointID(refused.generation)),
        "reason": EventValue(refused.defect.description),
      ])
  }

  func note(_ note: String) { say(.notice, "\(note)", .pipelineResume) }

  func ended(_ outcome: CursorJobOutcome, wasResumed: Bool) {
    let report = outcome.report
    let word: String
    switch outcome {
    case .done:
      word = "success"
      tell(.pipelineComplete, nil, .success, account(report))
    case .partial:
      word = "partial"
      tell(
        .pipelinePartial, nil, .warning,
        account(report).merging([
          "passed_over": .list(report.passedOver.map { EventValue($0.name) })
        ]))
    case .stopped(_, let reason):
      word = "stopped"
      tell(
        .pipelineStop, nil, .warning,
        account(report).merging(["reason": EventValue(reason.description)]))
    }
    count(word, wasResumed: wasResumed, seconds: report.seconds)
    if wasResumed, let seconds = report.secondsToFirstCommit {
      metrics.record(.resumeSeconds, seconds: seconds)
    }
  }

  func failed(_ error: any Error, wasResumed: Bool, seconds: Double) {
    switch error {
    case SinkError.fenced(let holder), CursorJobError.overtaken(_, let holder):
      tell(.leaseLost, nil, .error, ["holder": EventValue(holder.description)])
      metrics.add(.leases, 1, ("fate", "lost"))
    case CursorJobError.ownedElsewhere(_, let holder):
      tell(.leaseWait, nil, .error, ["holder": EventValue(holder.description), "gave_up": true])
      return
    default:
      events?.failure(
        .pipelineError, pipelineID: pipelineID, error: error,
        metadata: [
          "error_class": EventValue(ErrorClass.of(error).rawValue),
          "duration_seconds": EventValue(seconds: seconds),
        ])
    }
    count("failed", wasResumed: wasResumed, seconds: seconds)
  }

  private func count(_ outcome: String, wasResumed: Bool, seconds: Double) {
    metrics.add(.runs, 1, ("outcome", outcome))
    if wasResumed { metrics.add(.resumes, 1, ("outcome", outcome)) }
    metrics.record(.runSeconds, seconds: seconds)
    if outcome == "success" {
      metrics.set(.lastSuccess, Double(RunEnvironment.live.now() / 1_000_000) / 1_000)
    }
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
    tell(.stageStart, phase, .info, ["partitions": EventValue(partitions)])
  }

  func phaseEnded(_ phase: String, partitions: Int, seconds: Double) {
    tell(
      .stageComplete, phase, .success,
      [
        "partitions": EventValue(partitions), "duration_seconds": EventValue(seconds: seconds),
      ])
  }

  /// A page and its checkpoint are committed.
  func committed(
    _ partition: Partition, _ page: Page, _ counts: [String: RowCounts], deleted: Int,
    requests: Int, seconds: Double
  ) {
    var all = RowCounts()
    for counts in counts.values { all += counts }
    tell(
      .batchCommitted, partition.phase, .success,
      [
        "partition": EventValue(partition.name), "records": EventValue(page.records),
        "rows": EventValue(all.rows), "inserted": EventValue(all.inserted),
        "updated": EventValue(all.updated), "deleted": EventValue(deleted),
        "duration_seconds": EventValue(seconds: seconds),
      ])
    for (fate, rows) in [
      ("inserted", all.inserted), ("updated", all.updated), ("unchanged", all.unchanged),
      ("superseded", all.superseded),
    ] {
      metrics.add(.rows, rows, ("fate", fate))
    }
    metrics.add(.jobRecords, page.records)
    metrics.add(.jobRequests, requests)
    metrics.add(.commits)
    metrics.record(.commitSeconds, seconds: seconds)
  }

  /// A checkpoint passed a boundary, or was saved without a page.
  func saved(_ checkpoint: JobCheckpoint, generation: Int, _ encoded: EncodedCheckpoint) {
    metrics.add(.checkpointBytes, encoded.bytes)
    if let limit = checkpoint.rateLimit { metrics.set(.jobRateLimit, Double(limit.remaining)) }
    guard !checkpoint.boundaries.isEmpty || encoded.isOversized else { return }
    tell(
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
    say(
      .warning, "the checkpoint is larger than 1 MiB", .checkpointSaved,
      ["bytes": "\(encoded.bytes)"])
  }

  func partitionOver(_ fate: String) { metrics.add(.jobPartitions, 1, ("fate", fate)) }

  /// A partition cannot be read; the others go on.
  func passedOver(_ partition: Partition, reason: String) {
    say(
      .warning, "a partition was passed over", .stageError,
      ["partition": "\(partition.name)", "reason": "\(reason)"])
    tell(
      .stageError, partition.phase, .error,
      ["partition": EventValue(partition.name), "error": EventValue(reason)])
    partitionOver("passed_over")
  }

  /// Something could not be read, and nothing of it is known by name.
  func noticed(_ partition: Partition, _ notice: String) {
    say(.warning, "\(notice)", .stageError, ["partition": "\(partition.name)"])
    tell(
      .stageError, partition.phase, .warning,
      ["partition": EventValue(partition.name), "reason": EventValue(notice)])
  }

  /// A partition failed for now; the others go on.
  func partitionFailed(_ partition: Partition, _ error: any Error) {
    say(
      .warning, "a partition failed; the next attempt tries it again", .stageError,
      ["partition": "\(partition.name)", "reason": "\(error)"])
    events?.failure(
      .stageError, pipelineID: pipelineID, stage: partition.phase, error: error,
      metadata: ["partition": EventValue(partition.name)])
    partitionOver("failed")
  }

  /// A partition begins anew, or has another name.
  func partitionChanged(_ partition: Partition, _ note: String) {
    say(.notice, "\(note)", .stageRetry, ["partition": "\(partition.name)"])
    tell(
      .stageRetry, partition.phase, .warning,
      ["partition": EventValue(partition.name), "reason": EventValue(note)])
  }

  // MARK: Waits and checks

  func waits(_ wait: JobWait, left: Duration) {
    tell(
      .retryWait, nil, .warning,
      [
        "reason": EventValue(wait.description), "wait_seconds": EventValue(seconds: left.inSeconds),
      ])
  }

  func waited(_ duration: Duration) {
    if duration > .zero { metrics.record(.jobWaitSeconds, seconds: duration.inSeconds) }
  }

  func retrying(_ error: any Error, failures: Int, wait: Duration) {
    tell(
      .retryWait, nil, .warning,
      [
        "reason": EventValue(ErrorSummary.of(error)), "failures": EventValue(failures),
        "wait_seconds": EventValue(seconds: wait.inSeconds),
      ])
    metrics.add(.retries)
  }

  func leaseNotRenewed(_ error: any Error) {
    say(.warning, "lease not renewed", .retryWait, ["reason": "\(error)"])
    tell(.retryWait, nil, .warning, ["reason": EventValue(ErrorSummary.of(error))])
  }

  func commitsLost() {
    say(
      .warning, "commits that were acknowledged are gone; the job goes on from what is there",
      .chunksLost)
    tell(
      .checkpointRejected, nil, .warning,
      ["reason": "commits that the sink had acknowledged are gone"])
  }

  func checked(_ problems: [String]) {
    if !problems.isEmpty {
      say(
        .warning, "the target and the marks do not agree", .dataQualityCheck,
        ["problems": "\(problems.joined(separator: "; "))"])
    }
    tell(
      .dataQualityCheck, nil, problems.isEmpty ? .success : .warning,
      [
        "consistent": EventValue(problems.isEmpty),
        "problems": .list(problems.map { EventValue($0) }),
      ])
  }

  private func checkpointID(_ generation: Int) -> String { "\(job)@\(generation)" }
}
