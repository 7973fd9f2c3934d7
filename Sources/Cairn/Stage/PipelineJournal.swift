internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a pipeline. `docs/events.md`
/// has the table of what is told when.
///
/// Nothing here is called for single rows, and nothing of it can fail.
struct PipelineJournal: Sendable {
  let events: EventLog?
  private let metrics: MetricRecorder
  private let logger: Logger
  /// The execution's id; before there is one, the id that the program gave, or the pipeline's name.
  private let pipelineID: String

  init(_ pipelines: Pipelines, pipeline: String, id: String?) {
    events = pipelines.events
    metrics = MetricRecorder(
      factory: pipelines.metrics ?? MetricsSystem.factory, job: pipeline)
    logger = pipelines.checkpoints.logger
    pipelineID = id ?? pipeline
  }

  private init(_ other: PipelineJournal, of id: String) {
    events = other.events
    metrics = other.metrics
    logger = other.logger
    pipelineID = id
  }

  /// The same for an execution of the pipeline.
  func of(_ id: String) -> PipelineJournal { PipelineJournal(self, of: id) }

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
    metadata["pipeline"] = "\(pipelineID)"
    if events != nil { metadata[EventLogHandler.eventKey] = "\(type.rawValue)" }
    logger.log(level: level, message, metadata: metadata)
  }

  // MARK: Pipeline

  /// An attempt began.
  ///
  /// - Parameter lease: The right to record checkpoints; nil when nothing is saved.
  func began(_ execution: PipelineExecution, _ lease: PipelineLease?, checkpoints: String?) {
    let owner = LeaseOwner.current()
    if let lease {
      tell(
        .leaseTaken, nil, .success,
        ["fence": EventValue(lease.fence), "attempt": EventValue(execution.attempt)])
      metrics.add(.leases, 1, ("fate", "taken"))
    }
    var known: EventMetadata = [
      "job": EventValue(execution.pipeline), "attempt": EventValue(execution.attempt),
      "input_hash": EventValue(execution.inputDigest), "host": EventValue(owner.host),
      "pid": EventValue(owner.pid),
    ]
    if let checkpoints { known["checkpoints"] = EventValue(checkpoints) }
    tell(execution.attempt > 1 ? .pipelineResume : .pipelineStart, nil, .info, known)
  }

  /// An attempt's body returned.
  func completed(_ attempt: PipelineAttempt) {
    tell(.pipelineComplete, nil, .success, account(of: attempt))
    count("success", attempt)
  }

  /// An attempt, or the search for its execution, ended with an error.
  func failed(_ error: any Error, _ attempt: PipelineAttempt?) {
    var word = "failed"
    switch error {
    case PipelineError.overtaken(_, let holder):
      tell(
        .leaseLost, nil, .error,
        ["holder": EventValue(holder?.description ?? "another process")])
      metrics.add(.leases, 1, ("fate", "lost"))
    case PipelineError.ownedElsewhere(_, let holder):
      // The execution itself goes on, with its owner.
      tell(
        .leaseWait, nil, .error, ["holder": EventValue(holder.description), "gave_up": true])
    case is CancellationError:
      tell(
        .pipelineStop, nil, .warning,
        (attempt.map(account) ?? [:]).merging(["reason": "cancelled"]))
      word = "stopped"
    default:
      let known: EventMetadata = ["error_class": EventValue(ErrorClass.of(error).rawValue)]
      events?.failure(
        .pipelineError, pipelineID: pipelineID, error: error,
        metadata: known.merging(attempt.map(account) ?? [:]))
    }
    count(word, attempt)
  }

  private func account(of attempt: PipelineAttempt) -> EventMetadata {
    [
      "attempt": EventValue(attempt.number),
      "duration_seconds": EventValue(seconds: attempt.seconds),
      "stages_run": EventValue(attempt.stagesRun),
      "stages_reused": EventValue(attempt.stagesReused),
    ]
  }

  private func count(_ outcome: String, _ attempt: PipelineAttempt?) {
    metrics.add(.runs, 1, ("outcome", outcome))
    if outcome == "success" {
      metrics.set(.lastSuccess, Double(RunEnvironment.live.now() / 1_000_000) / 1_000)
    }
    guard let attempt else { return }
    metrics.record(.runSeconds, seconds: attempt.seconds)
    guard attempt.number > 1 else { return }
    metrics.add(.resumes, 1, ("outcome", outcome))
    metrics.add(.savedSeconds, attempt.secondsSaved)
    if let seconds = attempt.secondsToFirstStage {
      metrics.record(.resumeSeconds, seconds: seconds)
    }
  }

  func leaseNotRenewed(_ error: any Error) {
    say(.warning, "lease not renewed", .retryWait, ["reason": "\(error)"])
    tell(.retryWait, nil, .warning, ["reason": EventValue(ErrorSummary.of(error))])
  }

  // MARK: Stages

  /// A stage runs.
  ///
  /// - Parameter reason: Why it is not taken from a checkpoint.
  func began(_ stage: PlannedStage, because reason: RunReason) {
    var known: EventMetadata = ["version": EventValue(stage.version)]
    if case .notRecorded = reason {
    } else {
      say(
        .notice, "a saved stage runs again", .stageStart,
        ["stage": "\(stage.name)", "reason": "\(reason)"])
      known["reason"] = EventValue("\(reason)")
    }
    tell(.stageStart, stage.name, .info, known)
  }

  /// A stage's body, or saving its value, failed and is not tried again.
  func failed(_ stage: PlannedStage, _ error: any Error, seconds: Double) {
    events?.failure(
      .stageError, pipelineID: pipelineID, stage: stage.name, error: error,
      metadata: [
        "error_class": EventValue(ErrorClass.of(error).rawValue),
        "duration_seconds": EventValue(seconds: seconds),
      ])
    metrics.add(.stages, 1, ("fate", "failed"))
  }

  func retrying(_ stage: PlannedStage, _ error: any Error, failures: Int, wait: Duration) {
    say(
      .warning, "a stage failed and is tried again", .stageRetry,
      ["stage": "\(stage.name)", "failures": "\(failures)", "reason": "\(error)"])
    tell(
      .stageRetry, stage.name, .warning,
      [
        "reason": EventValue(ErrorSummary.of(error)), "failures": EventValue(failures),
        "wait_seconds": EventValue(seconds: wait.inSeconds),
      ])
    metrics.add(.retries)
  }

  /// A stage is done.
  ///
  /// - Parameters:
  ///   - saved: Its checkpoint, if it has one.
  ///   - account: What its value says of itself.
  func ended(_ report: StageReport, saved: StageCheckpoint?, account: EventMetadata) {
    if let saved { self.saved(saved) }
    let known = (["duration_seconds": EventValue(seconds: report.seconds)] as EventMetadata)
      .merging(account)
    tell(
      .stageComplete, report.stage, .success, known.merging(["tries": EventValue(report.tries)]))
    tell(.performanceMetric, report.stage, .info, known)
    metrics.add(.stages, 1, ("fate", "ran"))
    metrics.record(.stageSeconds, seconds: report.seconds)
  }

  /// A stage's saved value was taken.
  func reused(_ checkpoint: StageCheckpoint, _ report: StageReport) {
    tell(
      .checkpointLoaded, report.stage, .success,
      [
        "checkpoint_id": EventValue(checkpoint.id), "rows": EventValue(checkpoint.rows),
        "bytes": EventValue(report.cost.bytes),
        "duration_seconds": EventValue(seconds: report.seconds),
      ])
    tell(
      .stageSkip, report.stage, .success,
      ["checkpoint_id": EventValue(checkpoint.id), "saved_at": EventValue(checkpoint.timestamp)])
    metrics.add(.stages, 1, ("fate", "reused"))
    metrics.add(.checkpoints, 1, ("fate", "loaded"))
  }

  // MARK: Checkpoints

  private func saved(_ checkpoint: StageCheckpoint) {
    tell(
      .checkpointSaved, checkpoint.stage, .success,
      [
        "checkpoint_id": EventValue(checkpoint.id), "rows": EventValue(checkpoint.rows),
        "bytes": EventValue(checkpoint.cost.bytes),
        "duration_seconds": EventValue(seconds: checkpoint.cost.seconds),
      ])
    metrics.add(.checkpoints, 1, ("fate", "saved"))
    metrics.record(.checkpointSeconds, seconds: checkpoint.cost.seconds)
    metrics.add(.checkpointBytes, Int(clamping: checkpoint.cost.bytes))
  }

  /// A checkpoint is damaged, and its files are kept aside.
  func rejected(_ checkpoint: StageCheckpoint, _ error: any Error) {
    tell(
      .checkpointRejected, checkpoint.stage, .warning,
      [
        "checkpoint_id": EventValue(checkpoint.id), "reason": EventValue(ErrorSummary.of(error)),
      ])
    metrics.add(.checkpoints, 1, ("fate", "damaged"))
  }

  /// Checkpoints past their retention were deleted, of whichever executions.
  func cleanedUp(_ checkpoints: [StageCheckpoint]) {
    events?.cleanedUp(checkpoints)
    metrics.add(.cleanups, 1, ("outcome", "success"))
    metrics.add(.checkpoints, checkpoints.count, ("fate", "deleted"))
  }

  func notCleanedUp(_ error: any Error) {
    say(.warning, "clean-up failed", .cleanup, ["reason": "\(error)"])
    tell(.cleanup, nil, .warning, ["error": EventValue(ErrorSummary.of(error))])
    metrics.add(.cleanups, 1, ("outcome", "failed"))
  }
}

extension EventLog {
  /// Checkpoints were deleted: an event for each execution that they belong to.
  func cleanedUp(_ checkpoints: [StageCheckpoint]) {
    for (id, deleted) in Dictionary(grouping: checkpoints, by: \.pipelineID)
      .sorted(by: { $0.key < $1.key })
    {
      event(
        .cleanup, pipelineID: id, status: .success,
        metadata: [
          "deleted": EventValue(deleted.count),
          "bytes": EventValue(deleted.reduce(Int64(0)) { $0 + $1.cost.bytes }),
        ])
    }
  }
}

/// What an attempt of a pipeline came to.
struct PipelineAttempt: Sendable {
  var number: Int
  var seconds: Double
  var stagesRun = 0
  var stagesReused = 0
  /// Seconds that the stages which were taken from checkpoints took to run, less those for loading.
  var secondsSaved = 0.0
  /// From the attempt's begin to the first stage that ran; nil when none did.
  var secondsToFirstStage: Double?
}
