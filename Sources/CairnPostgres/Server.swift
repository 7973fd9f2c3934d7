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

  /// The lock of a target.
  func lock(_ identity: String, lease: Lease? = nil, mayEnd: SyncID? = nil) -> TargetLock {
    TargetLock(
      state: state, identity: identity, lease: lease, mayEnd: mayEnd, patience: patience)
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
