import Logging

/// Finds the checkpoint that a call goes on from, or begins a run, and takes its lease.
struct EntityClaim: Sendable {
  let processor: Processor
  let partition: String
  let list: EntityList
  let files: BatchStateFiles

  private var sink: any EntityBatchSink { processor.sink }
  private var options: ProcessorOptions { processor.options }

  /// - Throws: ``EntityBatchError``, ``SinkError``.
  func claim() async throws -> ClaimedEntities {
    try await sink.prepareState()
    var notes: [String] = []
    let start = ContinuousClock.now
    while true {
      let found = try await sink.entityCheckpoints(
        EntityCheckpointFilter(processor: processor.name, partition: partition)
      ).first
      switch EntityDecision.decide(found, entities: list, policy: policy) {
      case .begin:
        if let claimed = try await begin(replacing: nil, notes, since: start) { return claimed }
      case .startOver(let ending, let reason):
        notes = ["started over: \(reason)"]
        let replaced = found.map { (run: $0.syncID, as: ending) }
        if let claimed = try await begin(replacing: replaced, notes, since: start) {
          return claimed
        }
      case .resume(let note):
        guard let found else { continue }
        if let claimed = try await resume(found, notes + [note].compactMap(\.self), since: start) {
          return claimed
        }
      case .refuse(let error):
        throw error
      }
    }
  }

  private var policy: EntityDecision.Policy {
    EntityDecision.Policy(
      expiry: options.expiry, addsTwice: processor.target?.addsTwice ?? false,
      startsOver: options.startOver, table: table,
      breaker: CircuitBreaker(failureLimit: options.failureLimit, coolDown: options.coolDown))
  }

  private var table: String { processor.target?.table ?? "" }

  /// Begins a run; nil when the checkpoints are to be looked at again.
  private func begin(
    replacing: (run: SyncID, as: EntityAttempt.Ending)?, _ notes: [String],
    since start: ContinuousClock.Instant
  ) async throws -> ClaimedEntities? {
    let new = NewEntityRun(
      syncID: SyncID(environment: options.environment), processor: processor.name,
      partition: partition, total: list.count, listDigest: list.digest, table: table)
    let outcome = try await sink.beginEntities(
      new, replacing: replacing, owner: .current(), leaseDuration: options.leaseDuration)
    switch outcome {
    case .began(let checkpoint, let lease):
      if let replacing { files.remove(of: replacing.run) }
      for note in notes { log(note) }
      return ClaimedEntities(checkpoint: checkpoint, lease: lease, state: nil, notes: notes)
    // Somebody else was quicker.
    case .exists: return nil
    case .held(let holder):
      if options.takeOver, let replacing {
        try await end(replacing.run)
      } else {
        try await wait(for: holder, since: start)
      }
      return nil
    }
  }

  /// Takes a run from its owner, to give it up.
  private func end(_ run: SyncID) async throws {
    let outcome = try await sink.acquireEntities(
      of: run, owner: .current(), duration: options.leaseDuration, takeOver: true)
    guard case .acquired(let lease, let checkpoint) = outcome else { return }
    try await giveBack(lease, checkpoint, "taken over to start over")
  }

  /// Takes the lease of a run to go on with it; nil when the checkpoints are to be looked at again.
  private func resume(
    _ found: EntityCheckpoint, _ notes: [String], since start: ContinuousClock.Instant
  ) async throws -> ClaimedEntities? {
    let outcome = try await sink.acquireEntities(
      of: found.syncID, owner: .current(), duration: options.leaseDuration,
      takeOver: options.takeOver)
    switch outcome {
    case .gone: return nil
    case .held(let holder):
      try await wait(for: holder, since: start)
      return nil
    case .acquired(let lease, let checkpoint):
      // Its former owner may have gone on since it was looked at, so that another list counts.
      guard case .resume = EntityDecision.decide(checkpoint, entities: list, policy: policy) else {
        try await giveBack(lease, checkpoint, nil)
        return nil
      }
      guard let stored = checkpoint.state else {
        for note in notes { log(note) }
        return ClaimedEntities(checkpoint: checkpoint, lease: lease, state: nil, notes: notes)
      }
      let files = files
      let (state, defect) = await Task(executorPreference: WorkerExecutor.shared) {
        files.load(stored)
      }.value
      guard let defect else {
        for note in notes { log(note) }
        return ClaimedEntities(checkpoint: checkpoint, lease: lease, state: state, notes: notes)
      }
      return try await startOver(checkpoint, lease, defect)
    }
  }

  /// Begins anew because the state of a run is lost.
  private func startOver(
    _ checkpoint: EntityCheckpoint, _ lease: Lease, _ defect: String
  ) async throws -> ClaimedEntities? {
    try await giveBack(lease, checkpoint, defect)
    let done = checkpoint.completed.count
    guard !policy.addsTwice || done == 0 else {
      throw EntityBatchError.cannotStartOver(
        processor: processor.name, partition: partition, completed: done, reason: defect)
    }
    return try await begin(
      replacing: (checkpoint.syncID, .discarded), ["started over: \(defect)"],
      since: ContinuousClock.now)
  }

  /// Gives a run back that nothing was done with.
  private func giveBack(
    _ lease: Lease, _ checkpoint: EntityCheckpoint, _ reason: String?
  ) async throws {
    try await sink.endEntities(
      EntityEnd(ending: .stopped, error: reason, completed: checkpoint.completed), under: lease)
  }

  private func wait(
    for holder: LeaseHolder, since start: ContinuousClock.Instant
  ) async throws {
    guard ContinuousClock.now - start < options.waitForOwner, options.stop.raised == nil else {
      throw EntityBatchError.ownedElsewhere(
        processor: processor.name, partition: partition, holder)
    }
    options.logger.notice("waiting for the owner of the batches", metadata: ["owner": "\(holder)"])
    try await options.environment.sleep(.seconds(1))
  }

  private func log(_ note: String) {
    options.logger.notice(
      "\(note)", metadata: ["processor": "\(processor.name)", "partition": "\(partition)"])
  }
}

/// A run over entities that this process owns.
struct ClaimedEntities: Sendable {
  var checkpoint: EntityCheckpoint
  let lease: Lease
  /// The state that was saved with the last batch.
  let state: BatchState?
  /// What was noticed.
  let notes: [String]
}
