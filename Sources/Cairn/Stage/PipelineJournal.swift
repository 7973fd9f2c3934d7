internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a pipeline. `docs/events.md`
/// has the table of what is told when.
///
/// Nothing here is called for single rows, and nothing of it can fail.
struct PipelineJournal: Sendable {
  private let journal: Journal

  var events: EventLog? { journal.events }

  init(_ pipelines: Pipelines, pipeline: String, id: String?) {
    let id = id ?? pipeline
    journal = Journal(
      events: pipelines.events, metrics: pipelines.metrics, logger: pipelines.checkpoints.logger,
      job: pipeline, pipelineID: id, subject: ["pipeline": "\(id)"])
  }

  /// The same for an execution of the pipeline.
  func of(_ id: String) -> PipelineJournal { PipelineJournal(journal, of: id) }

  private init(_ other: Journal, of id: String) {
    journal = other.of(id, subject: ["pipeline": "\(id)"])
  }

  // MARK: Pipeline

  /// An attempt began.
  ///
  /// - Parameter lease: The right to record checkpoints; nil when nothing is saved.
  func began(_ execution: PipelineExecution, _ lease: PipelineLease?, checkpoints: String?) {
    let owner = LeaseOwner.current()
    if let lease {
      journal.leaseTaken(lease.fence, attempt: execution.attempt)
    }
    var known: EventMetadata = [
      "job": EventValue(execution.pipeline), "attempt": EventValue(execution.attempt),
      "input_hash": EventValue(execution.inputDigest), "host": EventValue(owner.host),
      "pid": EventValue(owner.pid),
    ]
    if let checkpoints { known["checkpoints"] = EventValue(checkpoints) }
    journal.tell(execution.attempt > 1 ? .pipelineResume : .pipelineStart, nil, .info, known)
  }

  /// An attempt's body returned.
  func completed(_ attempt: PipelineAttempt) {
    journal.tell(.pipelineComplete, nil, .success, account(of: attempt))
    count("success", attempt)
  }

  /// An attempt, or the search for its execution, ended with an error.
  func failed(_ error: any Error, _ attempt: PipelineAttempt?) {
    var word = "failed"
    switch error {
    case PipelineError.overtaken(_, let holder):
      journal.leaseLost(to: holder?.description ?? "another process")
    case PipelineError.ownedElsewhere(_, let holder):
      journal.leaseRefused(by: holder)
    case is CancellationError:
      journal.tell(
        .pipelineStop, nil, .warning,
        (attempt.map(account) ?? [:]).merging(["reason": "cancelled"]))
      word = "stopped"
    default:
      journal.tell(.pipelineError, failure: error, attempt.map(account) ?? [:])
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
    let wasResumed = (attempt?.number ?? 1) > 1
    journal.attemptEnded(outcome, wasResumed: wasResumed, seconds: attempt?.seconds)
    guard let attempt, wasResumed else { return }
    journal.metrics.add(.savedSeconds, attempt.secondsSaved)
    if let seconds = attempt.secondsToFirstStage {
      journal.metrics.record(.resumeSeconds, seconds: seconds)
    }
  }

  func leaseNotRenewed(_ error: any Error) { journal.leaseNotRenewed(error) }

  // MARK: Stages

  /// A stage runs.
  ///
  /// - Parameter reason: Why it is not taken from a checkpoint.
  func began(_ stage: PlannedStage, because reason: RunReason) {
    var known: EventMetadata = ["version": EventValue(stage.version)]
    if case .notRecorded = reason {
    } else {
      journal.say(
        .notice, "a saved stage runs again", .stageStart,
        ["stage": "\(stage.name)", "reason": "\(reason)"])
      known["reason"] = EventValue("\(reason)")
    }
    journal.tell(.stageStart, stage.name, .info, known)
  }

  /// A stage's body, or saving its value, failed and is not tried again.
  func failed(_ stage: PlannedStage, _ error: any Error, seconds: Double) {
    journal.tell(
      .stageError, stage.name, failure: error,
      [
        "duration_seconds": EventValue(seconds: seconds)
      ])
    journal.metrics.add(.stages, 1, ("fate", "failed"))
  }

  func retrying(_ stage: PlannedStage, _ error: any Error, failures: Int, wait: Duration) {
    journal.say(
      .warning, "a stage failed and is tried again", .stageRetry,
      ["stage": "\(stage.name)", "failures": "\(failures)", "reason": "\(error)"])
    journal.tell(
      .stageRetry, stage.name, .warning,
      [
        "reason": EventValue(ErrorSummary.of(error)), "failures": EventValue(failures),
        "wait_seconds": EventValue(seconds: wait.inSeconds),
      ])
    journal.metrics.add(.retries)
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
    journal.tell(
      .stageComplete, report.stage, .success, known.merging(["tries": EventValue(report.tries)]))
    journal.tell(.performanceMetric, report.stage, .info, known)
    journal.metrics.add(.stages, 1, ("fate", "ran"))
    journal.metrics.record(.stageSeconds, seconds: report.seconds)
  }

  /// A stage's saved value was taken.
  func reused(_ checkpoint: StageCheckpoint, _ report: StageReport) {
    journal.tell(
      .checkpointLoaded, report.stage, .success,
      [
        "checkpoint_id": EventValue(checkpoint.id), "rows": EventValue(checkpoint.rows),
        "bytes": EventValue(report.cost.bytes),
        "duration_seconds": EventValue(seconds: report.seconds),
      ])
    journal.tell(
      .stageSkip, report.stage, .success,
      ["checkpoint_id": EventValue(checkpoint.id), "saved_at": EventValue(checkpoint.timestamp)])
    journal.metrics.add(.stages, 1, ("fate", "reused"))
    journal.metrics.add(.checkpoints, 1, ("fate", "loaded"))
  }

  // MARK: Checkpoints

  private func saved(_ checkpoint: StageCheckpoint) {
    journal.tell(
      .checkpointSaved, checkpoint.stage, .success,
      [
        "checkpoint_id": EventValue(checkpoint.id), "rows": EventValue(checkpoint.rows),
        "bytes": EventValue(checkpoint.cost.bytes),
        "duration_seconds": EventValue(seconds: checkpoint.cost.seconds),
      ])
    journal.metrics.add(.checkpoints, 1, ("fate", "saved"))
    journal.metrics.record(.checkpointSeconds, seconds: checkpoint.cost.seconds)
    journal.metrics.add(.checkpointBytes, Int(clamping: checkpoint.cost.bytes))
  }

  /// A checkpoint is damaged, and its files are kept aside.
  func rejected(_ checkpoint: StageCheckpoint, _ error: any Error) {
    journal.tell(
      .checkpointRejected, checkpoint.stage, .warning,
      [
        "checkpoint_id": EventValue(checkpoint.id), "reason": EventValue(ErrorSummary.of(error)),
      ])
    journal.metrics.add(.checkpoints, 1, ("fate", "damaged"))
  }

  /// Checkpoints past their retention were deleted, of whichever executions.
  func cleanedUp(_ checkpoints: [StageCheckpoint]) {
    events?.cleanedUp(checkpoints)
    journal.metrics.add(.cleanups, 1, ("outcome", "success"))
    journal.metrics.add(.checkpoints, checkpoints.count, ("fate", "deleted"))
  }

  func notCleanedUp(_ error: any Error) {
    journal.say(.warning, "clean-up failed", .cleanup, ["reason": "\(error)"])
    journal.tell(.cleanup, nil, .warning, ["error": EventValue(ErrorSummary.of(error))])
    journal.metrics.add(.cleanups, 1, ("outcome", "failed"))
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
