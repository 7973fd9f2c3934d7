/// How a processor's work on a partition ended, as far as this call is concerned.
public enum EntityBatchOutcome: Sendable {
  /// All entities are done; the checkpoint is cleared.
  case done(EntityBatchReport)
  /// Some batches failed and were passed over; the next call repeats only these.
  case partial(EntityBatchReport)
  /// It stopped between batches; the next call goes on.
  case stopped(EntityBatchReport, StopReason)

  /// The account of it.
  public var report: EntityBatchReport {
    switch self {
    case .done(let report), .partial(let report), .stopped(let report, _): report
    }
  }

  /// The code with which a program of one's own should end: 0 done, 2 partial, 75 stopped: call again
  /// to go on.
  public var exitCode: Int32 {
    switch self {
    case .done: 0
    case .partial: 2
    case .stopped: 75
    }
  }
}

/// The account of a call of `forEachBatch`.
public struct EntityBatchReport: Sendable {
  /// The run's id; it stays the same over all attempts.
  public var syncID: SyncID
  /// The processor's name.
  public var processor: String
  /// The partition.
  public var partition: String
  /// The attempt that this call was.
  public var attempt: Int
  /// How many entities there are.
  public var total: Int
  /// How many of them were done before this call: what the checkpoint saved.
  public var completedBefore: Int
  /// How many are done now.
  public var completed: Int
  /// The size of batches; 0 when ``wasCompletedBefore``.
  public var batchSize: Int
  /// Batches that this call committed.
  public var batches = 0
  /// What became of the rows that this call committed.
  public var counts = RowCounts()
  /// Seconds that it took.
  public var seconds = 0.0
  /// Seconds of these that the marks took, without the writing of rows.
  public var markSeconds = 0.0
  /// The state that was saved last, also by an earlier call.
  public var state: BatchState?
  /// What was noticed: an expired checkpoint, a changed list.
  public var notes: [String] = []
  /// Whether an earlier run had completed the list, so that nothing was processed and no row appended a
  /// second time. The report is that run's then; a note says how to append all the same.
  public var wasCompletedBefore = false
  /// Batches that failed and were passed over, and why.
  public var failed: [FailedBatch] = []

  /// A batch that was passed over.
  public struct FailedBatch: Sendable, Hashable {
    /// The positions of its entities.
    public var positions: Range<Int>
    /// The first and the last of their ids.
    public var firstID, lastID: String
    /// The last error.
    public var error: String
  }
}
