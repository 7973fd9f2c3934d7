import Logging

/// Loads a source into a sink, through chunks that outlive the process.
///
/// Safe to repeat: an unfinished run of the same job and source is resumed, a finished one is
/// reported and nothing is done. Stopping on a deadline is an outcome, not an error. When the task is
/// cancelled the load stops after the commit in flight.
///
/// The job's ``Job/alerts`` are the caller's to send, with `send(_:by:)` of `CairnAlerts`: a load
/// opens no sockets of its own.
///
/// - Parameters:
///   - job: What to load and how it is checked.
///   - source: Where the rows come from.
///   - sink: Where they go.
///   - deadline: How long the load may take, from now; nil for no limit.
///   - options: How it is run.
///   - transform: Changes each batch of accepted rows before it goes to the sink; it must keep the
///     number and order of rows, and the columns' names and types.
///   - progress: Called once the run is known and after every chunk, from any thread.
/// - Returns: How it ended, with its receipt.
/// - Throws: ``LoadError``, ``SourceError``, ``SinkError``, ``ManifestError``, ``FileError``.
public func load(
  _ job: Job, from source: some Source, into sink: some Sink, deadline: Duration? = nil,
  options: LoadOptions = LoadOptions(),
  transform: (@Sendable (RecordBatch) throws -> RecordBatch)? = nil,
  progress: (@Sendable (LoadProgress) -> Void)? = nil
) async throws -> LoadOutcome {
  let end = deadline.map { ContinuousClock.now + $0 }
  return try await stoppable(options.stop) {
    let claim = RunClaim(job: job, source: source, sink: sink, options: options)
    let claimed = try await journalingFailure(job: job.name, options) {
      source.isRepeatable
        ? ClaimedLoad(result: try await claim.claimOrResumeMissing(), source: source)
        : try await InputClaim(claim: claim, progress: progress).claim()
    }
    return try await load(
      claimed, job: job, into: sink, options: options, deadline: end, transform: transform,
      progress: progress)
  }
}

/// Loads what was claimed.
func load(
  _ claimed: ClaimedLoad, job: Job, into sink: some Sink, options: LoadOptions,
  deadline: ContinuousClock.Instant?,
  transform: (@Sendable (RecordBatch) throws -> RecordBatch)?,
  progress: (@Sendable (LoadProgress) -> Void)?
) async throws -> LoadOutcome {
  switch claimed.result {
  case .alreadyLoaded(let record):
    return try await alreadyLoaded(record, job: job, sink: sink, options: options)
  case .claimed(let run):
    let outcome = try await LoadRunner(
      job: job, run: run, source: claimed.source, sink: sink, options: options,
      deadline: deadline, transform: transform, progress: progress
    ).load()
    if let leftover = claimed.leftover, case .done = outcome {
      try ChunkFiles.remove(leftover, faults: .none)
    }
    return outcome
  }
}

/// Goes on with an unfinished run.
///
/// - Parameters:
///   - syncID: The run.
///   - job: The job as it is now, whose limits and settings count, or nil for the job as it was.
///   - source: The run's source, or nil when it is converted already.
///   - sink: The run's sink.
///   - deadline: How long it may take, from now; nil for no limit.
///   - options: How it is run.
///   - transform: As the run's `load` had it.
///   - progress: Called after every chunk, from any thread.
/// - Returns: How it ended, with its receipt.
/// - Throws: As ``load(_:from:into:deadline:options:transform:progress:)``.
public func resume(
  _ syncID: SyncID, job: Job? = nil, from source: (any Source)?, into sink: some Sink,
  deadline: Duration? = nil, options: LoadOptions = LoadOptions(),
  transform: (@Sendable (RecordBatch) throws -> RecordBatch)? = nil,
  progress: (@Sendable (LoadProgress) -> Void)? = nil
) async throws -> LoadOutcome {
  let end = deadline.map { ContinuousClock.now + $0 }
  return try await stoppable(options.stop) {
    let record = try await journalingFailure(job: job?.name, run: syncID, options) {
      try await sink.prepareState()
      guard
        let record = try await sink.runs(RunFilter(syncID: syncID, includesAbandoned: true)).first
      else { throw LoadError.unknownRun(syncID, sink: sink.location) }
      return record
    }
    if let abandonedAt = record.abandonedAt {
      throw LoadError.unreadableRun(syncID, detail: "it was abandoned at \(abandonedAt)")
    }
    let settings = try record.settings()
    let job = job ?? settings.job
    guard record.completedAt == nil else {
      return try await alreadyLoaded(record, job: job, sink: sink, options: options)
    }
    guard try record.isRun(of: job) else {
      throw LoadError.jobChanged(syncID, differences: job.differences(from: settings.job))
    }
    let run = try await journalingFailure(job: job.name, run: syncID, options) {
      try await RunLease(sink: sink, options: options, job: job.name)
        .acquire(syncID, identity: nil)
    }
    return try await LoadRunner(
      job: job, run: run, source: source, sink: sink, options: options, deadline: end,
      transform: transform, progress: progress
    ).load()
  }
}

/// The receipt of a run that was finished before.
private func alreadyLoaded(
  _ record: RunRecord, job: Job, sink: some Sink, options: LoadOptions
) async throws -> LoadOutcome {
  var receipt = Receipt(
    syncID: record.syncID, job: record.new.job, source: record.new.sourceName,
    table: record.new.table, sink: sink.location,
    status: record.status == .partialSuccess ? "PARTIAL_SUCCESS" : "SUCCESS",
    attempt: record.attempt)
  receipt.counts = record.counts
  receipt.committedChunks = record.committedChunks
  receipt.totalChunks = record.end?.position.chunk
  receipt.sourceDigest = SourceDigest.of(try await sink.ledger(of: record.syncID).map(\.source))
  receipt.wasLoadedBefore = true
  RunJournal(options, job: job.name, run: record.syncID).skipped(receipt)
  // A clean-up that was killed is completed.
  if job.checkpoint.cleanupOnSuccess, let folder = record.new.checkpointDirectory {
    try ChunkFiles.remove(folder, faults: .none)
  }
  return .done(receipt)
}

/// Finds or takes a run, and tells the journal when that fails; what fails later tells its runner.
func journalingFailure<Found>(
  job: String?, run: SyncID? = nil, _ options: LoadOptions, _ find: () async throws -> Found
) async throws -> Found {
  let start = ContinuousClock.now
  do {
    return try await find()
  } catch {
    let run = run ?? (error as? LoadError)?.syncID
    RunJournal(options, job: job ?? "", run: run)
      .failed(
        error, wasResumed: false, seconds: (ContinuousClock.now - start).inSeconds)
    throw error
  }
}

/// Runs `work` so that cancelling the task raises `stop` instead of tearing a commit.
func stoppable<Result: Sendable>(
  _ stop: StopRequest, _ work: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  let task = Task(executorPreference: WorkerExecutor.shared) { try await work() }
  return try await withTaskCancellationHandler {
    try await task.value
  } onCancel: {
    stop.raise(.cancelled)
  }
}

extension RunClaim {
  /// Claims; when the source is missing, goes on with the one unfinished run that began with it,
  /// whose chunks may hold all of it.
  fileprivate func claimOrResumeMissing() async throws -> Result {
    do {
      return try await claim()
    } catch let error as SourceError {
      guard case .missing(let path) = error else { throw error }
      let runs = try await sink.runs(RunFilter(table: job.sink.table, unfinishedOnly: true))
        .filter {
          try $0.new.source.path == FilePaths.absolute(path) && $0.isRun(of: job)
        }
      guard runs.count == 1, let run = runs.first, !options.fresh else { throw error }
      return .claimed(
        try await RunLease(sink: sink, options: options, job: job.name)
          .acquire(run.syncID, identity: nil))
    }
  }
}
