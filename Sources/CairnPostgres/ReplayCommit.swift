import Cairn

/// Writes corrected rows, one by one, in one transaction under the target's lock.
struct ReplayCommit {
  private let replay: Replay
  /// The rows as if they were a chunk, so that they are prepared alike.
  private let chunk: StagedPostgresChunk
  private let connection: Connection

  private var server: Server { chunk.server }
  private var syncID: SyncID { replay.run.syncID }

  /// How often it is tried again when others write the keys, or change the table.
  private static let attempts = 5

  /// - Returns: For each row what became of it.
  static func run(
    _ replay: Replay, shape: TargetShape, server: Server
  ) async throws -> [ReplayFate] {
    var shape = shape
    for _ in 0..<attempts {
      let staged = try await StagedPostgresChunk(work(replay), shape: shape, server: server)
      let result = try await server.work.perform {
        connection -> Result<[ReplayFate], AttemptOutdated> in
        let commit = ReplayCommit(replay: replay, chunk: staged, connection: connection)
        do {
          return .success(try commit.attempt())
        } catch let changed as TargetChanged {
          return .failure(AttemptOutdated(shape: changed.shape))
        } catch is KeyRace {
          return .failure(AttemptOutdated(shape: staged.shape))
        }
      }
      switch result {
      case .success(let fates): return fates
      case .failure(let outdated): shape = outdated.shape
      }
    }
    throw SinkError.transient(
      "other programs keep changing \(shape.name.sql), or the keys of the corrected rows there")
  }

  /// Something has changed while the rows were written: they are to be written again.
  private struct AttemptOutdated: Error {
    var shape: TargetShape
  }

  private func attempt() throws -> [ReplayFate] {
    try server.lock(try server.runs.identity(of: syncID, on: connection)).begin(on: connection)
    let shape = try server.shapes.current(chunk.table, on: connection)
    guard shape == chunk.shape else { throw TargetChanged(shape: shape) }
    let standing = try RunStanding.read(
      syncID, under: nil, chunk: 0, state: server.state, on: connection)
    let keys = try chunk.key.map {
      try RecordedKeys.create(
        scope: chunk.table.identity, key: $0, state: server.state, on: connection)
    }
    let open = try server.rejects.openChunks(rows: replay.rows, of: syncID, on: connection)
    let refused = Dictionary(uniqueKeysWithValues: chunk.rows.refused)
    var fates: [ReplayFate] = []
    for (row, sourceRow) in replay.rows.enumerated() {
      let fate: ReplayFate
      if let number = open[sourceRow] {
        if let refusal = refused[UInt32(row)] {
          fate = .refused(refusal.reason)
        } else if standing.laterRunHasReplaced {
          fate = .superseded
        } else {
          fate = try write(UInt32(row), chunk: number, standing, keys)
        }
      } else {
        fate = .notOpen
      }
      if fate.isSettled {
        try server.rejects.settle(row: sourceRow, of: syncID, as: fate, on: connection)
      }
      fates.append(fate)
    }
    try RecordedKeys.prune(scope: chunk.table.identity, state: server.state, on: connection)
    try connection.commitDurably()
    return fates
  }

  private func write(
    _ row: UInt32, chunk number: Int, _ standing: RunStanding, _ keys: RecordedKeys?
  ) throws -> ReplayFate {
    var mode = replay.target.mode == .replace ? LoadMode.upsert : replay.target.mode
    if let keys, let arrays = chunk.rows.keys {
      let isNewer = try keys.isNewer(
        arrays, of: row, than: standing.sequence, sourceRow: replay.rows[Int(row)], on: connection)
      if isNewer == true { return .superseded }
      // Nobody knows how old a row of this key would be: it is written only where there is none.
      if mode == .upsert, isNewer == nil { mode = .insertOnly }
    }
    var merge = RowMerge(
      RowMerge.Plan(
        // A row whose reject is not open does not count among those of its key.
        rows: chunk.rows.alone, shape: chunk.shape,
        columns: replay.target.columns.map(\.name), mode: mode, sequence: standing.sequence,
        chunk: number, keys: keys, recordsKeys: true, watchesKeys: true,
        sourceRow: { [replay] in replay.rows[$0] }, isLate: false, isReplaced: false, seen: nil,
        isCareful: true, keyViolationsAreRefusals: false, faults: .none, checkAllowance: { _ in }),
      on: connection)
    try merge.merge([row])
    let counts = merge.counts
    if let refusal = merge.refusals.first { return .refused(refusal.refusal.reason) }
    if counts.kept > 0 { return replay.target.mode == .insertOnly ? .kept : .unknownAge }
    if counts.inserted > 0 { return .inserted }
    return counts.updated > 0 ? .updated : .unchanged
  }

  private static func work(_ replay: Replay) -> ChunkWork {
    var end = SourcePosition.start
    end.chunk = 1
    end.row = UInt64(replay.rows.count)
    return ChunkWork(
      run: replay.run, target: replay.target,
      source: RecordedExtent(
        extent: ChunkExtent(start: .start, end: end), contentDigest: ""),
      batch: replay.batch, rejects: [],
      makeReject: { row, column, reason in
        Reject(
          row: UInt64(row), line: 0, byteOffset: 0, column: column, rule: "database",
          reason: reason, raw: nil)
      })
  }
}
