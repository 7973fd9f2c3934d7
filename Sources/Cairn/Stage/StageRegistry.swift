/// Where it is kept which stages are saved, and which executions of pipelines there are.
///
/// A checkpoint counts once its entry is here: the entry is written last. `CairnTesting` has the
/// conformance battery that every registry passes. ``FolderRegistry`` keeps files beside the
/// checkpoints; `CairnSQLite` and `CairnPostgres` have registries in a database.
public protocol StageRegistry: Sendable {
  /// Where the registry is, without secrets, for messages.
  var location: String { get }

  /// Makes what the registry needs, where it is missing.
  func prepare() async throws

  // MARK: Executions

  /// Goes on with an execution or begins one, and owns it from then on; in one step, so that of two
  /// processes that ask at once one gets it.
  func claim(_ claim: PipelineClaim) async throws -> PipelineClaimOutcome

  /// Prolongs a lease.
  ///
  /// - Throws: ``PipelineError/overtaken(_:_:)`` when somebody else has it.
  func renew(_ lease: PipelineLease, duration: Duration) async throws

  /// Records how an attempt ended and gives the lease back. Does nothing when it was taken over.
  ///
  /// - Parameters:
  ///   - error: What ended it, or nil when the pipeline is complete.
  ///   - time: When, in ISO 8601 UTC.
  func end(_ lease: PipelineLease, error: String?, at time: String) async throws

  /// The executions, newest first: all, or those of one pipeline.
  func executions(of pipeline: String?) async throws -> [PipelineExecution]

  // MARK: Checkpoints

  /// Records a saved stage. Durable when it returns, if the registry is.
  ///
  /// - Parameter lease: The right to; nil for a checkpoint that is saved outside of a pipeline.
  /// - Throws: ``PipelineError/overtaken(_:_:)`` when somebody else owns the execution now.
  func record(_ checkpoint: StageCheckpoint, under lease: PipelineLease?) async throws

  /// The checkpoints that satisfy a filter, newest first: the one that was recorded last comes first,
  /// whatever its timestamp.
  func checkpoints(_ filter: CheckpointFilter) async throws -> [StageCheckpoint]

  /// Forgets checkpoints; those that are not there are no error.
  func remove(_ checkpoints: [StageCheckpoint]) async throws

  /// Forgets executions that nobody owns and that nothing was recorded of since a time, in ISO 8601
  /// UTC.
  func removeExecutions(before time: String) async throws
}

/// Which checkpoints to list.
public struct CheckpointFilter: Sendable, Hashable {
  /// Only the one of this id.
  public var id: String?
  /// Only those of this execution.
  public var pipelineID: String?
  /// Only those of this stage.
  public var stage: String?
  /// Only those saved before this time, in ISO 8601 UTC.
  public var savedBefore: String?
  /// The most to return.
  public var limit: Int?

  /// Makes a filter.
  public init(
    id: String? = nil, pipelineID: String? = nil, stage: String? = nil, savedBefore: String? = nil,
    limit: Int? = nil
  ) {
    self.id = id
    self.pipelineID = pipelineID
    self.stage = stage
    self.savedBefore = savedBefore
    self.limit = limit
  }

  /// Whether a checkpoint is one of them, its place among them aside.
  func accepts(_ checkpoint: StageCheckpoint) -> Bool {
    (id == nil || checkpoint.id == id) && (pipelineID == nil || checkpoint.pipelineID == pipelineID)
      && (stage == nil || checkpoint.stage == stage)
      && savedBefore.map { checkpoint.timestamp < $0 } ?? true
  }
}
