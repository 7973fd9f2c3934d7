import Cairn
import GRDB

/// The commit of a batch of entities: one transaction of mark and rows.
struct EntityCommit {
  let staged: StagedSQLiteEntities
  let mark: EntityMark
  let lease: Lease
  let db: Database

  private var file: DatabaseFile { staged.file }

  /// Commits.
  func run() throws -> EntityCommitOutcome {
    guard lease.syncID == staged.work.run else {
      throw SinkError.fatal(
        "the lease is of run \(lease.syncID), the batch of \(staged.work.run)", remedy: "")
    }
    var seconds = CommitSeconds()
    try seconds.spend(on: \.lock) { try file.begin(db) }
    return try file.finishing(db) {
      guard try EntityMarkSQL.execute(mark, under: lease, in: db) else {
        let outcome = try EntityMarkSQL.refusal(of: mark, under: lease, in: db)
        try db.execute(sql: "ROLLBACK")
        return outcome
      }
      staged.faults.reach(.batchMarked)
      var counts = RowCounts()
      if let rows = staged.rows {
        counts = try seconds.spend(on: \.merge) { try merge(rows) }
      }
      staged.faults.reach(.batchBefore)
      try seconds.spend(on: \.sync) { try db.execute(sql: "COMMIT") }
      return .committed(counts, seconds)
    }
  }

  private func merge(_ rows: StagedSQLiteEntities.Rows) throws -> RowCounts {
    guard let connection = db.sqliteConnection else {
      throw SinkError.transient("the connection to \(file.path) is closed")
    }
    let shape = try file.shapes.current(rows.table, in: db)
    guard shape == rows.shape else { throw TargetChanged(shape: shape) }
    try refuse(rows.staged.refused, of: rows)
    let plan = try plan(rows, shape: shape)
    return try Binder.withBinders(for: rows.staged.columns) { binders in
      let merge = try RowMerge(plan, binders: binders, file: file, connection: connection)
      do {
        try merge.merge(rows.staged.groups.winners[...])
      } catch let ended as TransactionEnded {
        try refuse(ended.refused.map { ($0, $1) }, of: rows)
      }
      try refuse(merge.refusals, of: rows)
      guard !DeferredForeignKeys.areBroken(connection) else {
        throw SinkError.fatal(
          "the batch breaks a deferred foreign key of '\(rows.table.name)'; nothing was written",
          remedy: "Write the rows that it refers to in the same batch, or before.")
      }
      var counts = merge.counts
      counts.rows = rows.batch.rowCount
      return counts
    }
  }

  private func plan(
    _ rows: StagedSQLiteEntities.Rows, shape: TargetShape
  ) throws -> RowMerge.Plan {
    var table = shape.name
    if rows.target.mode == .replace {
      let shadow = ShadowTable(of: lease.syncID)
      if try !shadow.exists(in: db) { try shadow.create(like: shape, in: db) }
      table = shadow.name
    }
    // Rows of a partition that is replaced wait beside the target, in nobody's way.
    let standing =
      rows.target.mode == .replace ? nil : try EntityStanding.read(rows.table.identity, in: db)
    var keys: RecordedKeys?
    if standing?.areKeysWatched == true, let key = rows.staged.key {
      keys = try RecordedKeys.find(scope: rows.table.identity, shape: shape, key: key, in: db)
    }
    return RowMerge.Plan(
      rows: rows.staged,
      sql: MergeSQL(
        table: table, columns: rows.target.columns.map(\.name), key: rows.staged.key),
      mode: rows.target.mode, sequence: standing?.lastSequence ?? 0, chunk: EntityStanding.chunk,
      keys: keys, recordsKeys: false, watchesKeys: keys != nil, hasOwnRows: false, mayBeThere: nil,
      sourceRow: { _ in EntityStanding.row }, isLate: false, isReplaced: false, refused: [:],
      hasTriggers: shape.hasTriggers && rows.target.mode != .replace)
  }

  /// Results are computed, not read: a row that the database refuses is an error of the program's.
  private func refuse(
    _ refused: [(row: UInt32, refusal: Refusal)], of rows: StagedSQLiteEntities.Rows
  ) throws {
    guard !refused.isEmpty else { return }
    throw SinkError.tooManyRejects(
      found: refused.count,
      sample: refused.sorted { $0.row < $1.row }.prefix(10).map { row, refusal in
        Reject(
          row: UInt64(row), line: 0, byteOffset: 0, column: refusal.column, rule: "database",
          reason: refusal.reason, raw: nil)
      })
  }
}
