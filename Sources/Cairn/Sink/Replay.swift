/// Rows of a run that were rejected and have been corrected, on their way to the sink.
public struct Replay: Sendable {
  /// The run, which is completed.
  public var run: RunRecord
  /// The target.
  public var target: TargetTable
  /// The corrected rows; its columns are the target's, in the target's order.
  public var batch: RecordBatch
  /// For each row of `batch` the number that the rejected row has in the source, from 0; ascending.
  public var rows: [UInt64]

  /// Makes a replay.
  public init(run: RunRecord, target: TargetTable, batch: RecordBatch, rows: [UInt64]) {
    self.run = run
    self.target = target
    self.batch = batch
    self.rows = rows
  }
}

/// What became of a corrected row.
public enum ReplayFate: Sendable, Hashable {
  /// Its key was new, or the mode is append.
  case inserted
  /// It changed the row of its key, which was older.
  case updated
  /// The row of its key was equal.
  case unchanged
  /// `insert_only`, and the key was there.
  case kept
  /// A later row, of this run or a later one, has its key: nothing was written.
  case superseded
  /// Its key is in the table and nobody knows who wrote it last, so nothing was written. The reject
  /// stays open.
  case unknownAge
  /// The database refused it, for this reason. The reject stays open.
  case refused(String)
  /// The run has no such reject, or a replay has replaced it before.
  case notOpen

  /// Whether the reject has been dealt with by this.
  public var isSettled: Bool {
    switch self {
    case .inserted, .updated, .unchanged, .kept, .superseded: true
    case .unknownAge, .refused, .notOpen: false
    }
  }

  /// The word under which the sink keeps it.
  public var word: String {
    switch self {
    case .inserted: "inserted"
    case .updated: "updated"
    case .unchanged: "unchanged"
    case .kept: "kept"
    case .superseded: "superseded"
    case .unknownAge: "unknown_age"
    case .refused: "refused"
    case .notOpen: "not_open"
    }
  }
}
