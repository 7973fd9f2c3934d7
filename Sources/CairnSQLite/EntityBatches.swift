public import Cairn
import GRDB

extension SQLiteSink: EntityBatchSink {
  /// The checkpoints that satisfy a filter; none while there is no database file.
  public func entityCheckpoints(
    _ filter: EntityCheckpointFilter
  ) async throws -> [EntityCheckpoint] {
    try await readingEntities { try EntityTable.select(filter, in: $0) } ?? []
  }

  /// Begins a run, decided under the write lock.
  public func beginEntities(
    _ new: NewEntityRun, replacing: (run: SyncID, completed: Int, as: EntityAttempt.Ending)?,
    unlessCompleted: Bool, owner: LeaseOwner, leaseDuration: Duration
  ) async throws -> EntityBeginOutcome {
    return try await file.transaction { db in
      let found = try EntityTable.select(
        EntityCheckpointFilter(processor: new.processor, partition: new.partition), in: db
      ).first
      if let found {
        guard let replacing, found.syncID == replacing.run,
          found.completed.count == replacing.completed
        else { return .exists(found) }
        if let holder = try LeaseTable.living(found.syncID, in: db) { return .held(holder) }
      }
      if unlessCompleted, let completed = try EntityHistoryTable.completed(new, in: db) {
        return .completed(completed)
      }
      if let found, let replacing {
        try EntityTable.discard(found, as: replacing.as, in: db)
      }
      try LeaseTable.prune(in: db)
      try EntityTable.insert(new, in: db)
      let lease = try LeaseTable.insert(
        new.syncID, owner: owner, duration: leaseDuration, in: db)
      guard let checkpoint = try EntityTable.checkpoint(of: new.syncID, in: db) else {
        throw SinkError.fatal("the checkpoint that was just made is gone", remedy: "")
      }
      return .began(checkpoint, lease)
    }
  }

  /// Takes the lease of a run, by SQLite's clock, and counts a new attempt.
  public func acquireEntities(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> EntityLeaseOutcome {
    try await file.transaction { db in
      guard let found = try EntityTable.checkpoint(of: syncID, in: db) else { return .gone }
      let result = try LeaseTable.acquire(
        syncID, owner: owner, duration: duration, takeOver: takeOver, in: db)
      switch result {
      case .failure(let held): return .held(held.holder)
      case .success(let lease):
        if found.isOpen { try EntityHistoryTable.insert(.crashed, of: syncID, in: db) }
        try EntityTable.beginAttempt(syncID, in: db)
        guard let checkpoint = try EntityTable.checkpoint(of: syncID, in: db) else { return .gone }
        return .acquired(lease, checkpoint)
      }
    }
  }

  /// Prepares values for binding, without the database's lock.
  public func stage(_ work: EntityWork) async throws -> any StagedEntities {
    guard let rows = work.rows else {
      return try StagedSQLiteEntities(work, table: nil, shape: nil, file: file, faults: faults)
    }
    let table = try tableName(rows.target.name)
    let shape: TargetShape
    if let known = file.shapes[table] {
      shape = known
    } else {
      shape = try await file.write { [file] db in try file.shapes.current(table, in: db) }
    }
    return try classifying {
      try StagedSQLiteEntities(work, table: table, shape: shape, file: file, faults: faults)
    }
  }

  /// The statement that commits a mark on another connection to the same file.
  public func markStatement(for mark: EntityMark, under lease: Lease) -> MarkStatement {
    EntityMarkSQL.statement(for: mark, under: lease)
  }

  /// Records that a batch failed. Fenced.
  public func recordEntityFailure(_ error: String, under lease: Lease) async throws {
    try await file.transaction { db in
      try LeaseTable.check(lease, in: db)
      try EntityTable.recordFailure(error, of: lease.syncID, in: db)
    }
  }

  /// Ends an attempt.
  @discardableResult
  public func endEntities(_ end: EntityEnd, under lease: Lease) async throws -> [SyncID] {
    let faults = faults
    return try await file.transaction { [file] db in
      let syncID = lease.syncID
      var dropped: [SyncID] = []
      // The answer to an earlier try may have been lost.
      if end.ending == .completed, try EntityHistoryTable.isCompleted(syncID, in: db) { return [] }
      try LeaseTable.check(lease, in: db)
      guard let found = try EntityTable.checkpoint(of: syncID, in: db) else {
        throw SinkError.fatal("the checkpoint of run \(syncID) is gone", remedy: "")
      }
      if end.ending == .completed {
        guard found.completed == end.completed, found.completed.contains(0..<found.total) else {
          throw SinkError.incomplete(
            "run \(syncID) is not complete: \(found.completed.count) of \(found.total) entities"
              + " are done")
        }
        if let replacement = end.replacement {
          try PartitionSwap(replacement: replacement, syncID: syncID, shapes: file.shapes)
            .run(in: db)
        }
        faults.reach(.entitiesReplaced)
        if found.total > 0 {
          dropped = try EntityHistoryTable.dropStates(
            of: found.new, olderThan: end.stateExpiry, in: db)
        }
      }
      try EntityHistoryTable.insert(
        end.ending, of: syncID, error: end.error, batches: end.batches,
        markSeconds: end.markSeconds, keepsState: end.keepsState, in: db)
      if end.ending == .completed {
        try EntityTable.remove(syncID, in: db)
      } else {
        try EntityTable.endAttempt(syncID, error: end.error, in: db)
      }
      try LeaseTable.release(lease, in: db)
      return dropped
    }
  }

  /// The attempts that satisfy a filter; none while there is no database file.
  public func entityAttempts(_ filter: EntityAttemptFilter) async throws -> [EntityAttempt] {
    try await readingEntities { try EntityHistoryTable.select(filter, in: $0) } ?? []
  }

  /// Deletes checkpoints that nobody goes on with.
  public func removeEntityCheckpoints(olderThan age: Duration) async throws -> [EntityCheckpoint] {
    guard try await readingEntities({ _ in true }) == true else { return [] }
    return try await file.transaction { db in
      let stale = try EntityTable.select(EntityCheckpointFilter(), in: db).filter {
        try $0.age > age && LeaseTable.living($0.syncID, in: db) == nil
      }
      for checkpoint in stale { try EntityTable.discard(checkpoint, as: .cleaned, in: db) }
      return stale
    }
  }

  /// Reads the tables of entity batches; nil where an older version of the state has none.
  private func readingEntities<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value? {
    let path = path
    return try await reading { db -> Value? in
      guard try StateSchema.versionFound(db, path: path) >= StateSchema.firstWithEntities else {
        return nil
      }
      return try body(db)
    } ?? nil
  }
}
