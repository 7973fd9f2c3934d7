import Cairn

/// What the pieces of a sink share: two connections, where state is kept, what is known of tables.
struct Server: Sendable {
  /// For transactions under the target's lock.
  let work: Lane
  /// For everything that must not wait behind them: renewing leases, reading, staging.
  let aside: Lane
  let state: StateSchema
  let shapes = ShapeCache()
  let seen = SeenKeysByRun()
  let faults: FaultPoints
  /// How long to wait for a lock.
  let patience: Duration

  var location: String { work.location }

  var runs: RunTable { RunTable(state: state) }
  var ledger: LedgerTable { LedgerTable(state: state) }
  var rejects: RejectTable { RejectTable(state: state) }
  var leases: LeaseTable { LeaseTable(state: state) }
  var entities: EntityTable { EntityTable(state: state) }
  var history: EntityHistoryTable { EntityHistoryTable(state: state) }

  var jobs: JobTable { JobTable(state: state) }
  var jobCheckpoints: JobCheckpointTable { JobCheckpointTable(state: state) }
  var jobHistory: JobHistoryTable { JobHistoryTable(state: state) }

  /// The lock of a target.
  func lock(_ identity: String, lease: Lease? = nil, mayEnd: SyncID? = nil) -> TargetLock {
    lock([identity], lease: lease, mayEnd: mayEnd)
  }

  /// The locks of several targets.
  func lock(_ identities: [String], lease: Lease? = nil, mayEnd: SyncID? = nil) -> TargetLock {
    TargetLock(
      state: state, identities: identities, lease: lease, mayEnd: mayEnd, patience: patience)
  }

  /// The shape of a table as it was last known, by the name that a user wrote.
  func shape(of table: String) async throws -> TargetShape {
    if let known = shapes.known(as: table) { return known }
    return try await aside.perform { connection in
      let name = try QualifiedName.resolve(table, on: connection)
      let shape = try shapes.read(name, on: connection)
      shapes.note(shape, as: table)
      return shape
    }
  }

  /// Does something under the lock of a target, in one durable transaction: who owns a run, and that
  /// there is one, is not forgotten by a server that crashes. Chunks may be: they are committed again.
  ///
  /// - Parameter target: Finds the target's identity.
  func transaction<Value: Sendable>(
    on target: @escaping @Sendable (Connection) throws -> String, lease: Lease? = nil,
    mayEnd: SyncID? = nil, _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws(SinkError) -> Value {
    try await work.perform { connection in
      let identity = try target(connection)
      try lock(identity, lease: lease, mayEnd: mayEnd).begin(on: connection)
      let value = try body(connection)
      try connection.commitDurably()
      return value
    }
  }
}
