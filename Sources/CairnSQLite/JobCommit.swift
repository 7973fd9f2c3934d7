import Cairn
import GRDB

/// The commit of a page: one transaction of mark, deletions, rows of several tables and facts.
struct JobCommit {
  let staged: StagedSQLiteJobWork
  let checkpoint: NewJobCheckpoint
  let lease: Lease
  let db: Database

  private var file: DatabaseFile { staged.file }

  /// Commits.
  func run() throws -> JobCommitOutcome {
    var seconds = CommitSeconds()
    try seconds.spend(on: \.lock) { try file.begin(db) }
    return try file.finishing(db) {
      try LeaseTable.check(lease, in: db)
      guard let job = try JobTable.note(checkpoint, of: lease.syncID, in: db) else {
        let outcome = try JobCheckpointTable.refusal(of: checkpoint, run: lease.syncID, in: db)
        try db.execute(sql: "ROLLBACK")
        return outcome
      }
      try JobCheckpointTable.insert(checkpoint, of: job.name, run: lease.syncID, in: db)
      staged.faults.reach(.jobMarked)
      var standings: [TableName: EntityStanding] = [:]
      for (name, shape) in staged.shapes {
        guard try file.shapes.current(name, in: db) == shape else {
          throw TargetChanged(shape: shape)
        }
        standings[name] = try EntityStanding.read(name.identity, in: db)
      }
      let (deleted, counts) = try seconds.spend(on: \.merge) {
        let deleted = try VanishedRows(staged: staged, standings: standings, db: db).delete()
        staged.faults.reach(.jobDeleted)
        return (deleted, try merge(standings))
      }
      try JobHistoryTable.insert(
        checkpoint.facts, of: job.name, run: lease.syncID, attempt: job.attempt, in: db)
      staged.faults.reach(.jobBefore)
      try seconds.spend(on: \.sync) { try db.execute(sql: "COMMIT") }
      staged.faults.reach(.jobAfter)
      return .committed(counts, deleted: deleted, seconds)
    }
  }

  private func merge(_ standings: [TableName: EntityStanding]) throws -> [String: RowCounts] {
    guard let connection = db.sqliteConnection else {
      throw SinkError.transient("the connection to \(file.path) is closed")
    }
    var counts: [String: RowCounts] = [:]
    for rows in staged.rows {
      counts[rows.work.name, default: RowCounts()] += try merge(
        rows, standings[rows.name], connection)
    }
    guard !DeferredForeignKeys.areBroken(connection) else {
      throw SinkError.fatal(
        "the page breaks a deferred foreign key of its tables; nothing was written",
        remedy: "Drop the foreign key, or let the source give the rows that it refers to first.")
    }
    return counts
  }

  private func merge(
    _ rows: StagedSQLiteJobWork.Rows, _ standing: EntityStanding?, _ connection: OpaquePointer
  ) throws -> RowCounts {
    if let (row, refusal) = rows.staged.refused.first { throw rows.refusal(row, refusal) }
    let plan = try plan(rows, standing)
    return try Binder.withBinders(for: rows.staged.columns) { binders in
      let merge = try RowMerge(plan, binders: binders, file: file, connection: connection)
      do {
        try merge.merge(rows.staged.groups.winners[...])
      } catch let ended as TransactionEnded {
        guard let (row, refusal) = ended.refused.min(by: { $0.key < $1.key }) else { throw ended }
        throw rows.refusal(row, refusal)
      }
      if let (row, refusal) = merge.refusals.min(by: { $0.row < $1.row }) {
        throw rows.refusal(row, refusal)
      }
      var counts = merge.counts
      counts.rows = rows.work.batch.rowCount
      return counts
    }
  }

  private func plan(
    _ rows: StagedSQLiteJobWork.Rows, _ standing: EntityStanding?
  ) throws -> RowMerge.Plan {
    let shape = staged.shapes[rows.name]
    var keys: RecordedKeys?
    if standing?.areKeysWatched == true, let shape, let key = rows.staged.key {
      keys = try RecordedKeys.find(scope: rows.name.identity, shape: shape, key: key, in: db)
    }
    return RowMerge.Plan(
      rows: rows.staged, sql: rows.sql, mode: .upsert, sequence: standing?.lastSequence ?? 0,
      chunk: EntityStanding.chunk, keys: keys, recordsKeys: false, watchesKeys: keys != nil,
      hasOwnRows: false, mayBeThere: nil, sourceRow: { _ in EntityStanding.row }, isLate: false,
      isReplaced: false, refused: [:],
      hasTriggers: shape?.hasTriggers == true)
  }
}
