import Cairn

/// `leases`: who may commit for a run. An empty token means that nobody may.
///
/// Ownership changes only under the ``TargetLock``.
struct LeaseTable {
  let state: StateSchema

  /// The columns of a lease under names of their own, for ``holder(_:)``.
  static func columns(_ table: String) -> String {
    """
    \(table).fence AS lease_fence, \(table).token AS lease_token, \(table).host AS lease_host, \
    \(table).pid AS lease_pid, \(table).process_start AS lease_process_start, \
    \(SinkClock.text("\(table).expires_at")) AS lease_expires, \
    \(table).expires_at > \(SinkClock.now) AND \(table).token <> '' AS lease_is_held
    """
  }

  /// The holder in a row that has ``columns(_:)``.
  static func holder(_ row: NamedRow) throws -> LeaseHolder {
    LeaseHolder(
      owner: LeaseOwner(
        host: try row.required("lease_host"), pid: Int32(try row.requiredInteger("lease_pid")),
        processStart: try row.required("lease_process_start")),
      fence: try row.requiredInteger("lease_fence"), expiresAt: try row.required("lease_expires"))
  }

  /// Makes the first lease of a run.
  func insert(
    _ syncID: SyncID, owner: LeaseOwner, duration: Duration, on connection: Connection
  ) throws -> Lease {
    let lease = Lease(syncID: syncID, fence: 1, token: Lease.randomToken())
    try write(lease, owner: owner, duration: duration, on: connection)
    return lease
  }

  /// Who holds the lease of a run so that nobody else may take it, or nil.
  func living(_ syncID: SyncID, on connection: Connection) throws -> LeaseHolder? {
    guard let row = try row(of: syncID, on: connection) else { return nil }
    return try Self.isAlive(row) ? try Self.holder(row) : nil
  }

  /// Takes the lease of a run with the next fence, whoever has it.
  func acquire(
    _ syncID: SyncID, owner: LeaseOwner, duration: Duration,
    token: String = Lease.randomToken(), on connection: Connection
  ) throws -> Lease {
    let fence = try row(of: syncID, on: connection)?.requiredInteger("lease_fence") ?? 0
    let lease = Lease(syncID: syncID, fence: fence + 1, token: token)
    try write(lease, owner: owner, duration: duration, on: connection)
    return lease
  }

  /// The lease of a run that has this token, or nil.
  func lease(of syncID: SyncID, token: String, on connection: Connection) throws -> Lease? {
    guard let row = try row(of: syncID, on: connection), try row.text("lease_token") == token
    else { return nil }
    return Lease(syncID: syncID, fence: try row.requiredInteger("lease_fence"), token: token)
  }

  /// Locks a run's lease until the transaction ends: nobody commits under it meanwhile.
  func hold(_ syncID: SyncID, on connection: Connection) throws {
    try connection.query(
      "SELECT FROM \(state.leases) WHERE sync_id = $1 FOR UPDATE", [.text(syncID.description)])
  }

  /// Forgets the leases of runs over entities, and of jobs' former runs, that have been over for a week:
  /// whoever is late for that has no lease at all.
  func prune(on connection: Connection) throws {
    try connection.query(
      """
      DELETE FROM \(state.leases) l
      WHERE l.token = '' AND l.expires_at < \(SinkClock.now) - interval '7 days'
        AND NOT EXISTS (SELECT FROM \(state.metadata) m WHERE m.sync_id = l.sync_id)
        AND NOT EXISTS (SELECT FROM \(state.checkpoints) c WHERE c.sync_id = l.sync_id)
        AND NOT EXISTS (SELECT FROM \(state.jobs) j WHERE j.sync_id = l.sync_id)
      """)
  }

  /// The fence of a run's lease; 0 when it never had one.
  func fence(of syncID: SyncID, on connection: Connection) throws -> Int64 {
    try row(of: syncID, on: connection)?.requiredInteger("lease_fence") ?? 0
  }

  /// Checks that a lease is still the one that counts: fence and token are equal.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when it is not.
  func check(_ lease: Lease, on connection: Connection) throws {
    guard let row = try row(of: lease.syncID, on: connection) else {
      throw SinkError.fatal("the database knows no run \(lease.syncID)", remedy: "")
    }
    guard try Self.isCurrent(lease, row) else { throw SinkError.fenced(try Self.holder(row)) }
  }

  /// Whether a lease is the one in a row that has ``columns(_:)``.
  static func isCurrent(_ lease: Lease, _ row: NamedRow) throws -> Bool {
    try row.integer("lease_fence") == lease.fence && row.text("lease_token") == lease.token
      && lease.token != ""
  }

  /// Prolongs a lease, in a statement of its own.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when it is not the one that counts.
  func renew(_ lease: Lease, duration: Duration, on connection: Connection) throws {
    let renewed = try connection.query(
      """
      UPDATE \(state.leases) SET expires_at = \(SinkClock.later(by: "$4"))
      WHERE sync_id = $1 AND fence = $2 AND token = $3 AND token <> ''
      """,
      [
        .text(lease.syncID.description), .integer(lease.fence), .text(lease.token),
        .text("\(duration.inSeconds)"),
      ])
    if renewed.affectedRows == 0 { try check(lease, on: connection) }
  }

  /// Gives a lease back, if it is still the one that counts.
  func release(_ lease: Lease, on connection: Connection) throws {
    try connection.query(
      """
      UPDATE \(state.leases) SET token = '', expires_at = \(SinkClock.now)
      WHERE sync_id = $1 AND fence = $2 AND token = $3
      """,
      [.text(lease.syncID.description), .integer(lease.fence), .text(lease.token)])
  }

  /// Ends every right to commit for a run.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when somebody else than `owner` holds a living lease.
  func revoke(_ syncID: SyncID, by owner: LeaseOwner, on connection: Connection) throws {
    if let holder = try living(syncID, on: connection), holder.owner != owner {
      throw SinkError.fenced(holder)
    }
    try end(syncID, by: owner, on: connection)
  }

  /// Whether a lease is over because its own holder has given it back.
  func isReleased(_ lease: Lease, on connection: Connection) throws -> Bool {
    guard let row = try row(of: lease.syncID, on: connection) else { return false }
    return try row.integer("lease_fence") == lease.fence && row.text("lease_token") == ""
  }

  /// Ends every right to commit for a run, whoever has it.
  func end(_ syncID: SyncID, by owner: LeaseOwner, on connection: Connection) throws {
    try connection.query(
      """
      UPDATE \(state.leases) SET fence = fence + 1, token = '', host = $2, pid = $3,
        process_start = $4, expires_at = \(SinkClock.now)
      WHERE sync_id = $1
      """,
      [
        .text(syncID.description), .text(owner.host), .integer(owner.pid),
        .text(owner.processStart),
      ])
  }

  private func row(of syncID: SyncID, on connection: Connection) throws -> NamedRow? {
    try connection.query(
      "SELECT \(Self.columns("l")) FROM \(state.leases) l WHERE l.sync_id = $1",
      [.text(syncID.description)]
    ).named()
  }

  /// Whether somebody holds it: not given back, not expired by the sink's clock, and its owner not
  /// known to be dead.
  private static func isAlive(_ row: NamedRow) throws -> Bool {
    try row.isTrue("lease_is_held") && holder(row).owner.isAliveOnThisHost
  }

  private func write(
    _ lease: Lease, owner: LeaseOwner, duration: Duration, on connection: Connection
  ) throws {
    try connection.query(
      """
      INSERT INTO \(state.leases) (sync_id, fence, token, host, pid, process_start, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, \(SinkClock.later(by: "$7")))
      ON CONFLICT (sync_id) DO UPDATE SET fence = excluded.fence, token = excluded.token,
        host = excluded.host, pid = excluded.pid, process_start = excluded.process_start,
        expires_at = excluded.expires_at
      """,
      [
        .text(lease.syncID.description), .integer(lease.fence), .text(lease.token),
        .text(owner.host), .integer(owner.pid), .text(owner.processStart),
        .text("\(duration.inSeconds)"),
      ])
  }
}
