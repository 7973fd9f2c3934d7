import Cairn
import GRDB
import GRDBSQLite

/// Writes corrected rows, one by one, in the transaction that is open.
struct ReplayCommit {
  let replay: Replay
  let table: TableName
  let shape: TargetShape
  let file: DatabaseFile
  let db: Database

  private var syncID: SyncID { replay.run.syncID }

  /// - Returns: For each row what became of it.
  func run() throws -> [ReplayFate] {
    guard let connection = db.sqliteConnection else {
      throw SinkError.transient("the connection to \(file.path) is closed")
    }
    let standing = try RunStanding.read(syncID, chunk: 0, in: db)
    let staged = try StagedSQLiteChunk(
      work, table: table, shape: shape, file: file, faults: .none)
    let keys = try staged.key.map {
      try RecordedKeys.create(scope: table.identity, shape: shape, key: $0, in: db)
    }
    // A row whose reject is not open does not count among those of its key.
    let rows = staged.rows.alone
    return try Binder.withBinders(for: rows.columns) { binders in
      let isNewer = try keys.map {
        try SQLStatement($0.isNewerSQL(than: standing.sequence), on: connection)
      }
      let refused = Dictionary(uniqueKeysWithValues: rows.refused)
      var fates: [ReplayFate] = []
      for row in replay.rows.indices {
        guard let chunk = try RejectTable.openChunk(row: replay.rows[row], of: syncID, in: db)
        else {
          fates.append(.notOpen)
          continue
        }
        if let refusal = refused[UInt32(row)] {
          fates.append(.refused(refusal.reason))
          continue
        }
        let fate: ReplayFate
        if standing.laterRunHasReplaced {
          fate = .superseded
        } else {
          fate = try write(
            row, chunk: chunk, standing, rows, keys, isNewer, binders: binders,
            connection: connection)
        }
        if fate.isSettled {
          try RejectTable.settle(row: replay.rows[row], of: syncID, as: fate, in: db)
        }
        fates.append(fate)
      }
      guard !DeferredForeignKeys.areBroken(connection) else {
        throw SinkError.fatal(
          "corrected rows of run \(syncID) break a deferred foreign key; none was written",
          remedy: "Load the rows that they refer to first.")
      }
      try RecordedKeys.prune(scope: table.identity, in: db)
      return fates
    }
  }

  private func write(
    _ row: Int, chunk: Int, _ standing: RunStanding, _ rows: StagedRows, _ keys: RecordedKeys?,
    _ isNewer: SQLStatement?, binders: UnsafeBufferPointer<Binder>, connection: OpaquePointer
  ) throws -> ReplayFate {
    var mode = replay.target.mode == .replace ? LoadMode.upsert : replay.target.mode
    var isKnown = true
    if let keys, let isNewer {
      for (position, column) in rows.keyPositions.enumerated() {
        binders[column].bind(
          binders[column].valueIndex(ofRow: row), to: isNewer.handle, at: Int32(position + 1))
      }
      isNewer.bind(LedgerTable.signed(replay.rows[row]), at: keys.rowParameter)
      switch try isNewer.integer() {
      case 1?: return .superseded
      case nil: isKnown = false
      default: break
      }
    }
    // Nobody knows how old a row of this key would be: it is written only where there is none.
    if mode == .upsert, !isKnown { mode = .insertOnly }
    let merge = try RowMerge(
      RowMerge.Plan(
        rows: rows,
        sql: MergeSQL(
          table: shape.name, columns: replay.target.columns.map(\.name), key: rows.key),
        mode: mode, sequence: standing.sequence, chunk: chunk, keys: keys, recordsKeys: true,
        watchesKeys: true, sourceRow: { [replay] in replay.rows[$0] }, isLate: false,
        isReplaced: false, refused: [:], hasTriggers: shape.hasTriggers),
      binders: binders, file: file, connection: connection)
    try merge.merge([UInt32(row)][...])
    let counts = merge.counts
    if let refusal = merge.refusals.first { return .refused(refusal.refusal.reason) }
    if counts.kept > 0 { return replay.target.mode == .insertOnly ? .kept : .unknownAge }
    if counts.inserted > 0 { return .inserted }
    return counts.updated > 0 ? .updated : .unchanged
  }

  /// The rows as if they were a chunk, so that they are prepared alike.
  private var work: ChunkWork {
    let start = SourcePosition.start
    var end = start
    end.chunk = 1
    end.row = UInt64(replay.rows.count)
    return ChunkWork(
      run: replay.run, target: replay.target,
      source: RecordedExtent(extent: ChunkExtent(start: start, end: end), contentDigest: ""),
      batch: replay.batch, rejects: [],
      makeReject: { row, column, reason in
        Reject(
          row: UInt64(row), line: 0, byteOffset: 0, column: column, rule: "database",
          reason: reason, raw: nil)
      })
  }
}
