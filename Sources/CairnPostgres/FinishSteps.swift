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

  /// The statistics target until autovacuum comes: 300 times as many rows are looked at.
  private static let passingTarget = 20

  /// Makes statistics of the target anew after a large load. A role that does not own the table only
  /// gets a warning for it, which nobody sees.
  ///
  /// Statistics from the sample that the server would take may cost as much as half of the load.
  /// Autovacuum makes these within a minute or so; until then plans do with a fifth of the sample. So
  /// all of it is taken only where autovacuum does not come, or where views are to be refreshed next.
  func analyze(_ run: RunRecord) async throws {
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
            WHERE option_name = 'autovacuum_enabled'), true) AS autovacuum_comes,
          (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
            WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped) AS columns
        FROM pg_class WHERE oid = to_regclass($1)
        """, [.text(name.sql), .integer(written)])
      guard let row = found.named(), try row.isTrue("is_large") else { return }
      // Whoever vacuums the table now makes statistics as well.
      try connection.execute("SET LOCAL lock_timeout = '2s'")
      if try !viewsFollow && row.isTrue("autovacuum_comes") {
        try connection.execute(
          """
          SELECT set_config('default_statistics_target', least(
            current_setting('default_statistics_target')::integer, \(Self.passingTarget))::text, true)
          """)
        // Named columns: without them autovacuum would take it that all is done.
        try connection.execute("ANALYZE \(name.sql) (\(row.required("columns")))")
      } else {
        try connection.execute("ANALYZE \(name.sql)")
      }
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
