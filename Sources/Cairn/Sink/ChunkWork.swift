/// A chunk, validated and transformed, on its way to the sink.
public struct ChunkWork: Sendable {
  /// The run it belongs to.
  public var run: RunRecord
  /// The target.
  public var target: TargetTable
  /// Which stretch of the source it accounts for, and the digest of those bytes.
  public var source: RecordedExtent
  /// The accepted rows in source order; its columns are the target's, in the target's order.
  public var batch: RecordBatch
  /// Rows rejected before the sink, in source order.
  public var rejects: [Reject]
  /// Makes the reject of a row of `batch` that the database refused, from its position in the batch
  /// and the database's reason.
  public var makeReject: @Sendable (_ batchRow: Int, _ column: String?, _ reason: String) -> Reject
  /// For each row of `batch` its number within the chunk; nil when row `i` is the chunk's row `i`.
  public var batchRows: [UInt32]?
  /// The values of those of `rejects` that are not malformed. By their keys the sink watches whether
  /// somebody writes them later, before they come back corrected.
  public var rejected: RejectedValues?

  /// Makes work for a sink.
  public init(
    run: RunRecord, target: TargetTable, source: RecordedExtent, batch: RecordBatch,
    rejects: [Reject], batchRows: [UInt32]? = nil, rejected: RejectedValues? = nil,
    makeReject: @escaping @Sendable (_ batchRow: Int, _ column: String?, _ reason: String) -> Reject
  ) {
    self.batchRows = batchRows
    self.rejected = rejected
    self.run = run
    self.target = target
    self.source = source
    self.batch = batch
    self.rejects = rejects
    self.makeReject = makeReject
  }

  /// The number in the source of a row of `batch`.
  public func sourceRow(ofBatchRow row: Int) -> UInt64 {
    source.extent.start.row + UInt64(batchRows?[row] ?? UInt32(row))
  }
}

/// The values of rejected rows, as far as they could be read.
public struct RejectedValues: Sendable {
  /// The rows; its columns are the target's. Null where a value could not be read.
  public var batch: RecordBatch
  /// For each row of `batch` its number within the chunk, ascending.
  public var rows: [UInt32]

  /// Makes values.
  public init(batch: RecordBatch, rows: [UInt32]) {
    self.batch = batch
    self.rows = rows
  }
}

/// How a commit ended.
public enum CommitOutcome: Sendable {
  /// The rows and their mark are committed, in so much time.
  case committed(LedgerEntry, CommitSeconds = CommitSeconds())
  /// The chunk had been committed before; nothing was written.
  case alreadyCommitted(LedgerEntry)

  /// The mark, either way.
  public var entry: LedgerEntry {
    switch self {
    case .committed(let entry, _), .alreadyCommitted(let entry): entry
    }
  }

  /// Where the time of the commit went.
  public var seconds: CommitSeconds {
    switch self {
    case .committed(_, let seconds): seconds
    case .alreadyCommitted: CommitSeconds()
    }
  }
}

/// Seconds of a commit, by what they were spent on; what is left of the whole is the fence, the mark
/// and the rejects.
public struct CommitSeconds: Sendable, Hashable, Codable {
  /// Waiting for the target's lock.
  public var lock = 0.0
  /// Sending rows whose key is new (COPY), where a sink does that apart.
  public var copy = 0.0
  /// Looking rows up, comparing and writing them.
  public var merge = 0.0
  /// The COMMIT itself.
  public var sync = 0.0

  /// No time.
  public init() {}

  /// Does something and adds the time that it took to a part, also when it throws.
  public mutating func spend<Value>(
    on part: WritableKeyPath<CommitSeconds, Double>, _ body: () throws -> Value
  ) rethrows -> Value {
    let start = ContinuousClock.now
    defer { self[keyPath: part] += (ContinuousClock.now - start).inSeconds }
    return try body()
  }

  /// Adds each part.
  public static func += (total: inout CommitSeconds, part: CommitSeconds) {
    total.lock += part.lock
    total.copy += part.copy
    total.merge += part.merge
    total.sync += part.sync
  }
}

/// What became of the rows of a chunk or a run. Their sum is `rows`.
public struct RowCounts: Sendable, Hashable, Codable {
  /// Source rows read, malformed ones included.
  public var rows = 0
  /// Rows whose key was new.
  public var inserted = 0
  /// Rows that changed an existing row.
  public var updated = 0
  /// Rows that were equal to the existing row, which was not written.
  public var unchanged = 0
  /// Rows that a later row of the same key had won over.
  public var superseded = 0
  /// Rows whose key was there before an `insert_only` run.
  public var kept = 0
  /// Rows that were rejected.
  public var rejected = 0

  /// Zero of each.
  public init() {}

  /// Whether every row is accounted for.
  public var addsUp: Bool {
    rows == inserted + updated + unchanged + superseded + kept + rejected
  }

  /// Adds each count.
  public static func += (total: inout RowCounts, part: RowCounts) {
    total.rows += part.rows
    total.inserted += part.inserted
    total.updated += part.updated
    total.unchanged += part.unchanged
    total.superseded += part.superseded
    total.kept += part.kept
    total.rejected += part.rejected
  }
}

/// The mark of a committed chunk, as the ledger holds it.
public struct LedgerEntry: Sendable, Hashable, Codable {
  /// The stretch of the source, and the digest of its bytes.
  public var source: RecordedExtent
  /// What became of its rows.
  public var counts: RowCounts
  /// The fence it was committed under.
  public var fence: Int64
  /// When, by the sink's clock, in ISO 8601 UTC.
  public var committedAt: String

  /// Makes an entry.
  public init(source: RecordedExtent, counts: RowCounts, fence: Int64, committedAt: String) {
    self.source = source
    self.counts = counts
    self.fence = fence
    self.committedAt = committedAt
  }

  /// The chunk's number.
  public var chunk: Int { source.extent.chunk }
}
