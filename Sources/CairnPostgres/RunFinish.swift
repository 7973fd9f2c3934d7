import Cairn

/// The end of a run, in the transaction that is open, under the target's lock.
struct RunFinish: Sendable {
  let request: FinishRequest
  let lease: Lease
  let server: Server

  /// Proves, swaps, sets the status.
  func run(on connection: Connection) throws {
    try server.leases.check(lease, on: connection)
    let run = try server.runs.record(of: lease.syncID, on: connection)
    if run.status == .completed { return }
    guard [.completed, .partialSuccess, .processing].contains(request.status) else {
      throw SinkError.fatal("a run cannot be finished as \(request.status.rawValue)", remedy: "")
    }
    let isOver = request.status != .processing
    let ledger = try server.ledger.entries(of: run.syncID, on: connection)
    let gap = try gap(run, ledger, on: connection)
    if let gap, request.status != .partialSuccess {
      throw SinkError.incomplete("run \(run.syncID) is not complete: \(gap)")
    }
    if let wrong = LedgerProof.inconsistency(in: ledger) {
      throw SinkError.incomplete("run \(run.syncID): \(wrong)")
    }
    server.faults.reach(.finishProved)
    let name = try QualifiedName.resolve(run.new.table, on: connection)
    if request.target.mode == .replace, gap == nil { try swap(run, name, on: connection) }
    server.faults.reach(.finishSwapped)
    try connection.query(
      """
      UPDATE \(server.state.metadata)
      SET status = $2, phase = $3, error = $4, rows_in_place = $5::boolean,
        completed_at = \(isOver ? SinkClock.now : "NULL")
      WHERE sync_id = $1
      """,
      [
        .text(run.syncID.description), .text(request.status.stateText),
        .text(isOver ? "finished" : "finishing"), .text(request.error),
        .text(gap == nil ? "t" : "f"),
      ])
    try RecordedKeys.prune(scope: name.identity, state: server.state, on: connection)
  }

  private func gap(
    _ run: RunRecord, _ ledger: [LedgerEntry], on connection: Connection
  ) throws -> String? {
    if let gap = LedgerProof.gap(in: ledger, end: run.end) { return gap }
    let rejects = try server.rejects.count(of: run.syncID, on: connection)
    return rejects == run.counts.rejected
      ? nil : "the ledger counts \(run.counts.rejected) rejects, but \(rejects) are kept"
  }

  private func swap(_ run: RunRecord, _ name: QualifiedName, on connection: Connection) throws {
    let isSwapped = try connection.query(
      "SELECT swapped FROM \(server.state.metadata) WHERE sync_id = $1",
      [.text(run.syncID.description)]
    ).isTrue(0, 0)
    guard !isSwapped else { return }
    let later = try connection.query(
      """
      SELECT sync_id FROM \(server.state.metadata)
      WHERE table_identity = $1 AND sequence > $2 AND chunks_committed > 0 LIMIT 1
      """, [.text(name.identity), .integer(run.sequence)])
    if let later = later.text(0, 0) {
      throw SinkError.fatal(
        "run \(run.syncID) would replace the rows that the later run \(later) has loaded",
        remedy: "Abandon run \(run.syncID), or load its source anew.")
    }
    let shape = try server.shapes.current(name, on: connection)
    let shadow = ShadowTable(of: run.syncID, beside: name)
    // Without chunks there is nothing to create a shadow for.
    if try !shadow.exists(on: connection) {
      guard run.committedChunks == 0 else {
        throw SinkError.targetMismatch(
          table: name.sql, problems: ["the shadow table \(shadow.name.sql) of the run is gone"],
          remedy: "Abandon the run and load the source anew.")
      }
      try shadow.create(like: shape, on: connection)
    }
    do {
      try shadow.replace(shape, columns: request.target.columns.map(\.name), on: connection)
    } catch let failure as PostgresFailure where failure.state == "23503" {
      throw SinkError.fatal(
        "\(name.sql) cannot be replaced, since other tables refer to rows that the source lacks: "
          + failure.message,
        remedy: "Delete what refers to them, or load the source with mode upsert.")
    }
    try RecordedKeys.move(
      from: shadow.name.identity, to: name.identity, state: server.state, on: connection)
    try connection.query(
      "UPDATE \(server.state.metadata) SET swapped = true WHERE sync_id = $1",
      [.text(run.syncID.description)])
  }
}
