/// What happened. Beside the types that Cairn writes there may be any others: lower-case words joined
/// by `_`.
public struct EventType: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
  /// The type as the log has it, for example `stage_complete`.
  public var rawValue: String

  /// Takes a type's name.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Takes a type's name.
  public init(stringLiteral value: StaticString) { rawValue = value.description }

  // MARK: Pipelines

  /// A pipeline, or a load run, began.
  public static let pipelineStart: EventType = "pipeline_start"
  /// It goes on from where an earlier attempt ended.
  public static let pipelineResume: EventType = "pipeline_resume"
  /// It ended well.
  public static let pipelineComplete: EventType = "pipeline_complete"
  /// It ended, but some of it failed and a resume repeats just that.
  public static let pipelinePartial: EventType = "pipeline_partial"
  /// It was stopped before its end and can be resumed.
  public static let pipelineStop: EventType = "pipeline_stop"
  /// It failed.
  public static let pipelineError: EventType = "pipeline_error"
  /// There was nothing to do: an earlier attempt had done it.
  public static let pipelineSkip: EventType = "pipeline_skip"
  /// It was given up, so that its input may be processed anew.
  public static let pipelineAbandon: EventType = "pipeline_abandon"

  // MARK: Stages

  /// A stage began.
  public static let stageStart: EventType = "stage_start"
  /// A stage ended well.
  public static let stageComplete: EventType = "stage_complete"
  /// A stage failed.
  public static let stageError: EventType = "stage_error"
  /// A stage did not run: its saved value was used.
  public static let stageSkip: EventType = "stage_skip"
  /// A stage failed and is tried again.
  public static let stageRetry: EventType = "stage_retry"

  // MARK: Checkpoints

  /// A checkpoint was saved.
  public static let checkpointSaved: EventType = "checkpoint_saved"
  /// A checkpoint was loaded.
  public static let checkpointLoaded: EventType = "checkpoint_loaded"
  /// A checkpoint could not be used and was set aside.
  public static let checkpointRejected: EventType = "checkpoint_rejected"

  // MARK: Chunks

  /// A chunk's file is durable.
  public static let chunkConverted: EventType = "chunk_converted"
  /// A chunk's rows and their mark are committed.
  public static let chunkCommitted: EventType = "chunk_committed"
  /// A chunk failed; the run goes on without it.
  public static let chunkFailed: EventType = "chunk_failed"
  /// A chunk's commit failed and is tried again.
  public static let chunkRetry: EventType = "chunk_retry"
  /// A chunk's file was damaged and set aside; the chunk is read from the source again.
  public static let chunkRejected: EventType = "chunk_rejected"
  /// Chunks whose commit was acknowledged are gone from the sink and are committed again.
  public static let chunksLost: EventType = "chunks_lost"

  // MARK: Entity batches

  /// A batch's rows, state and mark are committed.
  public static let batchCommitted: EventType = "batch_committed"
  /// A batch failed.
  public static let batchFailed: EventType = "batch_failed"
  /// A batch failed and is tried again.
  public static let batchRetry: EventType = "batch_retry"
  /// So many batches in a row failed that no more are tried.
  public static let circuitOpen: EventType = "circuit_open"

  // MARK: Leases and waits

  /// A lease was taken: the right to commit is this process's.
  public static let leaseTaken: EventType = "lease_taken"
  /// Another process has the lease; this one waits for it.
  public static let leaseWait: EventType = "lease_wait"
  /// Another process took the lease over; this one commits no more.
  public static let leaseLost: EventType = "lease_lost"
  /// A step other than a commit failed for the moment and is tried again after a wait.
  public static let retryWait: EventType = "retry_wait"

  // MARK: Upkeep and figures

  /// What is past its use was deleted, or could not be.
  public static let cleanup: EventType = "cleanup"
  /// How long something took.
  public static let performanceMetric: EventType = "performance_metric"
  /// How good data is.
  public static let dataQualityCheck: EventType = "data_quality_check"
  /// Events that could not be written are missing before this one.
  public static let eventsLost: EventType = "events_lost"

  /// The types that Cairn writes.
  public static let known: [EventType] = [
    .pipelineStart, .pipelineResume, .pipelineComplete, .pipelinePartial, .pipelineStop,
    .pipelineError, .pipelineSkip, .pipelineAbandon,
    .stageStart, .stageComplete, .stageError, .stageSkip, .stageRetry,
    .checkpointSaved, .checkpointLoaded, .checkpointRejected,
    .chunkConverted, .chunkCommitted, .chunkFailed, .chunkRetry, .chunkRejected, .chunksLost,
    .batchCommitted, .batchFailed, .batchRetry, .circuitOpen,
    .leaseTaken, .leaseWait, .leaseLost, .retryWait,
    .cleanup, .performanceMetric, .dataQualityCheck, .eventsLost,
  ]

  /// Whether there may be one of these for every chunk or batch: `pipeline.log` has them from the
  /// level `debug` on.
  var isFrequent: Bool {
    switch self {
    case .chunkConverted, .chunkCommitted, .batchCommitted, .checkpointLoaded, .performanceMetric:
      true
    default: false
    }
  }
}
