/// Finds the checkpoint that a call goes on from, or begins a run, and takes its lease.
struct EntityClaim: Sendable {
  let processor: Processor
  let partition: String
  let list: EntityList
  let files: BatchStateFiles
  /// When the call is to be over.
  let deadline: ContinuousClock.Instant?

  private var sink: any EntityBatchSink { processor.sink }
  private var options: ProcessorOptions { processor.options }

  /// What a claim comes to.
  enum Outcome: Sendable {
    /// The run is this process's.
    case claimed(ClaimedEntities)
    /// There is nothing to do.
    case completed(CompletedBefore)
  }

  /// - Throws: ``EntityBatchError``, ``SinkError``.
  func claim() async throws -> Outcome {
    var run: SyncID?
    do {
      let outcome = try await claim(finding: &run)
      switch outcome {
      case .claimed(let claimed): journal(of: claimed.checkpoint.syncID).began(claimed)
      case .completed(let before): await journal(of: before.attempt.syncID).skipped(before)
      }
      return outcome
    } catch {
      await journal(of: run).failed(error, nil)
      throw error
    }
  }

  private func journal(of run: SyncID?) -> BatchJournal {
    BatchJournal(processor, partition: partition, run: run)
  }

  /// - Parameter run: The run that was found last.
  private func claim(finding run: inout SyncID?) async throws -> Outcome {
    // Only what may be done twice: a claim whose answer was lost would find itself in the way.
    try await retry.run { try await sink.prepareState() }
    var notes: [String] = []
    let start = ContinuousClock.now
    var waiting: BatchJournal?
    defer { waiting?.waitedForOwner(ContinuousClock.now - start) }
    while true {
      let found = try await retry.run {
        try await sink.entityCheckpoints(
          EntityCheckpointFilter(processor: processor.name, partition: partition)
        ).first
      }
      run = found?.syncID
      let attempt: Attempt
      switch EntityDecision.decide(found, entities: list, policy: policy) {
      case .begin: attempt = try await begin(replacing: nil, notes)
      case .startOver(let ending, let reason):
        notes = ["started over: \(reason)"]
        attempt = try await begin(replacing: found.map { ($0, ending, reason) }, notes)
      case .resume(let note):
        guard let found else { continue }
        attempt = try await resume(found, notes + [note].compactMap(\.self))
      case .refuse(let error):
        throw error
      }
      switch attempt {
      case .claimed(let claimed): return .claimed(claimed)
      case .completed(let completed):
        var before = await before(completed)
        before.seconds = (ContinuousClock.now - start).inSeconds
        return .completed(before)
      case .lookAgain: break
      case .held(let holder):
        guard ContinuousClock.now - start < options.waitForOwner, options.stop.raised == nil else {
          throw EntityBatchError.ownedElsewhere(
            processor: processor.name, partition: partition, holder)
        }
        if waiting == nil {
          // Told once, not every second.
          let journal = journal(of: run)
          journal.waitsForOwner(holder)
          waiting = journal
        }
        try await options.environment.sleep(.seconds(1))
      }
    }
  }

  /// What came of an attempt to claim.
  private enum Attempt {
    case claimed(ClaimedEntities)
    /// The list was completed before.
    case completed(CompletedEntities)
    /// Somebody else has it.
    case held(LeaseHolder)
    /// The checkpoints are to be looked at again.
    case lookAgain
  }

  private var retry: TransientRetry {
    let stop = options.stop
    let journal = journal(of: nil)
    return TransientRetry(
      policy: options.retry, environment: options.environment,
      isStopping: { stop.raised != nil },
      retrying: { error, _, failures, wait in
        journal.retrying(error, failures: failures, wait: wait)
      }, deadline: deadline)
  }

  private var policy: EntityDecision.Policy {
    EntityDecision.Policy(
      expiry: options.expiry, addsTwice: processor.target?.addsTwice ?? false,
      startsOver: options.startOver, table: table,
      breaker: CircuitBreaker(failureLimit: options.failureLimit, coolDown: options.coolDown))
  }

  private var table: String { processor.target?.table ?? "" }

  /// Begins a run.
  private func begin(
    replacing: (run: EntityCheckpoint, as: EntityAttempt.Ending, because: String)?,
    _ notes: [String]
  ) async throws -> Attempt {
    let new = NewEntityRun(
      syncID: SyncID(environment: options.environment), processor: processor.name,
      partition: partition, total: list.count, listDigest: list.digest, table: table)
    let outcome = try await sink.beginEntities(
      new,
      replacing: replacing.map {
        (run: $0.run.syncID, completed: $0.run.completed.count, as: $0.as)
      },
      // Of no entities nothing is appended.
      unlessCompleted: policy.addsTwice && !options.appendAgain && list.count > 0,
      owner: .current(), leaseDuration: options.leaseDuration)
    switch outcome {
    case .completed(let completed): return .completed(completed)
    case .began(let checkpoint, let lease):
      if let replacing {
        files.remove(of: replacing.run.syncID)
        journal(of: replacing.run.syncID).abandoned(because: replacing.because)
      }
      return .claimed(
        ClaimedEntities(checkpoint: checkpoint, lease: lease, state: nil, notes: notes))
    // Somebody else was quicker.
    case .exists: return .lookAgain
    case .held(let holder):
      guard options.takeOver, let replacing else { return .held(holder) }
      try await end(replacing.run.syncID)
      return .lookAgain
    }
  }

  /// Reads what a completed run has kept, and deletes what it need not have: the process that completed
  /// it may have been killed before it did.
  private func before(_ completed: CompletedEntities) async -> CompletedBefore {
    let files = files
    let (state, defect) = await Task(executorPreference: WorkerExecutor.shared) {
      files.remove(of: completed.attempt.syncID, except: completed.state?.file)
      return completed.state.map(files.load) ?? (nil, nil)
    }.value
    return CompletedBefore(attempt: completed.attempt, state: state, defect: defect, table: table)
  }

  /// Takes a run from its owner, to give it up.
  private func end(_ run: SyncID) async throws {
    let outcome = try await sink.acquireEntities(
      of: run, owner: .current(), duration: options.leaseDuration, takeOver: true)
    guard case .acquired(let lease, let checkpoint) = outcome else { return }
    try await giveBack(lease, checkpoint, "taken over to start over")
  }

  /// Takes the lease of a run to go on with it.
  private func resume(_ found: EntityCheckpoint, _ notes: [String]) async throws -> Attempt {
    let outcome = try await sink.acquireEntities(
      of: found.syncID, owner: .current(), duration: options.leaseDuration,
      takeOver: options.takeOver)
    switch outcome {
    case .gone: return .lookAgain
    case .held(let holder): return .held(holder)
    case .acquired(let lease, let checkpoint):
      // Its former owner may have gone on since it was looked at, so that another list counts.
      guard case .resume = EntityDecision.decide(checkpoint, entities: list, policy: policy) else {
        try await giveBack(lease, checkpoint, nil)
        return .lookAgain
      }
      var claimed = ClaimedEntities(
        checkpoint: checkpoint, lease: lease, state: nil, notes: notes)
      guard let stored = checkpoint.state else { return .claimed(claimed) }
      let files = files
      let (state, defect) = await Task(executorPreference: WorkerExecutor.shared) {
        files.load(stored)
      }.value
      if let defect { return try await startOver(checkpoint, lease, defect) }
      claimed.state = state
      return .claimed(claimed)
    }
  }

  /// Begins anew because the state of a run is lost.
  private func startOver(
    _ checkpoint: EntityCheckpoint, _ lease: Lease, _ defect: String
  ) async throws -> Attempt {
    try await giveBack(lease, checkpoint, defect)
    let done = checkpoint.completed.count
    guard !policy.addsTwice || done == 0 else {
      throw EntityBatchError.cannotStartOver(
        processor: processor.name, partition: partition, completed: done, reason: defect)
    }
    return try await begin(
      replacing: (checkpoint, .discarded, defect), ["started over: \(defect)"])
  }

  /// Gives a run back that nothing was done with.
  private func giveBack(
    _ lease: Lease, _ checkpoint: EntityCheckpoint, _ reason: String?
  ) async throws {
    try await sink.endEntities(
      EntityEnd(ending: .stopped, error: reason, completed: checkpoint.completed), under: lease)
  }
}

/// A run over entities that this process owns.
struct ClaimedEntities: Sendable {
  var checkpoint: EntityCheckpoint
  let lease: Lease
  /// The state that was saved with the last batch.
  var state: BatchState?
  /// What was noticed.
  let notes: [String]
}
