public import Cairn

extension Alert {
  /// That a pipeline is complete.
  ///
  /// ```swift
  /// var attempt: PipelineRun?
  /// do {
  ///   try await pipelines.run("stocks", input: request) { run in
  ///     attempt = run
  ///     …
  ///   }
  ///   await send(Alert(pipeline: "stocks", attempt), by: alerts)
  /// } catch {
  ///   if let alert = Alert(error, pipeline: "stocks", attempt) { await send(alert, by: alerts) }
  ///   throw error
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - pipeline: The pipeline's name.
  ///   - attempt: What its body was given, for the execution's id and its stages.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init(
    pipeline: String, _ attempt: PipelineRun? = nil, time: Int64 = RunEnvironment.live.now()
  ) {
    self.init(.success, job: pipeline, source: "", table: "", sink: "", time: time)
    if let attempt { tell(of: attempt) }
  }

  /// What there is to tell of an error that ended a pipeline; nil when another process works on the
  /// execution or the task was cancelled, which is no failure.
  ///
  /// - Parameters:
  ///   - error: What `run` threw.
  ///   - pipeline: The pipeline's name.
  ///   - attempt: What its body was given; nil when it was not called.
  ///   - time: When it ended, in nanoseconds since 1970-01-01 UTC.
  public init?(
    _ error: any Error, pipeline: String, _ attempt: PipelineRun? = nil,
    time: Int64 = RunEnvironment.live.now()
  ) {
    if Self.isOwnedElsewhere(error) || error is CancellationError { return nil }
    // Somebody asked for the end of a load within it.
    if case PipelineError.loadStopped(_, let reason) = error, !reason.isFailure { return nil }
    self.init(.failed, job: pipeline, source: "", table: "", sink: "", time: time)
    if let attempt { tell(of: attempt) }
    problem = Problem(errorClass: .of(error), summary: ErrorSummary.of(error))
  }

  private mutating func tell(of run: PipelineRun) {
    pipelineID = run.id
    attempt = run.execution.attempt
    let reports = run.reports
    let ran = reports.count { if case .ran = $0.outcome { true } else { false } }
    let reused = reports.count { $0.outcome == .reused }
    details.append(Detail("stages", "\(ran) run, \(reused) reused"))
    let failed = reports.compactMap { report in
      if case .failed = report.outcome { report.stage } else { nil }
    }
    if !failed.isEmpty { details.append(Detail("failed", failed.joined(separator: ", "))) }
  }
}

extension StopReason {
  /// Whether it is one that nobody asked for.
  var isFailure: Bool {
    switch self {
    case .sinkAway, .loadUnfinished, .circuitOpen, .sourceAway: true
    case .deadline, .signal, .cancelled: false
    }
  }
}
