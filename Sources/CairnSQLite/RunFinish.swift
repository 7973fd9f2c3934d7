import Cairn
import GRDB

/// The end of a run, in the transaction that is open.
struct RunFinish {
  let request: FinishRequest
  let lease: Lease
  let faults: FaultPoints
  let shapes: ShapeCache

  /// Proves, swaps, sets the status.
  func run(in db: Database) throws {
    try LeaseTable.check(lease, in: db)
    let run = try RunTable.record(of: lease.syncID, in: db)
    if run.status == .completed { return }
    guard [.completed, .partialSuccess, .processing].contains(request.status) else {
      throw SinkError.fatal("a run cannot be finished as \(request.status.rawValue)", remedy: "")
    }
    let isOver = request.status != .processing
    let ledger = try LedgerTable.entries(of: run.syncID, in: db)
    let gap = try gap(run, ledger, in: db)
    if let gap, request.status != .partialSuccess {
      throw SinkError.incomplete("run \(run.syncID) is not complete: \(gap)")
    }
    if let wrong = LedgerProof.inconsistency(in: ledger) {
      throw SinkError.incomplete("run \(run.syncID): \(wrong)")
    }
    faults.reach(.finishProved)
    let identity = try TableName(run.new.table).identity
    if request.target.mode == .replace, gap == nil { try swap(run, identity, in: db) }
    faults.reach(.finishSwapped)
    try db.execute(
      sql: """
        UPDATE cairn_sync_metadata
        SET status = ?, phase = ?, error = ?, rows_in_place = ?,
          completed_at = \(isOver ? SinkClock.now : "NULL")
        WHERE sync_id = ?
        """,
      arguments: [
        request.status.stateText, isOver ? "finished" : "finishing", request.error,
        gap == nil, run.syncID.description,
      ])
    try RecordedKeys.prune(scope: identity, in: db)
  }

  private func gap(_ run: RunRecord, _ ledger: [LedgerEntry], in db: Database) throws -> String? {
    if let gap = LedgerProof.gap(in: ledger, end: run.end) { return gap }
    let rejects =
      try Int.fetchOne(
        db, sql: "SELECT count(*) FROM cairn_rejects WHERE sync_id = ?",
        arguments: [run.syncID.description]) ?? 0
    return rejects == run.counts.rejected
      ? nil : "the ledger counts \(run.counts.rejected) rejects, but \(rejects) are kept"
  }

  private func swap(_ run: RunRecord, _ identity: String, in db: Database) throws {
    let isSwapped = try Bool.fetchOne(
      db, sql: "SELECT swapped FROM cairn_sync_metadata WHERE sync_id = ?",
      arguments: [run.syncID.description])
    guard isSwapped != true else { return }
    if let later = try String.fetchOne(
      db,
      sql: """
        SELECT sync_id FROM cairn_sync_metadata
        WHERE table_identity = ? AND sequence > ? AND chunks_committed > 0 LIMIT 1
        """,
      arguments: [identity, run.sequence])
    {
      throw SinkError.fatal(
        "run \(run.syncID) would replace the rows that the later run \(later) has loaded",
        remedy: "Abandon run \(run.syncID), or load its source anew.")
    }
    let shape = try shapes.current(TableName(run.new.table), in: db)
    let shadow = ShadowTable(of: run.syncID)
    // Without chunks there is nothing to create a shadow for.
    if try !shadow.exists(in: db) {
      guard run.committedChunks == 0 else {
        throw SinkError.targetMismatch(
          table: shape.name, problems: ["the shadow table \(shadow.name) of the run is gone"],
          remedy: "Abandon the run and load the source anew.")
      }
      try shadow.create(like: shape, in: db)
    }
    try shadow.swap(into: shape, columns: request.target.columns.map(\.name), in: db)
    try RecordedKeys.move(from: shadow.name, to: identity, in: db)
    try db.execute(
      sql: "UPDATE cairn_sync_metadata SET swapped = 1 WHERE sync_id = ?",
      arguments: [run.syncID.description])
  }
}
