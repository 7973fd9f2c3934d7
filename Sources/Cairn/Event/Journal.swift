internal import Logging
internal import Metrics

/// Where work of any kind tells what happens to it: the event log, the metrics and the program's logger.
/// What loads, pipelines, entity batches and cursor jobs tell alike is told here; each has a journal of
/// its own for the rest.
///
/// Nothing of it can fail.
struct Journal: Sendable {
  let events: EventLog?
  let metrics: MetricRecorder
  private let logger: Logger
  /// The run's id; before there is a run, the job's name.
  var pipelineID: String
  /// What each message says beside its own.
  private let subject: Logger.Metadata

  /// Makes one.
  ///
  /// - Parameters:
  ///   - metrics: Who gets the figures; nil for the program's own backend.
  ///   - job: The job that the figures are of.
  init(
    events: EventLog?, metrics: (any MetricsFactory)?, logger: Logger, job: String,
    pipelineID: String, subject: Logger.Metadata
  ) {
    self.events = events
    self.metrics = MetricRecorder(factory: metrics ?? MetricsSystem.factory, job: job)
    self.logger = logger
    self.pipelineID = pipelineID
    self.subject = subject
  }

  /// The same of another run.
  func of(_ pipelineID: String, subject: Logger.Metadata) -> Journal {
    Journal(
      events: events, metrics: metrics.factory, logger: logger, job: metrics.job,
      pipelineID: pipelineID, subject: subject)
  }

  /// Records an event.
  func tell(
    _ type: EventType, _ stage: String? = nil, _ status: EventStatus = .info,
    _ metadata: @autoclosure () -> EventMetadata = [:]
  ) {
    guard let events else { return }
    events.record(
      Event(type, pipelineID: pipelineID, stage: stage, status: status, metadata: metadata()))
  }

  /// Records an error with its class and its context.
  func tell(
    _ type: EventType, _ stage: String? = nil, failure error: any Error,
    _ metadata: @autoclosure () -> EventMetadata = [:]
  ) {
    guard let events else { return }
    let known: EventMetadata = ["error_class": EventValue(ErrorClass.of(error).rawValue)]
    events.failure(
      type, pipelineID: pipelineID, stage: stage, error: error,
      metadata: known.merging(metadata()))
  }

  /// Writes a message of which there is an event too, if there is a log of events: the log's files have
  /// it from there.
  func say(
    _ level: Logger.Level, _ message: Logger.Message, _ type: EventType,
    _ metadata: Logger.Metadata = [:]
  ) {
    var metadata = metadata.merging(subject) { own, _ in own }
    if events != nil { metadata[EventLogHandler.eventKey] = "\(type.rawValue)" }
    logger.log(level: level, message, metadata: metadata)
  }

  // MARK: The lease

  func leaseTaken(_ fence: Int64, attempt: Int) {
    tell(
      .leaseTaken, nil, .success,
      ["fence": EventValue(fence), "attempt": EventValue(attempt)])
    metrics.add(.leases, 1, ("fate", "taken"))
  }

  /// Another process took it over.
  func leaseLost(to holder: String) {
    tell(.leaseLost, nil, .error, ["holder": EventValue(holder)])
    metrics.add(.leases, 1, ("fate", "lost"))
  }

  /// Another process has it, and this one gives up. The run itself goes on, with its owner.
  func leaseRefused(by holder: LeaseHolder) {
    tell(.leaseWait, nil, .error, ["holder": EventValue(holder.description), "gave_up": true])
  }

  /// Another process has it, and this one waits; `message` says for whom.
  func waitsForOwner(_ holder: LeaseHolder, _ message: Logger.Message) {
    say(.notice, message, .leaseWait, ["owner": "\(holder)"])
    tell(.leaseWait, nil, .info, ["holder": EventValue(holder.description)])
  }

  func waitedForOwner(_ duration: Duration) {
    metrics.record(.leaseWaitSeconds, seconds: duration.inSeconds)
  }

  func leaseNotRenewed(_ error: any Error) {
    say(.warning, "lease not renewed", .retryWait, ["reason": "\(error)"])
    tell(.retryWait, nil, .warning, ["reason": EventValue(ErrorSummary.of(error))])
  }

  // MARK: Work

  /// An operation failed and is tried again.
  func retrying(
    _ type: EventType, _ stage: String?, _ error: any Error, failures: Int,
    wait: Duration? = nil, _ metadata: EventMetadata = [:]
  ) {
    var known: EventMetadata = [
      "reason": EventValue(ErrorSummary.of(error)), "failures": EventValue(failures),
    ]
    if let wait { known["wait_seconds"] = EventValue(seconds: wait.inSeconds) }
    tell(type, stage, .warning, known.merging(metadata))
    metrics.add(.retries)
  }

  /// Rows were committed.
  func count(_ rows: RowCounts) {
    for (fate, rows) in [
      ("inserted", rows.inserted), ("updated", rows.updated), ("unchanged", rows.unchanged),
      ("superseded", rows.superseded), ("kept", rows.kept), ("rejected", rows.rejected),
    ] {
      metrics.add(.rows, rows, ("fate", fate))
    }
  }

  /// How the attempt ended could not be written down; the next one finds out.
  func endNotRecorded(_ error: any Error) {
    say(.warning, "how it ended was not recorded", .retryWait, ["reason": "\(error)"])
    tell(.retryWait, nil, .warning, ["reason": EventValue(ErrorSummary.of(error))])
  }

  /// An attempt ended: success, partial, stopped, failed.
  ///
  /// - Parameter seconds: What it took; nil when none began.
  func attemptEnded(_ outcome: String, wasResumed: Bool, seconds: Double?) {
    metrics.add(.runs, 1, ("outcome", outcome))
    if wasResumed { metrics.add(.resumes, 1, ("outcome", outcome)) }
    if let seconds { metrics.record(.runSeconds, seconds: seconds) }
    if outcome == "success" {
      metrics.set(.lastSuccess, Double(RunEnvironment.live.now() / 1_000_000) / 1_000)
    }
  }
}
