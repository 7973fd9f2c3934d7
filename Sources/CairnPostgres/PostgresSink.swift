public import Cairn
import CPostgres

/// Loads rows into a table of a PostgreSQL database (14 or later), and keeps Cairn's state in a
/// schema of the same database.
///
/// Rows with new keys are copied in; rows whose key is there are compared, and only those that differ
/// are written. Nothing is staged in tables, so a role that may SELECT, INSERT, UPDATE and DELETE is
/// enough once the tables are there. Nothing relies on the session, so PgBouncer's transaction mode
/// works.
///
/// A process that is stopped (SIGSTOP) amid a commit holds the target's lock; its successor ends that
/// backend once the lease has expired or is taken over.
public struct PostgresSink: Sink {
  let server: Server

  /// Makes a sink. It connects when it is first used.
  ///
  /// - Parameters:
  ///   - url: A URL or `key=value` text as libpq reads it. `PG*` variables, service files and
  ///     password files count too. A URL's parameter `state_schema` is Cairn's own.
  ///   - stateSchema: The schema that holds Cairn's state; nil for what the URL says, else `cairn`.
  ///   - faults: Where crash tests may strike.
  ///   - lockPatience: How long to wait for a lock that others hold.
  public init(
    url: String, stateSchema: String? = nil, faults: FaultPoints = .none,
    lockPatience: Duration = .seconds(30)
  ) {
    let address = ServerAddress(url, stateSchema: stateSchema)
    server = Server(
      work: Lane(address, label: "work"), aside: Lane(address, label: "aside"),
      state: StateSchema(address.stateSchema), faults: faults, patience: lockPatience)
  }

  /// The server and database, without secrets: `postgres://user@host:5432/database`. A sink made of
  /// it finds the same state.
  public var location: String { server.location }

  /// The statements that make Cairn's state tables, for whoever may create them where the loading
  /// role may not.
  ///
  /// - Parameter stateSchema: The schema that is to hold them; nil for `cairn`.
  public static func stateSQL(stateSchema: String? = nil) -> String { StateSchema(stateSchema).sql }

  /// The schema that holds Cairn's state.
  public var stateSchema: String { server.state.name }

  // MARK: Runs

  /// Creates or migrates the state tables, where they are missing.
  public func prepareState() async throws {
    let state = server.state
    try await server.work.perform { try state.migrate(on: $0) }
  }

  /// The runs that satisfy a filter, newest first; none while there are no state tables.
  public func runs(_ filter: RunFilter) async throws -> [RunRecord] {
    try await reading { try server.runs.select(filter, on: $0) } ?? []
  }

  /// Begins a run, or says that it is there already; decided under the target's lock.
  public func begin(
    _ run: NewRun, owner: LeaseOwner, leaseDuration: Duration
  ) async throws -> BeginOutcome {
    try await server.transaction(on: { try QualifiedName.resolve(run.table, on: $0).identity }) {
      connection in
      let identity = try QualifiedName.resolve(run.table, on: connection).identity
      // The lock is held, so nobody begins between this look and the insert.
      let known = try server.runs.select(
        RunFilter(table: run.table, fingerprint: run.source.fingerprint), on: connection)
      if let same = known.first(where: { $0.new.jobDigest == run.jobDigest }) {
        return .exists(same)
      }
      try server.runs.insert(run, identity: identity, on: connection)
      let lease = try server.leases.insert(
        run.syncID, owner: owner, duration: leaseDuration, on: connection)
      return .began(try server.runs.record(of: run.syncID, on: connection), lease)
    }
  }

  /// Marks a run abandoned and drops its shadow table and recorded keys.
  public func abandon(_ syncID: SyncID, owner: LeaseOwner) async throws {
    try await server.transaction(on: identity(of: syncID)) { connection in
      let run = try server.runs.record(of: syncID, on: connection)
      guard run.abandonedAt == nil else { return }
      try server.leases.revoke(syncID, by: owner, on: connection)
      try connection.query(
        "UPDATE \(server.state.metadata) SET abandoned_at = \(SinkClock.now) WHERE sync_id = $1",
        [.text(syncID.description)])
      let name = try QualifiedName.resolve(run.new.table, on: connection)
      let shadow = ShadowTable(of: syncID, beside: name)
      try shadow.drop(on: connection)
      try RecordedKeys.drop(scope: shadow.name.identity, state: server.state, on: connection)
      try RecordedKeys.prune(scope: name.identity, state: server.state, on: connection)
    }
    server.seen.forget(syncID.description)
  }

  /// Records how an attempt stands. Fenced.
  public func update(_ update: RunUpdate, under lease: Lease) async throws {
    try await server.transaction(on: identity(of: lease.syncID), lease: lease) { connection in
      try server.leases.check(lease, on: connection)
      let run = try server.runs.record(of: lease.syncID, on: connection)
      guard update.status != .completed, run.status != .completed else {
        throw SinkError.fatal(
          "only finish makes a run completed, and nothing changes it after", remedy: "")
      }
      try connection.query(
        """
        UPDATE \(server.state.metadata) SET status = $2, phase = $3, error = $4 WHERE sync_id = $1
        """,
        [
          .text(lease.syncID.description), .text(update.status.stateText), .text(update.phase),
          .text(update.error),
        ])
    }
  }

  // MARK: Lease

  /// Takes the lease of a run, by the server's clock, and counts a new attempt. A backend that still
  /// works for the run's former owner is ended.
  public func acquireLease(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> LeaseOutcome {
    // Whoever is refused need not wait for the lock.
    if !takeOver,
      let holder = try await server.aside.perform({
        try server.leases.living(syncID, on: $0)
      })
    {
      return .held(holder)
    }
    let outcome = try await server.transaction(
      on: identity(of: syncID), mayEnd: takeOver ? syncID : nil
    ) { connection -> LeaseOutcome in
      let run = try server.runs.record(of: syncID, on: connection)
      if let abandonedAt = run.abandonedAt {
        throw SinkError.fatal("run \(syncID) was abandoned at \(abandonedAt)", remedy: "")
      }
      if !takeOver, let holder = try server.leases.living(syncID, on: connection) {
        return .held(holder)
      }
      let lease = try server.leases.acquire(
        syncID, owner: owner, duration: duration, on: connection)
      try connection.query(
        """
        UPDATE \(server.state.metadata)
        SET attempt = attempt + 1, attempt_started_at = \(SinkClock.now) WHERE sync_id = $1
        """, [.text(syncID.description)])
      return .acquired(lease, try server.runs.record(of: syncID, on: connection))
    }
    if case .acquired(let lease, _) = outcome {
      try await server.aside.perform {
        try TargetLock.endFormerWorkers(under: lease, state: server.state, on: $0)
      }
    }
    return outcome
  }

  /// Prolongs a lease. It need not wait for a commit.
  public func renew(_ lease: Lease, duration: Duration) async throws {
    try await server.aside.perform {
      try server.leases.renew(lease, duration: duration, on: $0)
    }
  }

  /// Gives a lease back.
  public func release(_ lease: Lease) async throws {
    try await server.aside.perform { try server.leases.release(lease, on: $0) }
  }

  // MARK: Target

  /// Checks whether the target fits, and writes nothing.
  public func checkTarget(_ target: TargetTable) async throws -> Bool {
    try await server.work.perform { connection in
      let preparation = TargetPreparation(
        target: target, name: try QualifiedName.resolve(target.name, on: connection))
      guard try preparation.exists(on: connection) else { return false }
      // As a load would prepare it, and then as if nothing had been.
      try connection.execute("BEGIN")
      defer { _ = try? connection.execute("ROLLBACK") }
      _ = try preparation.run(ShapeCache(), on: connection)
      return true
    }
  }

  /// Creates the target, or checks that the one there fits.
  public func prepareTarget(_ target: TargetTable) async throws -> TargetWitness {
    try await server.transaction(
      on: { try QualifiedName.resolve(target.name, on: $0).identity }
    ) { connection in
      let preparation = TargetPreparation(
        target: target, name: try QualifiedName.resolve(target.name, on: connection))
      let shape = try preparation.run(server.shapes, on: connection)
      return TargetWitness(text: "\(shape.name.identity) \(shape.oid)")
    }
  }

  /// Notices a target that was dropped, recreated or emptied since the run's first commit.
  public func targetDamage(of run: RunRecord, target: TargetTable) async throws -> String? {
    try await reading {
      try TargetDamage.find(run, target: target, state: server.state, on: $0)
    } ?? nil
  }

  // MARK: Commit

  /// The committed chunks of a run, in order.
  public func ledger(of syncID: SyncID) async throws -> [LedgerEntry] {
    try await reading { try server.ledger.entries(of: syncID, on: $0) } ?? []
  }

  /// Encodes rows and groups them by key, without any lock.
  public func stage(_ work: ChunkWork) async throws -> any StagedChunk {
    let extent = work.source.extent
    guard extent.rows == work.batch.rowCount + work.rejects.count else {
      throw SinkError.fatal(
        "chunk \(extent.chunk) has \(extent.rows) rows, but \(work.batch.rowCount) accepted and "
          + "\(work.rejects.count) rejected ones were handed over",
        remedy: "")
    }
    let shape = try await server.shape(of: work.target.name)
    return try await StagedPostgresChunk(work, shape: shape, server: server)
  }

  /// Records where the source ends. Fenced.
  public func recordEnd(_ end: SourceEnd, of syncID: SyncID, under lease: Lease) async throws {
    let position = end.position
    try await server.transaction(on: identity(of: syncID), lease: lease) { connection in
      try server.leases.check(lease, on: connection)
      let run = try server.runs.record(of: syncID, on: connection)
      if let known = run.end, known != end {
        throw SinkError.fatal(
          "the end of the source was marked at byte \(known.position.offset), row "
            + "\(known.position.row); now it is found at byte \(position.offset), row "
            + "\(position.row)",
          remedy: "The source has changed: load it as a new run.")
      }
      try connection.query(
        """
        UPDATE \(server.state.metadata)
        SET end_chunk = $2, end_offset = $3, end_row = $4, end_line = $5 WHERE sync_id = $1
        """,
        [
          .text(syncID.description), .integer(position.chunk),
          .integer(LedgerTable.signed(position.offset)),
          .integer(LedgerTable.signed(position.row)), .integer(LedgerTable.signed(position.line)),
        ])
    }
  }

  // MARK: Finish

  /// Proves that the ledger accounts for the source, swaps in replace mode, sets the status; durable
  /// whatever the server's `synchronous_commit` is.
  public func finish(_ request: FinishRequest, under lease: Lease) async throws -> RunRecord {
    let finish = RunFinish(request: request, lease: lease, server: server)
    try await server.transaction(on: identity(of: lease.syncID), lease: lease) {
      try finish.run(on: $0)
    }
    server.seen.forget(lease.syncID.description)
    let record = try await server.work.perform {
      try server.runs.record(of: lease.syncID, on: $0)
    }
    // The run does not depend on it.
    _ = try? await FinishSteps(server: server, lease: lease).analyze(record)
    return record
  }

  /// Refreshes a materialized view: CONCURRENTLY where it is filled and has a unique index, so that
  /// its readers go on.
  public func refresh(_ view: String, under lease: Lease) async throws {
    try await FinishSteps(server: server, lease: lease).refresh(view)
  }

  // MARK: Rejects

  /// Rejects of a run in row order.
  public func rejects(of syncID: SyncID, offset: Int, limit: Int) async throws -> [Reject] {
    try await reading {
      try server.rejects.select(syncID, offset: offset, limit: limit, on: $0)
    } ?? []
  }

  /// Writes corrected rows and marks the rejects that they replace.
  public func replay(_ replay: Replay) async throws -> [ReplayFate] {
    try await ReplayCommit.run(
      replay, shape: try await server.shape(of: replay.target.name), server: server)
  }

  // MARK: Reading

  private func identity(of syncID: SyncID) -> @Sendable (Connection) throws -> String {
    { try server.runs.identity(of: syncID, on: $0) }
  }

  /// Reads Cairn's state; nil where there is none.
  func reading<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value? {
    try await server.aside.perform { connection -> Value? in
      guard try server.state.versionFound(on: connection) > 0 else { return nil }
      return try body(connection)
    }
  }
}
