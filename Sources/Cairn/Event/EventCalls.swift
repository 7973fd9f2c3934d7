extension EventLog {
  /// Records an event of any type.
  public func event(
    _ type: EventType, pipelineID: String, stage: String? = nil, status: EventStatus = .info,
    metadata: EventMetadata = [:]
  ) {
    record(
      Event(type, pipelineID: pipelineID, stage: stage, status: status, metadata: metadata))
  }

  /// A stage begins.
  public func stageStart(pipelineID: String, stage: String, metadata: EventMetadata = [:]) {
    event(.stageStart, pipelineID: pipelineID, stage: stage, metadata: metadata)
  }

  /// A stage ended well.
  ///
  /// - Parameter metadata: What is known of it, for example `duration_seconds` and `rows`.
  public func stageComplete(pipelineID: String, stage: String, metadata: EventMetadata = [:]) {
    event(
      .stageComplete, pipelineID: pipelineID, stage: stage, status: .success, metadata: metadata)
  }

  /// A stage failed. The event has the error's words, without values of rows; `errors.log` its type
  /// and where this was called too.
  public func stageError(
    pipelineID: String, stage: String, error: any Error, metadata: EventMetadata = [:],
    file: StaticString = #fileID, line: UInt = #line
  ) {
    failure(
      .stageError, pipelineID: pipelineID, stage: stage, error: error, metadata: metadata,
      file: file, line: line)
  }

  /// Something failed, as an event of any type with the status `error`.
  public func failure(
    _ type: EventType, pipelineID: String, stage: String? = nil, error: any Error,
    metadata: EventMetadata = [:], file: StaticString = #fileID, line: UInt = #line
  ) {
    let known: EventMetadata = [
      "error": EventValue(ErrorSummary.of(error)), "error_type": EventValue(ErrorTrace.type(error)),
    ]
    record(
      Event(
        type, pipelineID: pipelineID, stage: stage, status: .error,
        metadata: known.merging(metadata)),
      ErrorTrace(error, file: file, line: line))
  }

  /// A checkpoint was saved.
  public func checkpoint(
    pipelineID: String, stage: String, checkpointID: String, metadata: EventMetadata = [:]
  ) {
    event(
      .checkpointSaved, pipelineID: pipelineID, stage: stage, status: .success,
      metadata: (["checkpoint_id": EventValue(checkpointID)] as EventMetadata).merging(metadata))
  }

  /// How long something took.
  public func performance(
    pipelineID: String, stage: String, seconds: Double, metadata: EventMetadata = [:]
  ) {
    event(
      .performanceMetric, pipelineID: pipelineID, stage: stage,
      metadata: (["duration_seconds": EventValue(seconds: seconds)] as EventMetadata).merging(
        metadata))
  }

  /// How good data is.
  ///
  /// - Parameter metrics: For example `missing_rate` and `outliers`; ``DataQuality/metadata`` has them
  ///   of a batch.
  public func dataQuality(
    pipelineID: String, stage: String, metrics: EventMetadata, status: EventStatus = .info
  ) {
    event(
      .dataQualityCheck, pipelineID: pipelineID, stage: stage, status: status, metadata: metrics)
  }
}
