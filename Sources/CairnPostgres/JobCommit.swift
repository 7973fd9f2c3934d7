import Cairn

/// The commit of a page: one transaction of mark, deletions, rows of several tables and facts.
///
/// It does not wait for the disk. A server that crashes may forget the last pages, each with its mark,
/// and none before them; the next commit finds the mark before its own missing, and the job goes on from
/// the checkpoint that is there. What ends an attempt is durable, and with it all pages before.
struct JobCommit {
  let staged: StagedPostgresJobWork
  let checkpoint: NewJobCheckpoint
  let lease: Lease
  let connection: Connection

  /// How often the page is tried again when others write its keys.
  private static let races = 5

  private var server: Server { staged.server }

  /// Commits.
  func run() throws -> JobCommitOutcome {
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
        guard races <= Self.races else {
          throw SinkError.transient("other programs keep writing the keys of the page")
        }
      }
      try connection.execute("ROLLBACK")
    }
  }

  private func attempt(
    isCareful: Bool, races: Int, _ seconds: inout CommitSeconds
  ) throws -> JobCommitOutcome {
    // With the job's: who owns it changes only under that, so that a fence that was checked holds.
    let identities =
      [try server.jobs.identity(of: lease.syncID, on: connection)]
      + staged.shapes.values.map(\.name.identity)
    try seconds.spend(on: \.lock) {
      try server.lock(identities, lease: lease).begin(on: connection)
    }
    guard let job = try server.jobs.note(checkpoint, under: lease, on: connection) else {
      let outcome = try server.jobCheckpoints.refusal(
        of: checkpoint, under: lease, on: connection)
      try connection.execute("ROLLBACK")
      return outcome
    }
    try server.jobCheckpoints.insert(
      checkpoint, of: job.name, run: lease.syncID, on: connection)
    server.faults.reach(.jobMarked)
    var standings: [QualifiedName: EntityStanding] = [:]
    for shape in staged.shapes.values where standings[shape.name] == nil {
      let current = try server.shapes.current(shape.name, on: connection)
      guard current == shape else { throw TargetChanged(shape: current) }
      standings[shape.name] = try EntityStanding.read(
        shape.name.identity, server: server, on: connection)
    }
    let deleted = try seconds.spend(on: \.merge) {
      try VanishedRows(staged: staged, standings: standings, connection: connection).delete()
    }
    server.faults.reach(.jobDeleted)
    var counts: [String: RowCounts] = [:]
    for rows in staged.rows {
      counts[rows.work.name, default: RowCounts()] += try merge(
        rows, standings[rows.shape.name], isCareful: isCareful, races: races, &seconds)
    }
    try server.jobHistory.insert(
      checkpoint.facts, of: job.name, run: lease.syncID, attempt: job.attempt, on: connection)
    server.faults.reach(.jobBefore)
    try seconds.spend(on: \.sync) { try connection.commitForNow() }
    server.faults.reach(.jobAfter)
    return .committed(counts, deleted: deleted, seconds)
  }

  private func merge(
    _ rows: StagedPostgresJobWork.Rows, _ standing: EntityStanding?, isCareful: Bool, races: Int,
    _ seconds: inout CommitSeconds
  ) throws -> RowCounts {
    try refuse(rows.staged.refused, of: rows)
    var merge = RowMerge(
      try plan(rows, standing, isCareful: isCareful, races: races), on: connection)
    try seconds.spend(on: \.merge) { try merge.merge() }
    seconds.copy += merge.copySeconds
    seconds.merge -= merge.copySeconds
    try refuse(merge.refusals, of: rows)
    var counts = merge.counts
    counts.rows = rows.work.batch.rowCount
    return counts
  }

  private func plan(
    _ rows: StagedPostgresJobWork.Rows, _ standing: EntityStanding?, isCareful: Bool, races: Int
  ) throws -> RowMerge.Plan {
    let table = rows.work.table
    var keys: RecordedKeys?
    var watched: Set<UInt64>?
    if standing?.areKeysWatched == true, let arrays = rows.staged.keys,
      let key = rows.shape.uniqueKey(on: table.key)
    {
      keys = try RecordedKeys.find(
        scope: rows.shape.name.identity, key: key, state: server.state, on: connection)
      if !rows.staged.keyHashes.isEmpty {
        watched = try keys?.watchedHashes(arrays, on: connection)
      }
    }
    return RowMerge.Plan(
      rows: rows.staged, shape: rows.shape, columns: rows.columns, mode: .upsert,
      version: table.version.flatMap { rows.columns.contains($0) ? $0 : nil },
      sequence: standing?.lastSequence ?? 0, chunk: EntityStanding.chunk, keys: keys,
      recordsKeys: false, watchesKeys: keys != nil, hasOwnRows: false, watchedHashes: watched,
      sourceRow: { _ in EntityStanding.row }, isLate: false, isReplaced: false, seen: nil,
      isCareful: isCareful, keyViolationsAreRefusals: races == Self.races, faults: server.faults,
      checkAllowance: { refusals in try refuse(refusals, of: rows) })
  }

  private func refuse(
    _ refused: [(row: UInt32, refusal: Refusal)], of rows: StagedPostgresJobWork.Rows
  ) throws {
    guard let (row, refusal) = refused.min(by: { $0.row < $1.row }) else { return }
    throw rows.refusal(row, refusal)
  }
}
