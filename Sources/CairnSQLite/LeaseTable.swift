import Cairn
import GRDB

/// `cairn_leases`: who may commit for a run. An empty token means that nobody may.
enum LeaseTable {
  /// Makes the first lease of a run.
  static func insert(
    _ syncID: SyncID, owner: LeaseOwner, duration: Duration, in db: Database
  ) throws -> Lease {
    let lease = Lease(syncID: syncID, fence: 1, token: Lease.randomToken())
    try write(lease, owner: owner, duration: duration, in: db)
    return lease
  }

  /// Takes the lease of a run with the next fence, if it is to be had.
  ///
  /// - Returns: The lease, or who has it.
  static func acquire(
    _ syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool, in db: Database
  ) throws -> Result<Lease, HeldLease> {
    let row = try row(of: syncID, in: db)
    if let row, !takeOver, isAlive(row) { return .failure(HeldLease(holder: holder(row))) }
    return .success(try take(syncID, owner: owner, duration: duration, in: db))
  }

  /// Takes the lease of a run with the next fence, whoever has it.
  static func take(
    _ syncID: SyncID, owner: LeaseOwner, duration: Duration,
    token: String = Lease.randomToken(), in db: Database
  ) throws -> Lease {
    let fence: Int64 = try row(of: syncID, in: db)?["fence"] ?? 0
    let lease = Lease(syncID: syncID, fence: fence + 1, token: token)
    try write(lease, owner: owner, duration: duration, in: db)
    return lease
  }

  /// Checks that a lease is still the one that counts: fence and token are equal.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when it is not.
  static func check(_ lease: Lease, in db: Database) throws {
    guard let row = try row(of: lease.syncID, in: db) else {
      throw SinkError.fatal("the database knows no run \(lease.syncID)", remedy: "")
    }
    guard row["fence"] == lease.fence, row["token"] == lease.token, lease.token != "" else {
      throw SinkError.fenced(holder(row))
    }
  }

  /// Prolongs a lease that was checked.
  static func renew(_ lease: Lease, duration: Duration, in db: Database) throws {
    try db.execute(
      sql: "UPDATE cairn_leases SET expires_at = \(SinkClock.later(by: "?")) WHERE sync_id = ?",
      arguments: [duration.inSeconds, lease.syncID.description])
  }

  /// Gives a lease back, if it is still the one that counts.
  static func release(_ lease: Lease, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_leases SET token = '', expires_at = \(SinkClock.now)
        WHERE sync_id = ? AND fence = ? AND token = ?
        """,
      arguments: [lease.syncID.description, lease.fence, lease.token])
  }

  /// Forgets the leases of runs over entities, and of jobs' former runs, that have been over for a week:
  /// whoever is late for that has no lease at all.
  static func prune(in db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM cairn_leases
        WHERE token = '' AND expires_at < \(SinkClock.later(by: "-604800"))
          AND sync_id NOT IN (SELECT sync_id FROM cairn_sync_metadata)
          AND sync_id NOT IN (SELECT sync_id FROM cairn_processing_checkpoints)
          AND sync_id NOT IN (
            SELECT sync_id FROM cairn_job_schedules WHERE sync_id IS NOT NULL)
        """)
  }

  /// Who holds the lease of a run so that nobody else may take it, or nil.
  static func living(_ syncID: SyncID, in db: Database) throws -> LeaseHolder? {
    guard let row = try row(of: syncID, in: db), isAlive(row) else { return nil }
    return holder(row)
  }

  /// The lease of a run that has this token, or nil.
  static func lease(of syncID: SyncID, token: String, in db: Database) throws -> Lease? {
    guard let row = try row(of: syncID, in: db), row["token"] == token else { return nil }
    return Lease(syncID: syncID, fence: row["fence"], token: token)
  }

  /// Whether a lease is over because its own holder has given it back.
  static func isReleased(_ lease: Lease, in db: Database) throws -> Bool {
    guard let row = try row(of: lease.syncID, in: db) else { return false }
    return row["fence"] == lease.fence && row["token"] == ""
  }

  /// Ends every right to commit for a run.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when somebody else than `owner` holds a living lease.
  static func revoke(_ syncID: SyncID, by owner: LeaseOwner, in db: Database) throws {
    if let row = try row(of: syncID, in: db), isAlive(row), holder(row).owner != owner {
      throw SinkError.fenced(holder(row))
    }
    try end(syncID, by: owner, in: db)
  }

  /// Ends every right to commit for a run, whoever has it.
  static func end(_ syncID: SyncID, by owner: LeaseOwner, in db: Database) throws {
    try db.execute(
      sql: """
        UPDATE cairn_leases SET fence = fence + 1, token = '', host = ?, pid = ?,
          process_start = ?, expires_at = \(SinkClock.now)
        WHERE sync_id = ?
        """,
      arguments: [owner.host, owner.pid, owner.processStart, syncID.description])
  }

  /// The holder in a row that has the columns of the table.
  static func holder(_ row: Row) -> LeaseHolder {
    LeaseHolder(
      owner: LeaseOwner(host: row["host"], pid: row["pid"], processStart: row["process_start"]),
      fence: row["fence"], expiresAt: row["expires_at"])
  }

  private static func row(of syncID: SyncID, in db: Database) throws -> Row? {
    try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT *, expires_at > \(SinkClock.now) AS is_leased FROM cairn_leases WHERE sync_id = ?
          """),
      arguments: [syncID.description])
  }

  /// Whether somebody holds it: not given back, not expired by the sink's clock, and its owner not
  /// known to be dead.
  private static func isAlive(_ row: Row) -> Bool {
    row["token"] != "" && row["is_leased"] == true && holder(row).owner.isAliveOnThisHost
  }

  private static func write(
    _ lease: Lease, owner: LeaseOwner, duration: Duration, in db: Database
  ) throws {
    try db.execute(
      sql: """
        INSERT INTO cairn_leases (
          sync_id, fence, token, host, pid, process_start, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, \(SinkClock.later(by: "?")))
        ON CONFLICT (sync_id) DO UPDATE SET fence = excluded.fence, token = excluded.token,
          host = excluded.host, pid = excluded.pid, process_start = excluded.process_start,
          expires_at = excluded.expires_at
        """,
      arguments: [
        lease.syncID.description, lease.fence, lease.token, owner.host, owner.pid,
        owner.processStart, duration.inSeconds,
      ])
  }
}

/// Somebody else's lease.
struct HeldLease: Error {
  var holder: LeaseHolder
}
