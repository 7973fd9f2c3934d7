/// What the events of a pipeline add up to; the seeds' summary.
public struct PipelineSummary: Sendable, Hashable, Codable {
  /// The pipeline.
  public var pipelineID: String
  /// How many events there are.
  public var totalEvents = 0
  /// How it stands, from its last event about itself: `running`, `complete`, `partial`, `stopped`,
  /// `failed`, or nil when there is none.
  public var standing: String?
  /// How many attempts began.
  public var attempts = 0
  /// When the first event was recorded, in ISO 8601 UTC.
  public var firstEvent: String?
  /// When the last one was.
  public var lastEvent: String?
  /// Stages that ended well or whose saved value was used, in that order, each once.
  public var stagesCompleted: [String] = []
  /// Stages that began, and neither ended nor failed since.
  public var stagesUnderWay: [String] = []
  /// Seconds of each stage, summed from its performance events, else from its completions.
  public var stageSeconds: [String: Double] = [:]
  /// Checkpoints saved, and chunks and batches committed.
  public var checkpoints = 0
  /// Events with the status `error`.
  public var errors: [Problem] = []
  /// Events with the status `warning`.
  public var warnings: [Problem] = []

  /// An event that somebody should look at.
  public struct Problem: Sendable, Hashable, Codable {
    /// When, in ISO 8601 UTC.
    public var timestamp: String
    /// The event's type.
    public var eventType: String
    /// The stage.
    public var stage: String?
    /// What was wrong: the event's `error`, else its `reason`.
    public var error: String?
  }

  /// An empty summary.
  public init(pipelineID: String) { self.pipelineID = pipelineID }

  /// Adds an event; call in the order of their times.
  public mutating func add(_ event: Event) {
    guard event.pipelineID == pipelineID else { return }
    totalEvents += 1
    let timestamp = EventTime.text(ofNanoseconds: event.time ?? 0)
    firstEvent = firstEvent ?? timestamp
    lastEvent = timestamp
    standing = Self.standing(after: event.type) ?? standing
    if event.type == .pipelineStart || event.type == .pipelineResume { attempts += 1 }
    if let stage = event.stage { note(event, stage) }
    switch event.type {
    case .checkpointSaved, .chunkCommitted, .batchCommitted: checkpoints += 1
    default: break
    }
    let problem = Problem(
      timestamp: timestamp, eventType: event.type.rawValue, stage: event.stage,
      error: event.metadata["error"]?.text ?? event.metadata["reason"]?.text)
    switch event.status {
    case .error: errors.append(problem)
    case .warning: warnings.append(problem)
    case .success, .info: break
    }
  }

  private static func standing(after type: EventType) -> String? {
    switch type {
    case .pipelineStart, .pipelineResume: "running"
    case .pipelineComplete, .pipelineSkip: "complete"
    case .pipelinePartial: "partial"
    case .pipelineStop: "stopped"
    case .pipelineError: "failed"
    case .pipelineAbandon: "abandoned"
    default: nil
    }
  }

  private mutating func note(_ event: Event, _ stage: String) {
    switch event.type {
    case .stageStart:
      if !stagesUnderWay.contains(stage) { stagesUnderWay.append(stage) }
    case .stageComplete, .stageSkip:
      stagesUnderWay.removeAll { $0 == stage }
      if !stagesCompleted.contains(stage) { stagesCompleted.append(stage) }
    case .stageError:
      stagesUnderWay.removeAll { $0 == stage }
    case .performanceMetric:
      if let seconds = event.metadata["duration_seconds"]?.number {
        stageSeconds[stage, default: 0] += seconds
      }
    default: break
    }
  }
}

extension EventHistory {
  /// The summary of a pipeline; one without events when nothing is known of it.
  ///
  /// - Throws: ``FileError``.
  public func summary(of pipelineID: String) throws -> PipelineSummary {
    var summary = PipelineSummary(pipelineID: pipelineID)
    for event in try events(EventFilter(pipelineID: pipelineID)) { summary.add(event) }
    return summary
  }
}
