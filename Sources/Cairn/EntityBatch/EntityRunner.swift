/// Takes a processor's work on a partition from where it stands to its end.
///
/// The one place that knows the order of the steps:
///
/// ```
/// claim ─▶ restore state ─▶ [ body ─▶ state durable ─▶ rows + mark, one transaction ]… ─▶ end
/// ```
struct EntityRunner: Sendable {
  private let processor: Processor
  private let run: ClaimedEntities
  private let pieces: [Range<Int>]
  private let deadline: ContinuousClock.Instant?
  private let files: BatchStateFiles
  private let journal: BatchJournal
  private let start = ContinuousClock.now
  private var progress: EntityProgress
  private var report: EntityBatchReport
  private var lastState: BatchState?
  /// Where the last mark has it.
  private var stored: StoredState?
  private var failuresInARow: Int
  /// Whether batches go one after the other, so that there is a state after each.
  private var savesState = true
  private var rows: BatchRows
  /// Whether state files of earlier marks may be there.
  private var hasStateFiles = true
  /// Seconds from the begin to the first commit of this attempt.
  private var secondsToFirstBatch: Double?

  private var sink: any EntityBatchSink { processor.sink }
  private var options: ProcessorOptions { processor.options }
  private var lease: Lease { run.lease }
  private var list: EntityList { progress.list }

  /// What a call begins with.
  enum Beginning: Sendable {
    /// Its run.
    case begun(EntityRunner)
    /// What there is to say of the run that has done it all.
    case completed(CompletedBefore)
  }

  /// Claims the run, unless there is nothing to do.
  static func begin(
    processor: Processor, partition: String, list: EntityList, size: BatchSize,
    deadline: ContinuousClock.Instant?
  ) async throws -> Beginning {
    if case .entities(let count) = size, count < 1 {
      throw EntityBatchError.invalid("a batch cannot have \(count) entities; say 1 or more")
    }
    let files = BatchStateFiles(
      folder: processor.options.stateFolder.map(FilePaths.absolute),
      inlineLimit: processor.options.inlineStateLimit, faults: processor.options.faults)
    let outcome = try await EntityClaim(
      processor: processor, partition: partition, list: list, files: files, deadline: deadline
    ).claim()
    switch outcome {
    case .completed(let before): return .completed(before)
    case .claimed(let run):
      return .begun(
        try await EntityRunner(
          run, processor: processor, list: list, files: files, size: size, deadline: deadline))
    }
  }

  /// Takes up a run that is claimed.
  private init(
    _ run: ClaimedEntities, processor: Processor, list: EntityList, files: BatchStateFiles,
    size: BatchSize, deadline: ContinuousClock.Instant?
  ) async throws {
    self.run = run
    self.processor = processor
    self.files = files
    self.deadline = deadline
    let checkpoint = run.checkpoint
    let partition = checkpoint.new.partition
    journal = BatchJournal(processor, partition: partition, run: checkpoint.syncID)
    progress = EntityProgress(list, completed: checkpoint.completed)
    lastState = run.state
    stored = checkpoint.state
    failuresInARow = checkpoint.failuresInARow
    let batchSize: Int
    do {
      rows = try BatchRows(
        processor: processor, partition: partition, stored: checkpoint.target)
      switch size {
      case .entities(let count): batchSize = count
      case .auto:
        let attempts = try await processor.sink.entityAttempts(
          EntityAttemptFilter(processor: processor.name, limit: 1_000))
        batchSize = UnitsPerMark.entities(in: History(entityAttempts: attempts), total: list.count)
      }
    } catch {
      try? await processor.sink.release(run.lease)
      await journal.failed(error, nil)
      throw error
    }
    pieces = checkpoint.completed.remaining(of: list.count, inPiecesOf: batchSize)
    report = EntityBatchReport(
      syncID: checkpoint.syncID, processor: processor.name, partition: partition,
      attempt: checkpoint.attempt, total: list.count,
      completedBefore: checkpoint.completed.count, completed: checkpoint.completed.count,
      batchSize: batchSize, notes: run.notes)
  }

  // MARK: One after the other

  /// Processes batches one after the other, where the caller runs.
  nonisolated(nonsending) mutating func run<Entity>(
    _ entities: [Entity], restore: (BatchState?) throws -> Void,
    _ body: nonisolated(nonsending) (EntityBatch<Entity>) async throws -> BatchResult
  ) async throws -> EntityBatchOutcome {
    let renewal = renewal
    // Cancelled and waited for on every way out.
    async let _ = renewal.untilCancelled()
    do {
      try restore(lastState)
      for positions in pieces {
        while true {
          if let reason = stopReason { return try await stop(reason) }
          let result: BatchResult
          do {
            result = try await body(batch(entities, positions, isAlone: true))
          } catch {
            if let outcome = try await fail(error) { return outcome }
            let wait = backoff(failuresInARow)
            if isTooLate(after: wait) { return try await stop(.deadline) }
            try await options.environment.sleep(wait)
            // The body may have gone half the way.
            try restore(lastState)
            continue
          }
          try await commit(result, positions)
          break
        }
      }
      return try await finish()
    } catch {
      return try await ended(by: error)
    }
  }

  /// Deals with an error of a body.
  ///
  /// - Parameter isLast: Whether the batch is passed over if trying again might help.
  /// - Returns: An outcome when the work is to stop; nil when the batch is to be tried again.
  /// - Throws: The error, when trying again would not help.
  private mutating func fail(
    _ error: any Error, isLast: Bool = false
  ) async throws -> EntityBatchOutcome? {
    if error is CancellationError { throw error }
    failuresInARow += 1
    let text = Self.text(of: error)
    try await retry.run { try await sink.recordEntityFailure(text, under: lease) }
    guard options.isTransient(error) else {
      tellFailure(error)
      throw error
    }
    if breaker.opens(after: failuresInARow) {
      tellFailure(error)
      journal.circuitOpened(failuresInARow, text)
      return try await stop(.circuitOpen(text))
    }
    if !isLast { journal.retrying(error, failures: failuresInARow) }
    return nil
  }

  private func tellFailure(_ error: any Error) {
    journal.batchFailed(error, completed: progress.completed.count, total: list.count)
  }

  // MARK: Several at once

  /// Processes several batches at once.
  mutating func run<Entity: Sendable>(
    _ entities: [Entity], atOnce: Int,
    _ body: @escaping @Sendable (EntityBatch<Entity>) async throws -> BatchResult
  ) async throws -> EntityBatchOutcome {
    let renewal = renewal
    async let _ = renewal.untilCancelled()
    savesState = false
    do {
      if run.state != nil {
        throw EntityBatchError.oneAtATime("the checkpoint of '\(processor.name)' has state, which")
      }
      return try await withThrowingTaskGroup(of: Computed.self) { group in
        defer { group.cancelAll() }
        return try await runAtOnce(entities, atOnce, &group, body)
      }
    } catch {
      return try await ended(by: error)
    }
  }

  private struct Computed: Sendable {
    var positions: Range<Int>
    /// How often it was tried, this time included.
    var tries: Int
    var result: Result<BatchResult, any Error>
  }

  private mutating func runAtOnce<Entity: Sendable>(
    _ entities: [Entity], _ atOnce: Int,
    _ group: inout ThrowingTaskGroup<Computed, any Error>,
    _ body: @escaping @Sendable (EntityBatch<Entity>) async throws -> BatchResult
  ) async throws -> EntityBatchOutcome {
    var waiting = pieces.map { (positions: $0, tries: 0) }[...]
    var inWork = 0
    var stopping: StopReason?
    while true {
      while stopping == nil, inWork < atOnce, let next = waiting.popFirst() {
        let batch = batch(entities, next.positions, isAlone: false)
        let pause = next.tries > 0 ? backoff(next.tries) : .zero
        if pause > .zero, isTooLate(after: pause) {
          stopping = .deadline
          break
        }
        let sleep = options.environment.sleep
        let tries = next.tries + 1
        group.addTask {
          do {
            if pause > .zero { try await sleep(pause) }
            let result = try await body(batch)
            return Computed(positions: batch.positions, tries: tries, result: .success(result))
          } catch {
            return Computed(positions: batch.positions, tries: tries, result: .failure(error))
          }
        }
        inWork += 1
      }
      guard let computed = try await group.next() else { break }
      inWork -= 1
      switch computed.result {
      case .success(let result): try await commit(result, computed.positions)
      case .failure(let error):
        let isLast = computed.tries >= options.retry.attempts
        if let outcome = try await fail(error, isLast: isLast) { return outcome }
        if !isLast {
          waiting.append((computed.positions, computed.tries))
        } else {
          passOver(computed.positions, error)
        }
      }
      // What is computed already is committed; nothing new begins.
      stopping = stopping ?? stopReason
    }
    if let stopping { return try await stop(stopping) }
    guard report.failed.isEmpty else { return try await endPartially() }
    return try await finish()
  }

  private mutating func passOver(_ positions: Range<Int>, _ error: any Error) {
    tellFailure(error)
    report.failed.append(
      EntityBatchReport.FailedBatch(
        positions: positions, firstID: list.ids[positions.lowerBound],
        lastID: list.ids[positions.upperBound - 1], error: Self.text(of: error)))
  }

  // MARK: Commit

  private mutating func batch<Entity>(
    _ entities: [Entity], _ positions: Range<Int>, isAlone: Bool
  ) -> EntityBatch<Entity> {
    var marking: EntityMarking?
    if isAlone {
      marking = EntityMarking(
        sink: sink, lease: lease, files: files, mark: progress.mark(of: positions, target: nil))
    }
    return EntityBatch(
      entities: Array(entities[positions]), ids: Array(list.ids[positions]), positions: positions,
      total: list.count, partition: run.checkpoint.new.partition,
      state: isAlone ? lastState : nil, marking: marking)
  }

  private mutating func commit(_ result: BatchResult, _ positions: Range<Int>) async throws {
    options.faults.reach(.batchComputed)
    var mark = progress.mark(of: positions, target: nil)
    if result.isMarked {
      try await confirm(mark)
      failuresInARow = 0
      tell(CommittedBatch(of: mark, positions))
      return
    }
    let state = try result.state()
    var committed = CommittedBatch(of: mark, positions)
    committed.stateBytes = state?.bytes.count ?? 0
    let start = ContinuousClock.now
    if let state {
      guard savesState else { throw EntityBatchError.oneAtATime("state") }
      let files = files
      let lease = lease
      mark.state = try await Task(executorPreference: WorkerExecutor.shared) {
        try files.store(state, under: lease)
      }.value
    }
    var seconds = (ContinuousClock.now - start).inSeconds
    let taken = try rows.take(result, &mark)
    if let target = taken?.target { try await rows.prepare(target, retry: retry) }
    let work = EntityWork(run: run.checkpoint.syncID, rows: taken)
    let staged = try await retry.run { try await sink.stage(work) }
    let committing = mark
    let outcome: EntityCommitOutcome
    let commitStart = ContinuousClock.now
    do {
      outcome = try await retry.run { try await staged.commit(committing, under: lease) }
    } catch SinkError.tooManyRejects(let found, let sample) {
      let error = EntityBatchError.rowsRefused(
        first: list.ids[positions.lowerBound], last: list.ids[positions.upperBound - 1],
        found: found, sample: sample)
      tellFailure(error)
      throw error
    }
    options.faults.reach(.batchAfter)
    seconds += (ContinuousClock.now - commitStart).inSeconds
    switch outcome {
    case .committed(let counts, let spent):
      report.counts += counts
      committed.counts = counts
      seconds -= spent.merge + spent.copy + spent.lock
    case .alreadyCommitted: break
    case .behind(let found):
      throw EntityBatchError.commitsLost(
        processor: processor.name, partition: run.checkpoint.new.partition,
        completed: found.count)
    }
    progress.committed(mark, seconds: max(seconds, 0))
    failuresInARow = 0
    committed.seconds = (ContinuousClock.now - start).inSeconds
    committed.markSeconds = max(seconds, 0)
    tell(committed)
    let former = lastState
    lastState = state
    stored = mark.state
    if former != nil || state != nil { removeFormerState(except: stored?.file) }
  }

  /// Deletes the state of earlier marks.
  ///
  /// - Parameter kept: The file that the last mark names.
  private mutating func removeFormerState(except kept: String?) {
    guard kept != nil || hasStateFiles else { return }
    files.remove(of: lease, except: kept)
    hasStateFiles = kept != nil
  }

  private mutating func tell(_ batch: CommittedBatch) {
    secondsToFirstBatch = secondsToFirstBatch ?? (ContinuousClock.now - start).inSeconds
    journal.committed(batch)
  }

  /// Makes sure that a batch which the program marked itself is committed.
  private mutating func confirm(_ mark: EntityMark) async throws {
    if processor.target?.partitionColumn != nil {
      throw EntityBatchError.noTarget(
        "processor '\(processor.name)' replaces a partition, for which its rows must be returned,"
          + " not written by itself")
    }
    let found = try await retry.run {
      try await sink.entityCheckpoints(
        EntityCheckpointFilter(
          processor: processor.name, partition: run.checkpoint.new.partition)
      ).first
    }
    guard let found, found.syncID == lease.syncID, found.completed == mark.completed else {
      throw EntityBatchError.markRefused(
        "the body said that the batch is marked, but the database does not know of it"
          + " (was its transaction committed?)")
    }
    options.faults.reach(.batchAfter)
    progress.committed(mark, seconds: 0)
    let former = lastState
    stored = found.state
    if let stored {
      let files = files
      lastState = await Task(executorPreference: WorkerExecutor.shared) {
        files.load(stored).state
      }.value
    } else {
      lastState = nil
    }
    if former != nil || stored != nil { removeFormerState(except: stored?.file) }
  }

  // MARK: End

  private mutating func finish() async throws -> EntityBatchOutcome {
    try await markShorterList()
    options.faults.reach(.entitiesDone)
    var end = end(.completed, nil)
    end.replacement = rows.replacement
    // A call that finds the list completed computes nothing, yet may be asked for the state.
    end.keepsState = processor.target?.addsTwice ?? false
    end.stateExpiry = options.expiry
    let ending = end
    let forgotten: [SyncID]
    do {
      forgotten = try await retry.run { try await sink.endEntities(ending, under: lease) }
    } catch SinkError.incomplete {
      let found = try await sink.entityCheckpoints(
        EntityCheckpointFilter(
          processor: processor.name, partition: run.checkpoint.new.partition)
      ).first
      throw EntityBatchError.commitsLost(
        processor: processor.name, partition: run.checkpoint.new.partition,
        completed: found?.completed.count ?? 0)
    }
    options.faults.reach(.entitiesCleared)
    files.remove(of: lease.syncID, except: ending.keepsState ? stored?.file : nil)
    for run in forgotten { files.remove(of: run) }
    return await concluded(.done(finalReport()))
  }

  /// Where a list has lost entities behind what is done, there may be no batch left whose mark would say
  /// so, and the end would miss those that are gone.
  private mutating func markShorterList() async throws {
    let known = run.checkpoint
    guard progress.batches == 0, known.new.listDigest != list.digest else { return }
    var mark = progress.mark(of: 0..<0, target: nil)
    mark.batches = 0
    mark.state = stored
    let marking = mark
    let outcome = try await retry.run {
      try await sink.stage(EntityWork(run: lease.syncID)).commit(marking, under: lease)
    }
    if case .behind(let found) = outcome {
      throw EntityBatchError.commitsLost(
        processor: processor.name, partition: known.new.partition, completed: found.count)
    }
  }

  private func concluded(_ outcome: EntityBatchOutcome) async -> EntityBatchOutcome {
    await journal.ended(outcome, secondsToFirstBatch: secondsToFirstBatch)
    return outcome
  }

  private mutating func endPartially() async throws -> EntityBatchOutcome {
    let error = report.failed.last?.error
    let end = end(.failed, error)
    _ = try await retry.run { try await sink.endEntities(end, under: lease) }
    return await concluded(.partial(finalReport()))
  }

  private mutating func stop(_ reason: StopReason) async throws -> EntityBatchOutcome {
    var end = end(.stopped, reason.description)
    // The next call is told what failed, not that it was stopped for it.
    if case .circuitOpen(let error) = reason { end = self.end(.failed, error) }
    do {
      try await sink.endEntities(end, under: lease)
    } catch SinkError.fenced(let holder) {
      throw overtaken(holder)
    } catch {
      // The next call finds out; what was committed is committed.
      journal.endNotRecorded(error)
    }
    return await concluded(.stopped(finalReport(), reason))
  }

  /// Records that the work ended by an error, as far as that can be.
  ///
  /// - Returns: The outcome, where the error only means to go on later.
  /// - Throws: The error, where it does not.
  private mutating func ended(by error: any Error) async throws -> EntityBatchOutcome {
    do {
      return try await settled(error)
    } catch {
      await journal.failed(error, finalReport())
      throw error
    }
  }

  private mutating func settled(_ error: any Error) async throws -> EntityBatchOutcome {
    switch error {
    case is CancellationError: return try await stop(.cancelled)
    case SinkError.fenced(let holder):
      // Its state may have been written for a mark that did not come about. While the successor is at
      // it, one of its marks may name the same file.
      let found = try? await sink.entityCheckpoints(
        EntityCheckpointFilter(
          processor: processor.name, partition: run.checkpoint.new.partition))
      if let found, !found.contains(where: { $0.syncID == lease.syncID }) {
        // What its successor has kept of a run that is completed stays.
        files.remove(of: lease, except: stored?.file)
      }
      throw overtaken(holder)
    case SinkError.loadUnfinished: return try await stop(.loadUnfinished("\(error)"))
    case let error as SinkError where ErrorClass.of(error) == .transient:
      return try await stop(.sinkAway("\(error)"))
    default:
      let end = end(.failed, Self.text(of: error))
      _ = try? await sink.endEntities(end, under: lease)
      throw error
    }
  }

  private func end(_ ending: EntityAttempt.Ending, _ error: String?) -> EntityEnd {
    EntityEnd(
      ending: ending, error: error, completed: progress.completed, batches: progress.batches,
      markSeconds: progress.markSeconds)
  }

  private mutating func finalReport() -> EntityBatchReport {
    report.completed = progress.completed.count
    report.batches = progress.batches
    report.markSeconds = progress.markSeconds
    report.state = lastState
    report.seconds = (ContinuousClock.now - start).inSeconds
    return report
  }

  // MARK: Parts

  private var renewal: LeaseRenewal {
    LeaseRenewal(
      sink: sink, lease: lease, duration: options.leaseDuration,
      failed: { [journal] error in journal.leaseNotRenewed(error) })
  }

  private var breaker: CircuitBreaker {
    CircuitBreaker(failureLimit: options.failureLimit, coolDown: options.coolDown)
  }

  private var retry: TransientRetry {
    let stop = options.stop
    let journal = journal
    return TransientRetry(
      policy: options.retry, environment: options.environment,
      isStopping: { stop.raised != nil },
      retrying: { error, _, failures, wait in
        journal.retrying(error, failures: failures, wait: wait)
      }, deadline: deadline)
  }

  private func backoff(_ failures: Int) -> Duration {
    Backoff.wait(
      afterFailures: failures, policy: options.retry, random: options.environment.random())
  }

  /// Whether the deadline passes before a wait is over.
  private func isTooLate(after wait: Duration) -> Bool {
    deadline.map { ContinuousClock.now + wait >= $0 } ?? false
  }

  private var stopReason: StopReason? {
    if let raised = options.stop.raised { return raised }
    if let deadline, ContinuousClock.now >= deadline { return .deadline }
    return Task.isCancelled ? .cancelled : nil
  }

  private func overtaken(_ holder: LeaseHolder) -> EntityBatchError {
    .overtaken(
      processor: processor.name, partition: run.checkpoint.new.partition, holder)
  }

  /// What is kept of an error: its beginning.
  private static func text(of error: any Error) -> String {
    String(ErrorSummary.of(error).prefix(500))
  }
}
