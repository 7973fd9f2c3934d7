import Cairn

/// What is done with a run's rows once they are in place: each step in one transaction with its mark,
/// a row of `finish_steps`.
///
/// The steps may take long, and other runs into the target need not wait for them: they do not hold
/// the target's lock, only the one that says for which run a backend works (``TargetLock``). Who
/// takes the run over ends that backend.
struct FinishSteps: Sendable {
  let server: Server
  let lease: Lease

  private var state: StateSchema { server.state }

  // MARK: Refresh

  /// Refreshes a materialized view.
  func refresh(_ view: String) async throws {
    try await perform("refresh \(view)") { connection in
      let name = try QualifiedName.resolve(view, on: connection)
      let found = try connection.query(
        """
        SELECT c.relkind, c.relispopulated AND EXISTS (
          SELECT FROM pg_index i
          WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
            AND i.indpred IS NULL AND i.indexprs IS NULL) AS concurrently
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2
        """, [.text(name.schema), .text(name.name)])
      guard let row = found.named() else {
        throw SinkError.fatal(
          "the materialized view \(name.sql) does not exist", remedy: "Correct sink.refresh.")
      }
      guard try row.text("relkind") == "m" else {
        throw SinkError.fatal(
          "\(name.sql) is no materialized view", remedy: "Correct sink.refresh.")
      }
      let concurrently = try row.isTrue("concurrently") ? "CONCURRENTLY " : ""
      try connection.execute("REFRESH MATERIALIZED VIEW \(concurrently)\(name.sql)")
    }
  }

  // MARK: Statistics

  /// Rows of a run from which on statistics are made anew, if they are also a tenth of the table.
  private static let manyRows = 10_000

  /// Makes statistics of the target anew after a large load. A role that does not own the table only
  /// gets a warning for it, which nobody sees.
  ///
  /// Statistics of all columns may take as long as half of the load. Autovacuum makes them within a
  /// minute or so; until then how many rows there are, and of which keys, is what plans need. So it is
  /// all columns only where autovacuum does not come, or where views are to be refreshed next.
  func analyze(_ run: RunRecord, key: [String]) async throws {
    let viewsFollow = run.status == .processing
    let written = run.counts.inserted + run.counts.updated
    guard written >= Self.manyRows else { return }
    try await perform("analyze") { connection in
      let name = try QualifiedName.resolve(run.new.table, on: connection)
      let found = try connection.query(
        """
        SELECT reltuples <= $2::float8 * 10 AS is_large, relkind = 'r'
          AND current_setting('autovacuum')::boolean AND current_setting('track_counts')::boolean
          AND coalesce((SELECT option_value::boolean FROM pg_options_to_table(reloptions)
            WHERE option_name = 'autovacuum_enabled'), true) AS autovacuum_comes
        FROM pg_class WHERE oid = to_regclass($1)
        """, [.text(name.sql), .integer(written)])
      guard let row = found.named(), try row.isTrue("is_large") else { return }
      let some = try !viewsFollow && row.isTrue("autovacuum_comes") && !key.isEmpty
      let columns = some ? " (\(key.map(\.quotedIdentifier).joined(separator: ", ")))" : ""
      try connection.execute("ANALYZE \(name.sql)\(columns)")
    }
  }

  // MARK: Marks

  /// Does a step and inserts its mark, in one transaction; nothing where the mark is.
  private func perform(
    _ step: String, _ body: @escaping @Sendable (Connection) throws -> Void
  ) async throws {
    let mark: [Parameter] = [.text(lease.syncID.description), .text(step)]
    try await server.work.perform { connection in
      try connection.execute(
        """
        BEGIN ISOLATION LEVEL READ COMMITTED;
        SET LOCAL lock_timeout = '\(server.patience.inMilliseconds)ms';
        SET LOCAL idle_in_transaction_session_timeout = '60s';
        \(TargetLock.workSQL(lease, state: state))
        """)
      try server.leases.check(lease, on: connection)
      let done = try connection.query(
        "SELECT FROM \(state.steps) WHERE sync_id = $1 AND step = $2", mark)
      guard done.rowCount == 0 else { return try connection.commit() }
      try body(connection)
      // Asked again: the step may have taken long.
      try server.leases.check(lease, on: connection)
      try connection.query(
        """
        INSERT INTO \(state.steps) (sync_id, step, performed_at)
        VALUES ($1, $2, \(SinkClock.now)) ON CONFLICT DO NOTHING
        """, mark)
      try connection.commit()
    }
  }
}
