/// One thing that happened in a pipeline: a line of `events.log`.
///
/// A load run is a pipeline too; `docs/events.md` says which events a run writes, and
/// `docs/events.schema.json` describes each type.
public struct Event: Sendable, Hashable {
  /// What happened.
  public var type: EventType
  /// The pipeline: for a load its run's id.
  public var pipelineID: String
  /// The stage, or nil when the event is about the pipeline as a whole.
  public var stage: String?
  /// How it went.
  public var status: EventStatus
  /// What else is known of it.
  public var metadata: EventMetadata
  /// When, in nanoseconds since 1970-01-01 UTC; the log keeps microseconds. Nil means: when it is
  /// recorded.
  public var time: Int64?

  /// Makes an event.
  public init(
    _ type: EventType, pipelineID: String, stage: String? = nil, status: EventStatus = .info,
    metadata: EventMetadata = [:], time: Int64? = nil
  ) {
    self.type = type
    self.pipelineID = pipelineID
    self.stage = stage
    self.status = status
    self.metadata = metadata
    self.time = time
  }
}

/// How something went.
public enum EventStatus: String, Sendable, Hashable, Codable, CaseIterable {
  /// As it should.
  case success
  /// It failed.
  case error
  /// It went on, but somebody should look.
  case warning
  /// Neither well nor badly: it began, or it is a figure.
  case info
}
