/// A named place at which a crash test may kill the process.
///
/// Each stands between two effects that must not be torn apart. Outside of tests reaching one does
/// nothing.
public enum FaultPoint: String, Sendable, CaseIterable {
  /// Standard input is converted to its end; its run has not begun in the sink.
  case inputConverted = "input-converted"
  /// The run is a row in the sink; nothing is converted.
  case runBegun = "run-begun"
  /// A chunk file is created and partly written, under its temporary name.
  case chunkPartlyWritten = "chunk-partly-written"
  /// A chunk file is written and synced, before its rename.
  case chunkBeforeRename = "chunk-before-rename"
  /// A chunk file is renamed, its folder not yet synced.
  case chunkAfterRename = "chunk-after-rename"
  /// A chunk is durable but not yet committed.
  case chunkSealed = "chunk-sealed"
  /// A chunk is validated and transformed, not yet staged.
  case chunkTransformed = "chunk-transformed"
  /// A chunk is staged, its transaction not begun.
  case chunkStaged = "chunk-staged"
  /// In the commit transaction, after the fence was checked.
  case commitFenceChecked = "commit-fence-checked"
  /// In the commit transaction, after the mark was inserted.
  case commitMarked = "commit-marked"
  /// In the commit transaction, after the rejects were written.
  case commitRejected = "commit-rejected"
  /// In the commit transaction, halfway through the rows.
  case commitHalfMerged = "commit-half-merged"
  /// In the commit transaction, right before COMMIT.
  case commitBefore = "commit-before"
  /// After COMMIT, before anything else knows.
  case commitAfter = "commit-after"
  /// Before the manifest is written to its temporary file.
  case manifestBefore = "manifest-before"
  /// The manifest is written aside, before its rename.
  case manifestBeforeRename = "manifest-before-rename"
  /// The manifest is renamed, its folder not yet synced.
  case manifestAfterRename = "manifest-after-rename"
  /// The source's end is known, not yet marked.
  case endBefore = "end-before"
  /// The end is marked; the last chunk is not committed.
  case endMarked = "end-marked"
  /// Every chunk is committed; finish has not begun.
  case finishBefore = "finish-before"
  /// In the finish transaction, after the proof.
  case finishProved = "finish-proved"
  /// In the finish transaction, after a replace swapped the rows in.
  case finishSwapped = "finish-swapped"
  /// After the finish is durable, before the manifest says so.
  case finishAfter = "finish-after"
  /// Before clean-up.
  case cleanupBefore = "cleanup-before"
  /// Amid clean-up, some files deleted.
  case cleanupHalf = "cleanup-half"
  /// After clean-up, before the process ends.
  case cleanupAfter = "cleanup-after"
  /// An entity batch is computed; nothing of it is written.
  case batchComputed = "batch-computed"
  /// A batch's state is written aside, before its rename.
  case stateBeforeRename = "state-before-rename"
  /// A batch's state is durable in its file; no mark names it yet.
  case stateWritten = "state-written"
  /// In a batch's transaction, after the mark was written.
  case batchMarked = "batch-marked"
  /// In a batch's transaction, right before COMMIT.
  case batchBefore = "batch-before"
  /// After a batch's COMMIT, before anything else knows.
  case batchAfter = "batch-after"
  /// Every entity is done; the checkpoint is there yet.
  case entitiesDone = "entities-done"
  /// In the last transaction, after the partition was replaced.
  case entitiesReplaced = "entities-replaced"
  /// The checkpoint is cleared, before the caller knows.
  case entitiesCleared = "entities-cleared"

  /// A stage is about to run; nothing of it is done.
  case stageBegun = "stage-begun"
  /// Within a stage's body, where the program says so.
  case stageHalfRun = "stage-half-run"
  /// A stage that streams has written a batch.
  case stageBatchWritten = "stage-batch-written"
  /// A stage's body has returned; nothing of it is saved.
  case stageRan = "stage-ran"
  /// A stage's data is written aside, under a temporary name.
  case stageDataWritten = "stage-data-written"
  /// A stage's data file has its name, its state file has none.
  case stageDataNamed = "stage-data-named"
  /// A stage's files are there; the registry does not know them.
  case stageFilesNamed = "stage-files-named"
  /// A stage is in the registry; the program does not know yet.
  case stageRecorded = "stage-recorded"
  /// A pipeline's body has returned; the execution is not yet complete.
  case stagesDone = "stages-done"

  /// A page of a cursor job has come; nothing of it is staged.
  case jobPageRead = "job-page-read"
  /// In a page's transaction, after its checkpoint was inserted.
  case jobMarked = "job-marked"
  /// In a page's transaction, after the rows that vanished were deleted.
  case jobDeleted = "job-deleted"
  /// In a page's transaction, right before COMMIT.
  case jobBefore = "job-before"
  /// After a page's COMMIT, before anything else knows.
  case jobAfter = "job-after"
  /// In the transaction that ends an attempt at a job, right before COMMIT.
  case jobEnding = "job-ending"
  /// An attempt at a job is ended, before the caller knows.
  case jobEnded = "job-ended"

  /// The points that an entity batch passes, in order; those of stages and of loads are others.
  public static let ofEntityBatches: [FaultPoint] = [
    .batchComputed, .stateBeforeRename, .stateWritten, .batchMarked, .batchBefore, .batchAfter,
    .entitiesDone, .entitiesReplaced, .entitiesCleared,
  ]

  /// The points that a pipeline passes, in order.
  public static let ofStages: [FaultPoint] = [
    .stageBegun, .stageHalfRun, .stageBatchWritten, .stageRan, .stageDataWritten, .stageDataNamed,
    .stageFilesNamed, .stageRecorded, .stagesDone,
  ]

  /// The points that a cursor job passes, in order.
  public static let ofCursorJobs: [FaultPoint] = [
    .jobPageRead, .jobMarked, .jobDeleted, .jobBefore, .jobAfter, .jobEnding, .jobEnded,
  ]
}

/// What happens when a fault point is reached; by default nothing.
public struct FaultPoints: Sendable {
  private let reached: (@Sendable (FaultPoint) -> Void)?

  /// Calls `reached` at every fault point, from whichever thread comes by.
  public init(_ reached: @escaping @Sendable (FaultPoint) -> Void) { self.reached = reached }

  private init() { reached = nil }

  /// No faults.
  public static let none = FaultPoints()

  /// Says that the program has come to `point`.
  @inlinable
  public func reach(_ point: FaultPoint) { call(point) }

  @usableFromInline
  func call(_ point: FaultPoint) { reached?(point) }
}
