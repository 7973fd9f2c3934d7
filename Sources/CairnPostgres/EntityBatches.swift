public import Cairn

extension PostgresSink: EntityBatchSink {
  /// The checkpoints that satisfy a filter; none while there are no state tables.
  public func entityCheckpoints(
    _ filter: EntityCheckpointFilter
  ) async throws -> [EntityCheckpoint] {
    try await readingEntities { [server] in try server.entities.select(filter, on: $0) } ?? []
  }

  /// Begins a run, decided under a lock of the processor and partition.
  public func beginEntities(
    _ new: NewEntityRun, replacing: (run: SyncID, completed: Int, as: EntityAttempt.Ending)?,
    unlessCompleted: Bool, owner: LeaseOwner, leaseDuration: Duration
  ) async throws -> EntityBeginOutcome {
    return try await server.transaction(on: Self.lock(of: new.key)) { [server] connection in
      let found = try server.entities.select(
        EntityCheckpointFilter(processor: new.processor, partition: new.partition), on: connection
      ).first
      if let found {
        guard let replacing, found.syncID == replacing.run else { return .exists(found) }
        if let holder = try server.leases.living(found.syncID, on: connection) {
          return .held(holder)
        }
        // Its owner may be committing, though its lease has run out: looked at again when nobody can.
        try server.endWorkers(of: found.syncID, on: connection)
        try server.leases.hold(found.syncID, on: connection)
        let held = try server.entities.checkpoint(of: found.syncID, on: connection)
        guard let held, held.completed.count == replacing.completed else { return .exists(found) }
      }
      // Looked at after the checkpoint: an end that is committed between the two is seen here.
      if unlessCompleted, let completed = try server.history.completed(new, on: connection) {
        return .completed(completed)
      }
      if let found, let replacing {
        try server.entities.discard(found, as: replacing.as, on: connection)
      }
      try server.leases.prune(on: connection)
      try server.entities.insert(new, on: connection)
      let lease = try server.leases.insert(
        new.syncID, owner: owner, duration: leaseDuration, on: connection)
      guard let checkpoint = try server.entities.checkpoint(of: new.syncID, on: connection) else {
        throw SinkError.fatal("the checkpoint that was just made is gone", remedy: "")
      }
      return .began(checkpoint, lease)
    }
  }

  /// Takes the lease of a run, by the server's clock, and counts a new attempt. A backend that still
  /// works for the run's former owner is ended first.
  public func acquireEntities(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> EntityLeaseOutcome {
    let key = try await server.aside.perform { [server] in
      try server.entities.checkpoint(of: syncID, on: $0)?.key
    }
    guard let key else { return .gone }
    return try await server.transaction(on: Self.lock(of: key)) { [server] connection in
      if !takeOver, let holder = try server.leases.living(syncID, on: connection) {
        return .held(holder)
      }
      try server.endWorkers(of: syncID, on: connection)
      guard try server.entities.checkpoint(of: syncID, on: connection) != nil else { return .gone }
      // Waits for a mark of the former owner that is being committed.
      let lease = try server.leases.acquire(
        syncID, owner: owner, duration: duration, on: connection)
      guard let found = try server.entities.checkpoint(of: syncID, on: connection) else {
        return .gone
      }
      if found.isOpen { try server.history.insert(.crashed, of: syncID, on: connection) }
      try server.entities.beginAttempt(syncID, on: connection)
      guard let checkpoint = try server.entities.checkpoint(of: syncID, on: connection) else {
        return .gone
      }
      return .acquired(lease, checkpoint)
    }
  }

  /// Encodes rows, without any lock.
  public func stage(_ work: EntityWork) async throws -> any StagedEntities {
    var shape: TargetShape?
    if let rows = work.rows { shape = try await server.shape(of: rows.target.name) }
    return try await StagedPostgresEntities(work, shape: shape, server: server)
  }

  /// The statement that commits a mark on another connection to the same database.
  public func markStatement(for mark: EntityMark, under lease: Lease) -> MarkStatement {
    EntityMarkSQL(state: server.state).statement(for: mark, under: lease)
  }

  /// Records that a batch failed. Fenced.
  public func recordEntityFailure(_ error: String, under lease: Lease) async throws {
    try await server.transaction(on: Self.lock(of: lease.syncID.description)) {
      [server] connection in
      try server.holdLease(lease, on: connection)
      try server.entities.recordFailure(error, of: lease.syncID, on: connection)
    }
  }

  /// Ends an attempt; durable whatever the server's `synchronous_commit` is.
  @discardableResult
  public func endEntities(_ end: EntityEnd, under lease: Lease) async throws -> [SyncID] {
    let name = end.replacement?.table
    let identity: @Sendable (Connection) throws -> String = { connection in
      guard let name else { return "entities \(lease.syncID)" }
      return try QualifiedName.resolve(name, on: connection).identity
    }
    return try await server.transaction(on: identity, lease: lease) { [server] connection in
      var dropped: [SyncID] = []
      let syncID = lease.syncID
      // The answer to an earlier try may have been lost.
      if end.ending == .completed, try server.history.isCompleted(syncID, on: connection) {
        return []
      }
      try server.holdLease(lease, on: connection)
      guard let found = try server.entities.checkpoint(of: syncID, on: connection) else {
        throw SinkError.fatal("the checkpoint of run \(syncID) is gone", remedy: "")
      }
      if end.ending == .completed {
        guard found.completed == end.completed, found.completed.contains(0..<found.total) else {
          throw SinkError.incomplete(
            "run \(syncID) is not complete: \(found.completed.count) of \(found.total) entities"
              + " are done")
        }
        if let replacement = end.replacement {
          try PartitionSwap(replacement: replacement, syncID: syncID, server: server)
            .run(on: connection)
        }
        server.faults.reach(.entitiesReplaced)
        if found.total > 0 {
          dropped = try server.history.dropStates(
            of: found.new, olderThan: end.stateExpiry, on: connection)
        }
      }
      try server.history.insert(
        end.ending, of: syncID, error: end.error, batches: end.batches,
        markSeconds: end.markSeconds, keepsState: end.keepsState, on: connection)
      if end.ending == .completed {
        try server.entities.remove(syncID, on: connection)
      } else {
        try server.entities.endAttempt(syncID, error: end.error, on: connection)
      }
      try server.leases.release(lease, on: connection)
      return dropped
    }
  }

  /// The attempts that satisfy a filter; none while there are no state tables.
  public func entityAttempts(_ filter: EntityAttemptFilter) async throws -> [EntityAttempt] {
    try await readingEntities { [server] in try server.history.select(filter, on: $0) } ?? []
  }

  /// Deletes checkpoints that nobody goes on with.
  public func removeEntityCheckpoints(olderThan age: Duration) async throws -> [EntityCheckpoint] {
    let stale = try await entityCheckpoints(EntityCheckpointFilter()).filter { $0.age > age }
    var removed: [EntityCheckpoint] = []
    for checkpoint in stale {
      let isRemoved = try await server.transaction(on: Self.lock(of: checkpoint.key)) {
        [server] connection in
        let syncID = checkpoint.syncID
        guard try server.leases.living(syncID, on: connection) == nil,
          let found = try server.entities.checkpoint(of: syncID, on: connection), found.age > age
        else { return false }
        try server.endWorkers(of: syncID, on: connection)
        try server.entities.discard(found, as: .cleaned, on: connection)
        return true
      }
      if isRemoved { removed.append(checkpoint) }
    }
    return removed
  }

  /// What is locked while it is decided who works on a processor's partition.
  private static func lock(of key: String) -> @Sendable (Connection) throws -> String {
    { _ in "entities \(key)" }
  }

  /// Reads the tables of entity batches; nil where an older version of the state has none.
  private func readingEntities<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value? {
    try await reading { [server] connection -> Value? in
      guard try server.state.versionFound(on: connection) >= StateSchema.firstWithEntities else {
        return nil
      }
      return try body(connection)
    } ?? nil
  }
}

extension Server {
  /// Checks a lease and keeps others from taking it over until the transaction ends.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when it is not the one that counts.
  func holdLease(_ lease: Lease, on connection: Connection) throws {
    try connection.query(
      "SELECT FROM \(state.leases) WHERE sync_id = $1 FOR SHARE",
      [.text(lease.syncID.description)])
    try leases.check(lease, on: connection)
  }

  /// Ends the backends that work for a run under the fence that it has or had: before it is taken
  /// over, since one that is stopped may hold the lease's row.
  func endWorkers(of syncID: SyncID, on connection: Connection) throws {
    let next = Lease(
      syncID: syncID, fence: try leases.fence(of: syncID, on: connection) + 1, token: "")
    try TargetLock.endFormerWorkers(under: next, state: state, on: connection)
  }
}
