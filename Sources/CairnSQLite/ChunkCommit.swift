import Cairn
import GRDB
import GRDBSQLite

/// The commit of a chunk: one transaction, from the check of the fence to the counts, without a
/// pause in which anybody would have to wait for more than the disk.
///
/// A process that is stopped (SIGSTOP) amid it holds SQLite's write lock until it goes on or ends;
/// all that can be done before has been done when it begins, so the stretch is short.
struct ChunkCommit {
  let chunk: StagedSQLiteChunk
  let lease: Lease
  let rejectAllowance: Int
  let db: Database

  private var work: ChunkWork { chunk.work }
  private var syncID: SyncID { chunk.work.run.syncID }
  private var number: Int { chunk.work.source.extent.chunk }

  /// Commits.
  func run() throws -> CommitOutcome {
    guard lease.syncID == syncID else {
      throw SinkError.fatal(
        "the lease is of run \(lease.syncID), the chunk of \(syncID)", remedy: "")
    }
    let known = work.rejects.count + chunk.rows.refused.count
    var refused: [UInt32: Refusal] = [:]
    var seconds = CommitSeconds()
    while true {
      try seconds.spend(on: \.lock) { try chunk.file.begin(db) }
      do {
        return try chunk.file.finishing(db) { try attempt(refused: refused, &seconds) }
      } catch let ended as TransactionEnded {
        // Each time round at least one row more is known to be refused.
        refused.merge(ended.refused) { first, _ in first }
        try checkAllowance(known + refused.count) {
          work.rejects
            + reject(chunk.rows.refused + refused.sorted { $0.key < $1.key }.map { ($0, $1) })
        }
      }
    }
  }

  private func attempt(
    refused: [UInt32: Refusal], _ seconds: inout CommitSeconds
  ) throws -> CommitOutcome {
    try LeaseTable.check(lease, in: db)
    let standing = try RunStanding.read(syncID, chunk: number, in: db)
    chunk.faults.reach(.commitFenceChecked)
    guard try LedgerTable.mark(work.source, of: syncID, fence: lease.fence, in: db) else {
      return .alreadyCommitted(try committedBefore())
    }
    guard !standing.isOver else {
      throw SinkError.fatal("run \(syncID) is over and takes no more chunks", remedy: "")
    }
    try checkAllowance(work.rejects.count + chunk.rows.refused.count) {
      work.rejects + reject(chunk.rows.refused)
    }
    chunk.faults.reach(.commitMarked)
    let shape = try chunk.file.shapes.current(chunk.table, in: db)
    guard shape == chunk.shape else { throw TargetChanged(shape: shape) }
    let keys = try keys(standing, shape: shape)
    var watched: Set<UInt64> = []
    if let keys = keys.recorded {
      watched = try WatchedKeys(keys, connection: connection()).watchRejected(of: chunk)
    }
    try RejectTable.insert(work.rejects, watched: watched, of: syncID, chunk: number, in: db)
    chunk.faults.reach(.commitRejected)

    let (counts, refusals) = try seconds.spend(on: \.merge) {
      try merge(standing, shape: shape, refused: refused)
    }
    if !refusals.isEmpty, let key = chunk.key {
      // No accepted row after a refused one has its key: it would have won.
      let keys =
        try keys.recorded
        ?? RecordedKeys.create(scope: scope, shape: shape, key: key, in: db)
      watched.formUnion(
        try WatchedKeys(keys, connection: connection()).watch(refusals.map(\.row), of: chunk))
    }
    let rejects = reject(refusals)
    try checkAllowance(work.rejects.count + rejects.count, sample: { work.rejects + rejects })
    try RejectTable.insert(rejects, watched: watched, of: syncID, chunk: number, in: db)
    guard counts.addsUp, counts.rows == work.source.extent.rows else {
      throw SinkError.fatal(
        "chunk \(number) of run \(syncID) has \(work.source.extent.rows) rows, but \(counts) came "
          + "out",
        remedy: "This is a defect of cairn: please report it.")
    }
    try LedgerTable.count(
      counts, validationErrors: work.rejects.count, chunk: number, of: syncID, in: db)
    guard let entry = try LedgerTable.entry(of: syncID, chunk: number, in: db) else {
      throw SinkError.fatal("the mark of chunk \(number) is gone amid its commit", remedy: "")
    }
    chunk.faults.reach(.commitBefore)
    try seconds.spend(on: \.sync) { try db.execute(sql: "COMMIT") }
    chunk.faults.reach(.commitAfter)
    return .committed(entry, seconds)
  }

  private func connection() throws -> OpaquePointer {
    guard let connection = db.sqliteConnection else {
      throw SinkError.transient("the connection to \(chunk.file.path) is closed")
    }
    return connection
  }

  /// The mark that was there already.
  private func committedBefore() throws -> LedgerEntry {
    guard let entry = try LedgerTable.entry(of: syncID, chunk: number, in: db) else {
      throw SinkError.fatal("the mark of chunk \(number) of run \(syncID) is gone", remedy: "")
    }
    try db.execute(sql: "ROLLBACK")
    guard entry.source == work.source else {
      throw SinkError.fatal(
        "chunk \(number) of run \(syncID) was committed from other bytes of the source",
        remedy: "The source has changed since: load it as a new run.")
    }
    return entry
  }

  // MARK: Rows

  private func merge(
    _ standing: RunStanding, shape: TargetShape, refused: [UInt32: Refusal]
  ) throws -> (RowCounts, [(row: UInt32, refusal: Refusal)]) {
    let connection = try connection()
    let plan = try plan(standing, shape: shape, refused: refused)
    if let keys = plan.keys, plan.isLate {
      try checkKeysAreComparable(keys, standing)
    }
    return try Binder.withBinders(for: chunk.rows.columns) { binders in
      let merge = try RowMerge(
        plan, binders: binders, file: chunk.file, connection: connection)
      let winners = chunk.rows.groups.winners
      try merge.merge(winners[..<(winners.count / 2)])
      chunk.faults.reach(.commitHalfMerged)
      try merge.merge(winners[(winners.count / 2)...])
      if DeferredForeignKeys.areBroken(connection) {
        try chunk.file.rollBack(db)
        let offenders = try DeferredForeignKeys.offenders(
          binders: binders, file: chunk.file, connection: connection,
          begin: {
            try chunk.file.begin(db)
            return try self.plan(standing, shape: shape, refused: refused)
          }, end: { try chunk.file.rollBack(db) })
        guard !offenders.isEmpty else {
          throw SinkError.fatal("chunk \(number) breaks a deferred foreign key", remedy: "")
        }
        throw TransactionEnded(refused: offenders)
      }
      if let written = merge.lastWritten {
        try SampledRows.record(
          row: written.row, rowID: shape.isWithoutRowID ? nil : written.rowID, of: syncID,
          chunk: number, rows: chunk.rows, binders: binders, connection: connection)
      }
      var counts = merge.counts
      counts.rows = work.batch.rowCount + work.rejects.count
      counts.rejected += work.rejects.count + chunk.rows.refused.count
      return (counts, chunk.rows.refused + merge.refusals)
    }
  }

  /// The target, or the table that collects what will replace it.
  private var scope: String {
    work.target.mode == .replace ? ShadowTable(of: syncID).name : chunk.table.identity
  }

  /// Which keys the commit records.
  private struct Keys {
    /// Where; nil when there is neither a key nor a reason.
    var recorded: RecordedKeys?
    /// Whether it records all that it writes.
    var recordsAll = false
    /// Whether some are watched.
    var areWatched = false
  }

  private func keys(_ standing: RunStanding, shape: TargetShape) throws -> Keys {
    guard let key = chunk.key else { return Keys() }
    let mode = work.target.mode
    let recordsAll =
      mode == .insertOnly || standing.lowerIsOutstanding
      || (mode != .replace && standing.earlierRunIsOutstanding)
    let watches =
      try work.rejected != nil || !chunk.rows.refused.isEmpty
      || RejectTable.areWatched(scope: chunk.table.identity, in: db)
    return Keys(
      recorded: recordsAll || watches
        ? try RecordedKeys.create(scope: scope, shape: shape, key: key, in: db)
        : try RecordedKeys.find(scope: scope, shape: shape, key: key, in: db),
      recordsAll: recordsAll, areWatched: watches)
  }

  private func plan(
    _ standing: RunStanding, shape: TargetShape, refused: [UInt32: Refusal]
  ) throws -> RowMerge.Plan {
    let mode = work.target.mode
    var table = shape.name
    if mode == .replace {
      let shadow = ShadowTable(of: syncID)
      if try !shadow.exists(in: db) {
        guard standing.isFirst else {
          throw SinkError.targetMismatch(
            table: shape.name, problems: ["the shadow table \(shadow.name) of the run is gone"],
            remedy: "Abandon the run and load the source anew.")
        }
        try shadow.create(like: shape, in: db)
      }
      table = shadow.name
    }
    let isReplacing = mode == .replace
    let isLate = standing.higherIsCommitted || (!isReplacing && standing.laterRunHasCommitted)
    let keys = try keys(standing, shape: shape)
    var mayBeThere: [Bool]?
    if keys.areWatched, !keys.recordsAll, let known = try keys.recorded?.firstParts(in: db) {
      mayBeThere = chunk.rows.firstKeyValues(of: shape)?.mayEqual(known)
    }
    return RowMerge.Plan(
      rows: chunk.rows,
      sql: MergeSQL(table: table, columns: work.target.columns.map(\.name), key: chunk.key),
      mode: mode, sequence: standing.sequence, chunk: number, keys: keys.recorded,
      recordsKeys: keys.recordsAll, watchesKeys: keys.areWatched, mayBeThere: mayBeThere,
      sourceRow: { [work] in work.sourceRow(ofBatchRow: $0) }, isLate: isLate,
      isReplaced: !isReplacing && standing.laterRunHasReplaced, refused: refused,
      hasTriggers: shape.hasTriggers && !isReplacing)
  }

  /// A late chunk can only leave alone the keys of later runs that had the same key columns.
  private func checkKeysAreComparable(_ keys: RecordedKeys, _ standing: RunStanding) throws {
    guard work.target.mode != .replace else { return }
    if try RecordedKeys.hasLater(
      than: standing.sequence, scope: chunk.table.identity, otherThan: keys, in: db)
    {
      throw SinkError.fatal(
        "a later run has loaded '\(chunk.table.name)' by another key, so it cannot be told which "
          + "rows of run \(syncID) are outdated",
        remedy: "Abandon run \(syncID) and load its source anew.")
    }
  }

  // MARK: Rejects

  private func reject(_ refusals: [(row: UInt32, refusal: Refusal)]) -> [Reject] {
    refusals.sorted { $0.row < $1.row }.map {
      work.makeReject(Int($0.row), $0.refusal.column, $0.refusal.reason)
    }
  }

  private func checkAllowance(_ found: Int, sample: () -> [Reject]) throws {
    guard found > rejectAllowance else { return }
    throw SinkError.tooManyRejects(found: found, sample: Array(sample().prefix(10)))
  }
}
