import Cairn

/// The commit of a batch of entities: one transaction of mark and rows. A mark alone is one statement
/// and one round trip.
struct EntityCommit {
  let staged: StagedPostgresEntities
  let mark: EntityMark
  let lease: Lease
  let connection: Connection

  /// How often the batch is tried again when others write its keys.
  private static let races = 5

  private var server: Server { staged.server }
  private var sql: EntityMarkSQL { EntityMarkSQL(state: server.state) }

  /// Commits.
  func run() throws -> EntityCommitOutcome {
    guard lease.syncID == staged.work.run else {
      throw SinkError.fatal(
        "the lease is of run \(lease.syncID), the batch of \(staged.work.run)", remedy: "")
    }
    guard let rows = staged.rows else {
      guard try sql.execute(mark, under: lease, on: connection) else {
        return try sql.refusal(of: mark, under: lease, on: connection)
      }
      return .committed(RowCounts(), CommitSeconds())
    }
    var isCareful = false
    var races = 0
    var seconds = CommitSeconds()
    while true {
      do {
        return try attempt(rows, isCareful: isCareful, races: races, &seconds)
      } catch is RowsRefused {
        isCareful = true
      } catch is KeyRace {
        races += 1
        guard races <= Self.races else {
          throw SinkError.transient(
            "other programs keep writing the keys of the batch into \(rows.shape.name.sql)")
        }
      }
      try connection.execute("ROLLBACK")
    }
  }

  private func attempt(
    _ rows: StagedPostgresEntities.Rows, isCareful: Bool, races: Int,
    _ seconds: inout CommitSeconds
  ) throws -> EntityCommitOutcome {
    try seconds.spend(on: \.lock) {
      try server.lock(rows.shape.name.identity, lease: lease).begin(on: connection)
    }
    guard try sql.execute(mark, under: lease, on: connection) else {
      let outcome = try sql.refusal(of: mark, under: lease, on: connection)
      try connection.execute("ROLLBACK")
      return outcome
    }
    server.faults.reach(.batchMarked)
    let shape = try server.shapes.current(rows.shape.name, on: connection)
    guard shape == rows.shape else { throw TargetChanged(shape: shape) }
    try refuse(rows.staged.refused)
    var merge = RowMerge(
      try plan(rows, target: shape, isCareful: isCareful, races: races), on: connection)
    try seconds.spend(on: \.merge) { try merge.merge() }
    seconds.copy += merge.copySeconds
    seconds.merge -= merge.copySeconds
    try refuse(merge.refusals)
    var counts = merge.counts
    counts.rows = rows.batch.rowCount
    server.faults.reach(.batchBefore)
    try seconds.spend(on: \.sync) { try connection.commit() }
    return .committed(counts, seconds)
  }

  private func plan(
    _ rows: StagedPostgresEntities.Rows, target: TargetShape, isCareful: Bool, races: Int
  ) throws -> RowMerge.Plan {
    let mode = rows.target.mode
    var shape = target
    if mode == .replace {
      let shadow = ShadowTable(of: lease.syncID, beside: target.name)
      if try !shadow.exists(on: connection) {
        let harm = try TargetPreparation.harmOfDeleting(from: target, on: connection)
        guard harm.isEmpty else {
          throw SinkError.targetMismatch(
            table: target.name.sql, problems: harm, remedy: "Change the table or the mode.")
        }
        try shadow.create(like: target, mayTakeItsPlace: false, on: connection)
      }
      shape = try server.shapes.current(shadow.name, on: connection)
    }
    // Rows of a partition that is replaced wait beside the target, in nobody's way.
    let standing =
      mode == .replace
      ? nil
      : try EntityStanding.read(target.name.identity, server: server, on: connection)
    var keys: RecordedKeys?
    var watched: Set<UInt64>?
    if standing?.areKeysWatched == true, let arrays = rows.staged.keys,
      let key = target.uniqueKey(on: rows.target.key)
    {
      keys = try RecordedKeys.find(
        scope: target.name.identity, key: key, state: server.state, on: connection)
      if !rows.staged.keyHashes.isEmpty {
        watched = try keys?.watchedHashes(arrays, on: connection)
      }
    }
    return RowMerge.Plan(
      rows: rows.staged, shape: shape, columns: rows.target.columns.map(\.name), mode: mode,
      sequence: standing?.lastSequence ?? 0, chunk: EntityStanding.chunk, keys: keys,
      recordsKeys: false, watchesKeys: keys != nil, hasOwnRows: false, watchedHashes: watched,
      sourceRow: { _ in EntityStanding.row }, isLate: false, isReplaced: false, seen: nil,
      isCareful: isCareful, keyViolationsAreRefusals: races == Self.races, faults: .none,
      checkAllowance: { refusals in
        // A sample of them says enough.
        if refusals.count >= 10 { try refuse(refusals) }
      })
  }

  /// Results are computed, not read: a row that the database refuses is an error of the program's.
  private func refuse(_ refused: [(row: UInt32, refusal: Refusal)]) throws {
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
