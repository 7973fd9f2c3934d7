public import Cairn
import GRDB

/// Loads rows into a table of a SQLite database, and keeps Cairn's state beside it in the same file.
///
/// The file is created when there is none. It is switched to a write-ahead log and every commit is
/// synced (`synchronous=FULL`), so that a mark that was committed stays committed. Other programs may
/// read while a load runs; one that writes is waited for.
///
/// How values are stored: text, JSON and UUIDs as TEXT; dates as `2024-02-29`, times as
/// `23:59:59` or `23:59:59.000001`, timestamps as `2024-02-29 23:59:59`, instants as
/// `2024-02-29 23:59:59+00:00` (TEXT, which sorts in time order and which SQLite's date functions
/// understand); booleans as 0 and 1; integers as INTEGER; doubles as REAL. Decimal numbers become
/// INTEGER when they are whole, REAL when they have at most 15 significant digits, which a REAL gives
/// back exactly, and exact TEXT otherwise. Columns of `numeric(p,s)` are created as `NUMERIC(p,s)`,
/// or without a type where NUMERIC would round (p > 15, unless s = 0 and p ≤ 18). A number that an
/// existing column would round is a reject.
///
/// Upserts use SQLite's own `ON CONFLICT`, under which statements of the table's UPDATE triggers lose
/// an `OR IGNORE` or `OR REPLACE` of theirs: a row for which such a trigger then fails is a reject.
///
/// A process that is stopped (SIGSTOP) while it commits keeps SQLite's write lock, since nothing but
/// its end or its going on gives it back; others then wait as long as the busy timeout and name it.
/// It keeps nothing while it does not commit.
public struct SQLiteSink: Sink {
  let file: DatabaseFile
  let faults: FaultPoints

  /// Makes a sink. The file is opened when it is first needed.
  ///
  /// - Parameters:
  ///   - path: The database file.
  ///   - faults: Where crash tests may strike.
  ///   - busyTimeout: How long to wait for another program that is writing.
  public init(path: String, faults: FaultPoints = .none, busyTimeout: Duration = .seconds(10)) {
    file = DatabaseFile(path: path, busyTimeout: busyTimeout)
    self.faults = faults
  }

  /// The database file.
  public var path: String { file.path }

  /// `sqlite:` and the database file's path.
  public var location: String { "sqlite:\(file.path)" }

  // MARK: Runs

  /// Creates or migrates the `cairn_` tables in the database file.
  public func prepareState() async throws { try await StateSchema.prepare(file) }

  /// The runs that satisfy a filter, newest first; none while there is no database file.
  public func runs(_ filter: RunFilter) async throws -> [RunRecord] {
    try await reading { try RunTable.select(filter, in: $0) } ?? []
  }

  /// Begins a run, or says that it is there already; decided under the write lock.
  public func begin(
    _ run: NewRun, owner: LeaseOwner, leaseDuration: Duration
  ) async throws -> BeginOutcome {
    let table = try tableName(run.table)
    return try await file.transaction { db in
      // The write lock is held, so nobody begins between this look and the insert.
      let known = try RunTable.select(
        RunFilter(table: table.quoted, fingerprint: run.source.fingerprint), in: db)
      if let same = known.first(where: { $0.new.jobDigest == run.jobDigest }) {
        return .exists(same)
      }
      try RunTable.insert(run, in: db)
      let lease = try LeaseTable.insert(
        run.syncID, owner: owner, duration: leaseDuration, in: db)
      return .began(try RunTable.record(of: run.syncID, in: db), lease)
    }
  }

  /// Marks a run abandoned and drops its shadow table and recorded keys.
  public func abandon(_ syncID: SyncID, owner: LeaseOwner) async throws {
    try await file.transaction { db in
      let run = try RunTable.record(of: syncID, in: db)
      guard run.abandonedAt == nil else { return }
      try LeaseTable.revoke(syncID, by: owner, in: db)
      try db.execute(
        sql: "UPDATE cairn_sync_metadata SET abandoned_at = \(SinkClock.now) WHERE sync_id = ?",
        arguments: [syncID.description])
      let shadow = ShadowTable(of: syncID)
      try shadow.drop(in: db)
      try RecordedKeys.drop(scope: shadow.name, in: db)
      try RecordedKeys.prune(scope: TableName(run.new.table).identity, in: db)
    }
  }

  /// Records how an attempt stands. Fenced.
  public func update(_ update: RunUpdate, under lease: Lease) async throws {
    try await file.transaction { db in
      try LeaseTable.check(lease, in: db)
      let run = try RunTable.record(of: lease.syncID, in: db)
      guard update.status != .completed, run.status != .completed else {
        throw SinkError.fatal(
          "only finish makes a run completed, and nothing changes it after", remedy: "")
      }
      try db.execute(
        sql: "UPDATE cairn_sync_metadata SET status = ?, phase = ?, error = ? WHERE sync_id = ?",
        arguments: [
          update.status.stateText, update.phase, update.error, lease.syncID.description,
        ])
    }
  }

  // MARK: Lease

  /// Takes the lease of a run, by SQLite's clock, and counts a new attempt.
  public func acquireLease(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> LeaseOutcome {
    try await file.transaction { db in
      let run = try RunTable.record(of: syncID, in: db)
      if let abandonedAt = run.abandonedAt {
        throw SinkError.fatal("run \(syncID) was abandoned at \(abandonedAt)", remedy: "")
      }
      let result = try LeaseTable.acquire(
        syncID, owner: owner, duration: duration, takeOver: takeOver, in: db)
      switch result {
      case .failure(let held): return .held(held.holder)
      case .success(let lease):
        try db.execute(
          sql: """
            UPDATE cairn_sync_metadata
            SET attempt = attempt + 1, attempt_started_at = \(SinkClock.now) WHERE sync_id = ?
            """,
          arguments: [syncID.description])
        return .acquired(lease, try RunTable.record(of: syncID, in: db))
      }
    }
  }

  /// Prolongs a lease.
  public func renew(_ lease: Lease, duration: Duration) async throws {
    try await file.transaction { db in
      try LeaseTable.check(lease, in: db)
      try LeaseTable.renew(lease, duration: duration, in: db)
    }
  }

  /// Gives a lease back.
  public func release(_ lease: Lease) async throws {
    try await file.transaction { db in try LeaseTable.release(lease, in: db) }
  }

  // MARK: Target

  /// Checks whether the target fits, and writes nothing.
  public func checkTarget(_ target: TargetTable) async throws -> Bool {
    let preparation = try classifying { try TargetPreparation(target) }
    let found = try await file.read { db in
      guard try TargetShape.read(preparation.table, in: db) != nil else { return false }
      // As a load would prepare it, and then as if nothing had been.
      try db.execute(sql: "BEGIN")
      defer { try? db.execute(sql: "ROLLBACK") }
      _ = try preparation.run(ShapeCache(), in: db)
      return true
    }
    return found ?? false
  }

  /// Creates the target, or checks that the one there fits.
  public func prepareTarget(_ target: TargetTable) async throws -> TargetWitness {
    let preparation = try classifying { try TargetPreparation(target) }
    return try await file.transaction { db in
      TargetWitness(text: try preparation.run(file.shapes, in: db).sql)
    }
  }

  /// Notices a target that was dropped, recreated or emptied since the run's first commit.
  public func targetDamage(of run: RunRecord, target: TargetTable) async throws -> String? {
    try await reading { try TargetDamage.find(run, target: target, in: $0) } ?? nil
  }

  // MARK: Commit

  /// The committed chunks of a run, in order.
  public func ledger(of syncID: SyncID) async throws -> [LedgerEntry] {
    try await reading { try LedgerTable.entries(of: syncID, in: $0) } ?? []
  }

  /// Prepares values for binding and groups rows by key, without the database's lock.
  public func stage(_ work: ChunkWork) async throws -> any StagedChunk {
    let table = try tableName(work.target.name)
    let extent = work.source.extent
    guard extent.rows == work.batch.rowCount + work.rejects.count else {
      throw SinkError.fatal(
        "chunk \(extent.chunk) has \(extent.rows) rows, but \(work.batch.rowCount) accepted and "
          + "\(work.rejects.count) rejected ones were handed over",
        remedy: "")
    }
    let shape: TargetShape
    if let known = file.shapes[table] {
      shape = known
    } else {
      shape = try await file.write { db in try file.shapes.current(table, in: db) }
    }
    return try classifying {
      try StagedSQLiteChunk(work, table: table, shape: shape, file: file, faults: faults)
    }
  }

  /// Records where the source ends. Fenced.
  public func recordEnd(_ end: SourceEnd, of syncID: SyncID, under lease: Lease) async throws {
    let position = end.position
    try await file.transaction { db in
      try LeaseTable.check(lease, in: db)
      let run = try RunTable.record(of: syncID, in: db)
      if let known = run.end, known != end {
        throw SinkError.fatal(
          "the end of the source was marked at byte \(known.position.offset), row "
            + "\(known.position.row); now it is found at byte \(position.offset), row "
            + "\(position.row)",
          remedy: "The source has changed: load it as a new run.")
      }
      try db.execute(
        sql: """
          UPDATE cairn_sync_metadata
          SET end_chunk = ?, end_offset = ?, end_row = ?, end_line = ? WHERE sync_id = ?
          """,
        arguments: [
          position.chunk, LedgerTable.signed(position.offset), LedgerTable.signed(position.row),
          LedgerTable.signed(position.line), syncID.description,
        ])
    }
  }

  // MARK: Finish

  /// Proves that the ledger accounts for the source, swaps in replace mode, sets the status.
  public func finish(_ request: FinishRequest, under lease: Lease) async throws -> RunRecord {
    let finish = RunFinish(request: request, lease: lease, faults: faults, shapes: file.shapes)
    return try await file.write { db in
      try file.begin(db)
      try file.finishing(db) {
        try finish.run(in: db)
        try db.execute(sql: "COMMIT")
      }
      file.emptyLog(db)
      return try RunTable.record(of: lease.syncID, in: db)
    }
  }

  /// Refuses: SQLite has no materialized views.
  public func refresh(_ view: String, under lease: Lease) async throws {
    throw SinkError.fatal(
      "view '\(view)' cannot be refreshed: SQLite has no materialized views",
      remedy: "Remove it from sink.refresh.")
  }

  // MARK: Rejects

  /// Rejects of a run in row order.
  public func rejects(of syncID: SyncID, offset: Int, limit: Int) async throws -> [Reject] {
    try await reading {
      try RejectTable.select(syncID, offset: offset, limit: limit, in: $0)
    } ?? []
  }

  /// Writes corrected rows and marks the rejects that they replace.
  public func replay(_ replay: Replay) async throws -> [ReplayFate] {
    let table = try tableName(replay.target.name)
    return try await file.write { db in
      try file.begin(db)
      return try file.finishing(db) {
        let fates = try ReplayCommit(
          replay: replay, table: table, shape: file.shapes.current(table, in: db), file: file,
          db: db
        ).run()
        try db.execute(sql: "COMMIT")
        return fates
      }
    }
  }

  // MARK: Reading

  /// Reads Cairn's state; nil where there is none.
  func reading<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value? {
    let path = file.path
    return try await file.read { db -> Value? in
      guard try StateSchema.versionFound(db, path: path) > 0 else { return nil }
      return try body(db)
    } ?? nil
  }

  func tableName(_ text: String) throws -> TableName {
    try classifying { try TableName(text) }
  }

  /// Gives errors of the pieces the shape that every caller of a sink knows.
  func classifying<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      throw file.classify(error)
    }
  }
}
