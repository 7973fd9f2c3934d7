import Cairn

/// The one lock per target under which chunks are committed, runs begin and end, and leases change
/// hands: a transaction's advisory lock, so that it also works through PgBouncer.
///
/// Since nobody changes who owns a run without this lock, a fence that was checked under it holds
/// until the transaction ends, and renewing a lease need not wait for a commit.
///
/// A second, shared advisory lock says for which run and under which fence its holder works. Whoever
/// waits for long looks there, and ends the holder's backend when the holder's lease is over: a
/// stopped process holds up nobody.
struct TargetLock {
  /// Cairn's state.
  let state: StateSchema
  /// The targets' identities; those of a page are several, and none if it has no rows.
  let identities: [String]
  /// The lease under which the caller works, if it has one.
  var lease: Lease?
  /// A run whose holder the caller may end whatever its lease says.
  var mayEnd: SyncID?
  /// How long to wait in all.
  var patience: Duration

  /// How long to wait before looking who holds the lock.
  private static let firstLook: Duration = .seconds(1)

  /// The key of the advisory lock of a name: FNV-1a, which every version of Cairn must keep.
  static func key(of name: String) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in "cairn \(name)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return Int64(bitPattern: hash)
  }

  /// SQL that says, until the transaction ends, for which run and under which fence the backend works.
  static func workSQL(_ lease: Lease, state: StateSchema) -> String {
    let run = workKey(of: "'\(lease.syncID)'", state: state)
    return "SELECT pg_advisory_xact_lock_shared(\(run), \(Int32(truncatingIfNeeded: lease.fence)))"
  }

  /// SQL for the first key of the lock that says for which run a backend works.
  ///
  /// - Parameter syncID: SQL for the run.
  fileprivate static func workKey(of syncID: String, state: StateSchema) -> String {
    "hashtext(\(state.name.quotedLiteral) || ' ' || \(syncID))"
  }

  /// The same as `pg_locks` shows it.
  fileprivate static func workClass(of syncID: String, state: StateSchema) -> String {
    "(\(workKey(of: syncID, state: state))::bigint + 4294967296) % 4294967296"
  }

  /// Ends the backends that work for a run under another fence than its lease's: those of a former
  /// owner, which may be stopped while it holds locks.
  static func endFormerWorkers(
    under lease: Lease, state: StateSchema, on connection: Connection
  ) throws {
    let workers = try connection.query(
      """
      SELECT pid FROM pg_locks
      WHERE locktype = 'advisory' AND objsubid = 2 AND mode = 'ShareLock'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint = \(workClass(of: "$1", state: state))
        AND objid::bigint <> $2 AND pid <> pg_backend_pid()
      """, [.text(lease.syncID.description), .integer(lease.fence % 4_294_967_296)])
    for worker in workers.namedRows {
      try LockHolder(
        backend: try worker.requiredInteger("pid"), syncID: lease.syncID, isOver: true
      ).end(on: connection)
    }
  }

  /// The locks, in the order in which everybody takes them, so that nobody waits in a circle.
  private var keys: [Int64] { Set(identities.map(Self.key(of:))).sorted() }

  /// Begins a transaction that holds the locks.
  ///
  /// - Throws: ``SinkError/transient(_:)`` when somebody holds one for too long, saying who.
  func begin(on connection: Connection) throws {
    // Statements in one message: one round trip. All values are numbers or a checked id.
    let locks = keys.map { "SELECT pg_advisory_xact_lock(\($0));\n" }.joined()
    var begin = """
      BEGIN ISOLATION LEVEL READ COMMITTED;
      SET LOCAL lock_timeout = '\(Self.firstLook.inMilliseconds)ms';
      \(locks)SET LOCAL lock_timeout = '\(patience.inMilliseconds)ms';
      SET LOCAL idle_in_transaction_session_timeout = '60s';
      SET LOCAL datestyle = 'ISO';
      SET LOCAL jit = off
      """
    if let lease { begin += ";\n" + Self.workSQL(lease, state: state) }
    let clock = ContinuousClock()
    let end = clock.now + patience
    while true {
      do {
        try connection.execute(begin)
        return
      } catch let failure as PostgresFailure where failure.state == "55P03" {
        try connection.execute("ROLLBACK")
        let holder = try keys.lazy.compactMap {
          try LockHolder.find(key: $0, state: state, on: connection)
        }.first
        if let holder, holder.isOver || (mayEnd != nil && holder.syncID == mayEnd) {
          try holder.end(on: connection)
          continue
        }
        guard clock.now < end else {
          throw SinkError.transient(
            "the target \(identities.joined(separator: ", ")) has been locked for \(patience)"
              + (holder.map { ", by \($0.description)" } ?? ""))
        }
      }
    }
  }
}

/// The backend that holds a target's lock.
struct LockHolder: CustomStringConvertible {
  /// The backend.
  var backend: Int64
  /// The run it works for, if it said so and Cairn's state knows the run.
  var syncID: SyncID?
  /// The process that owned the run, as far as is known.
  var owner: LeaseOwner?
  /// Whether its lease has expired, was given back or was taken over, or its process is dead.
  var isOver: Bool

  var description: String {
    "backend \(backend)"
      + (syncID.map { " for run \($0)" } ?? "")
      + (owner.map { " of process \($0.pid) on \($0.host)" } ?? "")
  }

  /// Looks who holds an advisory lock.
  static func find(
    key: Int64, state: StateSchema, on connection: Connection
  ) throws -> LockHolder? {
    let bits = UInt64(bitPattern: key)
    let found = try connection.query(
      """
      SELECT held.pid AS backend, l.sync_id, l.host, l.pid, l.process_start,
        l.fence = worked.objid::bigint AS is_owner,
        l.token = '' OR l.expires_at <= \(SinkClock.now)
          OR l.fence % 4294967296 <> worked.objid::bigint AS is_over
      FROM pg_locks held
      LEFT JOIN pg_locks worked ON worked.pid = held.pid AND worked.locktype = 'advisory'
        AND worked.database = held.database AND worked.objsubid = 2
        AND worked.mode = 'ShareLock' AND worked.granted
      LEFT JOIN \(state.leases) l
        ON \(TargetLock.workClass(of: "l.sync_id", state: state)) = worked.classid::bigint
      WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
        AND held.classid::bigint = $1 AND held.objid::bigint = $2
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      """, [.integer(bits >> 32), .integer(bits & 0xFFFF_FFFF)])
    guard let row = found.named() else { return nil }
    var holder = LockHolder(
      backend: try row.requiredInteger("backend"), isOver: try row.isTrue("is_over"))
    guard let text = try row.text("sync_id") else { return holder }
    holder.syncID = SyncID(text)
    if try row.isTrue("is_owner") {
      let owner = LeaseOwner(
        host: try row.required("host"), pid: Int32(try row.requiredInteger("pid")),
        processStart: try row.required("process_start"))
      holder.owner = owner
      if !owner.isAliveOnThisHost { holder.isOver = true }
    }
    return holder
  }

  /// Ends the backend, and with it its transaction.
  func end(on connection: Connection) throws {
    do {
      // Waits until it is gone, at most five seconds.
      try connection.query("SELECT pg_terminate_backend($1, 5000)", [.integer(backend)])
    } catch let failure as PostgresFailure where failure.state == "42501" {
      throw SinkError.transient(
        "the target is locked by \(description), whose lease is over, and this role may not end it: "
          + failure.message)
    }
  }
}

extension Duration {
  /// The duration in whole milliseconds, at least 1.
  var inMilliseconds: Int { max(1, Int(inSeconds * 1_000)) }
}
