import Cairn

/// The commit of a chunk: one transaction, from the target's lock to the counts.
struct ChunkCommit {
  let chunk: StagedPostgresChunk
  let lease: Lease
  let rejectAllowance: Int
  let connection: Connection

  /// How often the chunk is tried again when others write its keys.
  private static let races = 5

  private var work: ChunkWork { chunk.work }
  private var syncID: SyncID { chunk.work.run.syncID }
  private var number: Int { chunk.work.source.extent.chunk }
  private var server: Server { chunk.server }

  /// Commits.
  func run() throws -> CommitOutcome {
    guard lease.syncID == syncID else {
      throw SinkError.fatal(
        "the lease is of run \(lease.syncID), the chunk of \(syncID)", remedy: "")
    }
    var isCareful = false
    var races = 0
    var seconds = CommitSeconds()
    while true {
      do {
        return try attempt(isCareful: isCareful, races: races, &seconds)
      } catch is RowsRefused {
        isCareful = true
      } catch is KeyRace {
        races += 1
        server.seen[seenName]?.distrust()
        // A policy may hide a row, or a trigger change a key: then it is the row after all.
        guard races <= Self.races else {
          throw SinkError.transient(
            "other programs keep writing the keys of chunk \(number) into \(chunk.table.sql)")
        }
      }
      try connection.execute("ROLLBACK")
    }
  }

  private func attempt(
    isCareful: Bool, races: Int, _ seconds: inout CommitSeconds
  ) throws -> CommitOutcome {
    let identity = try identity()
    try seconds.spend(on: \.lock) {
      try server.lock(identity, lease: lease).begin(on: connection)
    }
    let standing = try RunStanding.read(
      syncID, under: lease, chunk: number, state: server.state, on: connection)
    server.faults.reach(.commitFenceChecked)
    guard
      try server.ledger.mark(work.source, of: syncID, fence: lease.fence, on: connection)
    else { return .alreadyCommitted(try committedBefore()) }
    guard !standing.isOver else {
      throw SinkError.fatal("run \(syncID) is over and takes no more chunks", remedy: "")
    }
    try checkAllowance(work.rejects.count + chunk.rows.refused.count) {
      work.rejects + reject(chunk.rows.refused)
    }
    server.faults.reach(.commitMarked)
    let shape = try server.shapes.current(chunk.table, on: connection)
    guard shape == chunk.shape else { throw TargetChanged(shape: shape) }
    let keys = try keys(standing)
    var watched: Set<UInt64> = []
    if let keys = keys.recorded {
      watched = try WatchedKeys(keys, on: connection).watchRejected(of: chunk)
    }
    try server.rejects.insert(
      work.rejects, watched: watched, of: syncID, chunk: number, on: connection)
    server.faults.reach(.commitRejected)

    let (counts, refusals, table) = try merge(
      standing, target: shape, keys, isCareful: isCareful, races: races, &seconds)
    if !refusals.isEmpty, let key = chunk.key {
      // No accepted row after a refused one has its key: it would have won.
      let recorded =
        try keys.recorded
        ?? RecordedKeys.create(scope: scope, key: key, state: server.state, on: connection)
      watched.formUnion(
        try WatchedKeys(recorded, on: connection).watch(refusals.map(\.row), of: chunk))
    }
    let rejects = reject(refusals)
    try checkAllowance(work.rejects.count + rejects.count, sample: { work.rejects + rejects })
    try server.rejects.insert(rejects, watched: watched, of: syncID, chunk: number, on: connection)
    guard counts.addsUp, counts.rows == work.source.extent.rows else {
      throw SinkError.fatal(
        "chunk \(number) of run \(syncID) has \(work.source.extent.rows) rows, but \(counts) came "
          + "out",
        remedy: "This is a defect of cairn: please report it.")
    }
    try server.ledger.count(
      counts, validationErrors: work.rejects.count, table: table, chunk: number, of: syncID,
      on: connection)
    guard let entry = try server.ledger.entry(of: syncID, chunk: number, on: connection) else {
      throw SinkError.fatal("the mark of chunk \(number) is gone amid its commit", remedy: "")
    }
    server.faults.reach(.commitBefore)
    try seconds.spend(on: \.sync) { try connection.commitForNow() }
    server.faults.reach(.commitAfter)
    return .committed(entry, seconds)
  }

  /// The identity by which the run knows its target.
  private func identity() throws -> String {
    try QualifiedName.resolve(work.run.new.table, on: connection).identity
  }

  /// The mark that was there already.
  private func committedBefore() throws -> LedgerEntry {
    try connection.execute("ROLLBACK")
    guard let entry = try server.ledger.entry(of: syncID, chunk: number, on: connection) else {
      throw SinkError.fatal("the mark of chunk \(number) of run \(syncID) is gone", remedy: "")
    }
    guard entry.source == work.source else {
      throw SinkError.fatal(
        "chunk \(number) of run \(syncID) was committed from other bytes of the source",
        remedy: "The source has changed since: load it as a new run.")
    }
    return entry
  }

  // MARK: Rows

  private typealias Merged = (
    counts: RowCounts, refusals: [(row: UInt32, refusal: Refusal)], table: UInt32
  )

  private func merge(
    _ standing: RunStanding, target: TargetShape, _ keys: Keys, isCareful: Bool, races: Int,
    _ seconds: inout CommitSeconds
  ) throws -> Merged {
    let plan = try plan(standing, target: target, keys, isCareful: isCareful, races: races)
    var merge = RowMerge(plan, on: connection)
    try seconds.spend(on: \.merge) { try merge.merge() }
    seconds.copy += merge.copySeconds
    seconds.merge -= merge.copySeconds
    var counts = merge.counts
    counts.rows = work.batch.rowCount + work.rejects.count
    counts.rejected += work.rejects.count + chunk.rows.refused.count
    return (counts, chunk.rows.refused + merge.refusals, plan.shape.oid)
  }

  private var isReplacing: Bool { work.target.mode == .replace }

  private var shadow: ShadowTable { ShadowTable(of: syncID, beside: chunk.table) }

  /// The target, or the table that collects what will replace it.
  private var scope: String {
    isReplacing ? shadow.name.identity : chunk.table.identity
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

  private func keys(_ standing: RunStanding) throws -> Keys {
    guard let key = chunk.key else { return Keys() }
    let recordsAll =
      work.target.mode == .insertOnly || standing.lowerIsOutstanding
      || (!isReplacing && standing.earlierRunIsOutstanding)
    let areWatched =
      standing.areKeysWatched || chunk.rows.rejectedKeys != nil || !chunk.rows.refused.isEmpty
    var recorded: RecordedKeys?
    if recordsAll || areWatched {
      recorded = try RecordedKeys.create(
        scope: scope, key: key, state: server.state, on: connection)
    } else if isLate(standing) {
      recorded = try RecordedKeys.find(scope: scope, key: key, state: server.state, on: connection)
    }
    return Keys(recorded: recorded, recordsAll: recordsAll, areWatched: areWatched)
  }

  /// Whether later chunks or runs may have written the chunk's keys.
  private func isLate(_ standing: RunStanding) -> Bool {
    standing.higherIsCommitted || (!isReplacing && standing.laterRunHasCommitted)
  }

  private func plan(
    _ standing: RunStanding, target: TargetShape, _ keys: Keys, isCareful: Bool, races: Int
  ) throws -> RowMerge.Plan {
    var shape = target
    if isReplacing {
      if standing.isFirst { try shadow.create(like: target, on: connection) }
      shape = try server.shapes.current(shadow.name, on: connection)
    }
    if let table = standing.tableOID, table != Int64(shape.oid),
      isReplacing || !standing.laterRunHasReplaced
    {
      throw SinkError.targetMismatch(
        table: shape.name.sql, problems: ["it was recreated since the run's first commit"],
        remedy: "Restore the table, or abandon the run and load the source anew.")
    }
    let isLate = isLate(standing)
    if isLate, chunk.key != nil, !isReplacing {
      try checkKeysAreComparable(keys.recorded, standing)
    }
    var watchedHashes: Set<UInt64>?
    if keys.areWatched, let recorded = keys.recorded, let arrays = chunk.rows.keys,
      !chunk.rows.keyHashes.isEmpty
    {
      watchedHashes = try recorded.watchedHashes(arrays, on: connection)
    }
    let known = work.rejects.count + chunk.rows.refused.count
    return RowMerge.Plan(
      rows: chunk.rows, shape: shape, columns: work.target.columns.map(\.name),
      mode: work.target.mode, sequence: standing.sequence, chunk: number,
      keys: keys.recorded, recordsKeys: keys.recordsAll, watchesKeys: keys.areWatched,
      watchedHashes: watchedHashes,
      sourceRow: { [work] in work.sourceRow(ofBatchRow: $0) }, isLate: isLate,
      isReplaced: !isReplacing && standing.laterRunHasReplaced,
      seen: try seenKeys(standing, shape: shape), isCareful: isCareful,
      keyViolationsAreRefusals: races == Self.races, faults: server.faults,
      checkAllowance: { refusals in
        try self.checkAllowance(known + refusals.count) {
          self.work.rejects + self.reject(self.chunk.rows.refused + refusals)
        }
      })
  }

  /// A late chunk can only leave alone the keys of later runs that had the same key columns.
  private func checkKeysAreComparable(_ keys: RecordedKeys?, _ standing: RunStanding) throws {
    if try RecordedKeys.hasLater(
      than: standing.sequence, scope: chunk.table.identity, otherThan: keys, state: server.state,
      on: connection)
    {
      throw SinkError.fatal(
        "a later run has loaded \(chunk.table.sql) by another key, so it cannot be told which rows "
          + "of run \(syncID) are outdated",
        remedy: "Abandon run \(syncID) and load its source anew.")
    }
  }

  private var seenName: String { syncID.description }

  /// What is known of the keys in the table: everything, if it is empty now or was when this process
  /// began with the run.
  private func seenKeys(_ standing: RunStanding, shape: TargetShape) throws -> SeenKeys? {
    guard chunk.key != nil, !chunk.rows.keyHashes.isEmpty, !shape.hasRowSecurity else { return nil }
    if let seen = server.seen[seenName] { return seen }
    let seen = server.seen.begin(seenName)
    let isFilled = try connection.query("SELECT EXISTS (SELECT FROM \(shape.name.sql))").isTrue(
      0, 0)
    if isFilled { seen.distrust() }
    return seen
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
