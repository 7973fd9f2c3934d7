import Cairn
import GRDB
import GRDBSQLite

/// Writes the rows of a chunk, one by one, in the transaction that is open.
///
/// Of the rows with one key only the last is written; when the database refuses it, the one before
/// it gets its turn.
final class RowMerge {
  /// What the rows are, and how they are to be written.
  struct Plan {
    var rows: StagedRows
    var sql: MergeSQL
    var mode: LoadMode
    /// The run's number and the chunk's.
    var sequence: Int64
    var chunk: Int
    /// Where keys are recorded, and looked up by a chunk that comes late.
    var keys: RecordedKeys?
    /// Whether the keys that are written are recorded; if not, only those that are there already.
    var recordsKeys: Bool
    /// Whether some keys are watched.
    var watchesKeys: Bool
    /// Whether rows that `insert_only` finds may be the run's own, which its later rows change.
    var hasOwnRows = true
    /// For each value of the first key column whether a key that is there may have it; nil where only
    /// the database can tell. Not asked where all keys are recorded.
    var mayBeThere: [Bool]?
    /// For a row its number in the source.
    var sourceRow: @Sendable (Int) -> UInt64
    /// Whether later chunks or runs may have recorded keys.
    var isLate: Bool
    /// Whether a later run has replaced all rows, so that these count for nothing.
    var isReplaced: Bool
    /// Rows that an earlier try at the chunk found to be refused, and why.
    var refused: [UInt32: Refusal]
    /// Whether a row's statement may have had effects beside it when it fails.
    var hasTriggers: Bool
  }

  private let plan: Plan
  private let connection: OpaquePointer
  private let binders: UnsafeBufferPointer<Binder>
  private let write: SQLStatement
  private let overwrite: SQLStatement?
  private let isLater: SQLStatement?
  private let isOwn: SQLStatement?
  private let record: SQLStatement?
  private let guarding: Savepoint?
  private let signals: UpsertSignals
  /// For each column the position of the value that is bound to `write`.
  private let bound: UnsafeMutableBufferPointer<UInt64>

  /// What became of the rows.
  private(set) var counts = RowCounts()
  /// The rows that the database refused, in the order in which they were tried.
  private(set) var refusals: [(row: UInt32, refusal: Refusal)] = []
  /// The last row that is in the table now, and its rowid if it was just inserted.
  private(set) var lastWritten: (row: UInt32, rowID: Int64?)?

  /// - Parameter binders: A binder for each of the job's columns, valid as long as this value is.
  init(
    _ plan: Plan, binders: UnsafeBufferPointer<Binder>, file: DatabaseFile,
    connection: OpaquePointer
  ) throws {
    guard let signals = file.signals else {
      throw SinkError.transient("the connection to \(file.path) is closed")
    }
    self.signals = signals
    self.plan = plan
    self.connection = connection
    self.binders = binders
    switch plan.mode {
    case .append:
      write = try file.statement(plan.sql.append, on: connection)
      overwrite = nil
    case .upsert, .replace:
      write = try file.statement(
        plan.sql.key == nil ? plan.sql.append : plan.sql.upsert, on: connection)
      overwrite = nil
    case .insertOnly:
      write = try file.statement(plan.sql.insertIfNew, on: connection)
      overwrite = try file.statement(plan.sql.upsert, on: connection)
    }
    if let keys = plan.keys {
      isLater =
        plan.isLate
        ? try SQLStatement(
          keys.isLaterSQL(than: plan.sequence, chunk: plan.chunk), on: connection) : nil
      isOwn =
        plan.mode == .insertOnly && plan.hasOwnRows
        ? try SQLStatement(keys.isOwnSQL(of: plan.sequence), on: connection) : nil
      record =
        plan.recordsKeys || plan.watchesKeys
        ? try SQLStatement(
          plan.recordsKeys
            ? keys.recordSQL(sequence: plan.sequence, chunk: plan.chunk)
            : keys.touchSQL(sequence: plan.sequence, chunk: plan.chunk), on: connection) : nil
    } else {
      isLater = nil
      isOwn = nil
      record = nil
    }
    guarding = plan.hasTriggers ? try Savepoint("cairn_row", on: connection) : nil
    bound = .allocate(capacity: binders.count)
    bound.initialize(repeating: .max)
  }

  deinit { bound.deallocate() }

  /// Writes the rows of some keys.
  ///
  /// - Parameter winners: The last row of each key.
  /// - Throws: ``TransactionEnded`` when a row made the database roll back; an error of SQLite that
  ///   says nothing about a row.
  func merge(_ winners: ArraySlice<UInt32>) throws {
    for winner in winners {
      if plan.isReplaced {
        counts.superseded += 1 + plan.rows.groups.countBefore(winner)
        continue
      }
      if let isLater, try finds(isLater, row: winner) {
        counts.superseded += 1 + plan.rows.groups.countBefore(winner)
        continue
      }
      try mergeKey(endingAt: winner)
    }
  }

  /// Writes the last of the rows with one key that the database accepts.
  private func mergeKey(endingAt winner: UInt32) throws {
    var candidate: UInt32? = winner
    while let row = candidate {
      let before = plan.rows.groups.before(row)
      switch try apply(row) {
      case .inserted:
        counts.inserted += 1
      case .updated:
        counts.updated += 1
      case .unchanged:
        counts.unchanged += 1
      case .kept:
        counts.kept += 1 + plan.rows.groups.countBefore(row)
        return
      case .outdated:
        counts.superseded += 1 + plan.rows.groups.countBefore(row)
        return
      case .refused(let refusal):
        counts.rejected += 1
        refusals.append((row, refusal))
        candidate = before
        continue
      }
      if before != nil { counts.superseded += plan.rows.groups.countBefore(row) }
      if let record, let keys = plan.keys, mayBeRecorded(row) {
        record.bind(LedgerTable.signed(plan.sourceRow(Int(row))), at: keys.rowParameter)
        _ = try finds(record, row: row)
      }
      return
    }
  }

  /// Whether recording the key of a row would write anything. Few rows have a key that is watched,
  /// and asking the database about each would cost a fifth of the commit.
  @inline(__always)
  private func mayBeRecorded(_ row: UInt32) -> Bool {
    guard !plan.recordsKeys, let mayBeThere = plan.mayBeThere else { return true }
    return mayBeThere[Int(binders[plan.rows.keyPositions[0]].valueIndex(ofRow: Int(row)))]
  }

  private enum Outcome {
    case inserted
    case updated
    case unchanged
    case kept
    /// The row there is of a newer state.
    case outdated
    case refused(Refusal)
  }

  private func apply(_ row: UInt32) throws -> Outcome {
    if !plan.refused.isEmpty, let refusal = plan.refused[row] { return .refused(refusal) }
    try guarding?.set()
    bindChanged(row)
    var outcome = try run(write, row: row)
    if case .unchanged = outcome, let overwrite {
      // insert_only, and the key is there: by this run, or from before it?
      if let isOwn, try finds(isOwn, row: row) {
        bindAll(row, to: overwrite)
        outcome = try run(overwrite, row: row)
      } else {
        outcome = .kept
      }
    }
    if case .refused = outcome {
      try guarding?.undo()
    } else {
      try guarding?.release()
    }
    switch outcome {
    case .inserted:
      lastWritten = (row, sqlite3_last_insert_rowid(connection))
    case .updated, .unchanged:
      lastWritten = (row, nil)
    case .kept, .outdated, .refused:
      break
    }
    return outcome
  }

  private func run(_ statement: SQLStatement, row: UInt32) throws -> Outcome {
    signals.clear()
    let code = sqlite3_step(statement.handle)
    if code == SQLITE_DONE {
      let changes = sqlite3_changes(connection)
      sqlite3_reset(statement.handle)
      if changes > 0 { return signals.sawConflict ? .updated : .inserted }
      // A conflict and no difference is as it should be; anything else was a trigger.
      if signals.sawConflict, !signals.sawDifference {
        return signals.sawNewer ? .outdated : .unchanged
      }
      return .refused(
        Refusal(
          column: nil, reason: "a trigger or an ON CONFLICT clause of the table ignored the row"))
    }
    let failure = SQLiteFailure(of: connection)
    sqlite3_reset(statement.handle)
    guard failure.isAboutTheRow else { throw failure }
    let refusal = Refusal(failure, columns: plan.sql.columns)
    if sqlite3_get_autocommit(connection) != 0 {
      throw TransactionEnded(refused: [row: refusal])
    }
    return .refused(refusal)
  }

  // MARK: Binding

  /// Binds a row to `write`; a value that is bound already stays.
  @inline(__always)
  private func bindChanged(_ row: UInt32) {
    let statement = write.handle
    for column in 0..<binders.count {
      let index = binders[column].valueIndex(ofRow: Int(row))
      guard bound[column] != UInt64(index) else { continue }
      bound[column] = UInt64(index)
      binders[column].bind(index, to: statement, at: Int32(truncatingIfNeeded: column + 1))
    }
  }

  private func bindAll(_ row: UInt32, to statement: SQLStatement) {
    for column in 0..<binders.count {
      binders[column].bind(
        binders[column].valueIndex(ofRow: Int(row)), to: statement.handle, at: Int32(column + 1))
    }
  }

  /// Runs a statement whose parameters are the key columns.
  private func finds(_ statement: SQLStatement, row: UInt32) throws -> Bool {
    for (position, column) in plan.rows.keyPositions.enumerated() {
      binders[column].bind(
        binders[column].valueIndex(ofRow: Int(row)), to: statement.handle, at: Int32(position + 1))
    }
    return try statement.run()
  }
}
