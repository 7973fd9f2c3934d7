import Logging

/// Takes a claimed run from where it stands to its end.
///
/// The one place that knows the order of the steps:
///
/// ```
/// supply ─▶ prepare (parse · chunk file · validate · transform · stage) ─▶ commit ─▶ finish ─▶ clean up
/// one scan      several at once, bounded                               in chunk order
/// ```
struct LoadRunner {
  let job: Job
  let run: ClaimedRun
  let source: (any Source)?
  let sink: any Sink
  let options: LoadOptions
  let deadline: ContinuousClock.Instant?
  let transform: (@Sendable (RecordBatch) throws -> RecordBatch)?
  let progress: (@Sendable (LoadProgress) -> Void)?

  private var settings: RunSettings { run.settings }
  private var syncID: SyncID { run.record.syncID }
  private var journal: RunJournal { RunJournal(options, job: job.name, run: syncID) }

  /// Chunks that are prepared or being prepared at once, beside the one that commits.
  private var window: Int { options.workers }
  /// Raw text in preparation at once, in bytes, unless a single chunk is larger.
  private static let windowBytes = 16 << 20

  func load() async throws -> LoadOutcome {
    let began = ContinuousClock.now
    do {
      return try await LeaseKeeper(
        sink: sink, lease: run.lease, options: options, journal: journal
      ).keeping {
        try await loadUnderLease()
      }
    } catch {
      journal.failed(
        translated(error), wasResumed: !run.isNew,
        seconds: (ContinuousClock.now - began).inSeconds)
      try await fail(error)
      throw translated(error)
    }
  }

  private func loadUnderLease() async throws -> LoadOutcome {
    var account = LoadAccount(run: run, sink: sink.location, progress: progress)
    account.began()
    options.faults.reach(.runBegun)
    journal.began(run, sink: sink.location)
    var ledger = try await retry.run { try await sink.ledger(of: syncID) }
    let damage = try await retry.run {
      try await sink.targetDamage(of: run.record, target: settings.target)
    }
    if let damage {
      throw LoadError.targetDamaged(syncID, table: settings.target.name, detail: damage)
    }
    let folder = try openFolder()
    var manifest = try openManifest()
    try await retry.run {
      try await sink.update(
        RunUpdate(status: .processing, phase: "processing"), under: run.lease)
    }
    let attempt = run.record.attempt
    let began = options.environment.timestamp()
    manifest.note {
      $0.attemptBegan(attempt, status: .processing, phase: "processing", at: began)
    }
    if run.isNew { try await manifest.save() }

    let preparation = try makePreparation(folder)
    let start = ContinuousClock.now
    journal.stageBegan(RunJournal.load)
    for _ in 0..<max(1, job.retry.attempts) {
      var supply = makeSupply(ledger, folder)
      let stopped = try await withThrowingTaskGroup(of: PreparedChunk.self) { group in
        defer { group.cancelAll() }
        return try await commitAll(
          from: &supply, preparation, &group, &manifest, &account)
      }
      account.skip(supply.skipped)
      for entry in supply.skipped { manifest.note { $0.chunkCommitted(entry) } }
      if let end = supply.end {
        let time = options.environment.timestamp()
        manifest.note { $0.endKnown(end, at: time) }
        account.receipt.totalChunks = end.position.chunk
      }
      if let stopped { return try await stop(stopped, &manifest, &account) }
      ledger = try await retry.run { try await sink.ledger(of: syncID) }
      let lost = account.missing(from: ledger)
      if lost.isEmpty {
        journal.stageEnded(
          RunJournal.load, seconds: (ContinuousClock.now - start).inSeconds,
          [
            "rows": EventValue(account.receipt.attemptWork.rows),
            "chunks": EventValue(account.receipt.committedChunks),
          ])
        return try await finish(end: supply.end, ledger: ledger, &manifest, &account)
      }
      // A server that failed over, or that commits asynchronously and restarted.
      journal.chunksLost(lost.map(\.chunk))
      account.passBegins(lost: lost)
    }
    throw SinkError.unavailable("\(sink.location) keeps losing commits that it has acknowledged")
  }

  // MARK: Chunks

  /// Commits every chunk that the supply yields, in order. Returns why it stopped early, if it did.
  private func commitAll(
    from supply: inout ChunkSupply, _ preparation: ChunkPreparation,
    _ group: inout ThrowingTaskGroup<PreparedChunk, any Error>, _ manifest: inout ManifestKeeper,
    _ account: inout LoadAccount
  ) async throws -> StopReason? {
    var ready: [Int: PreparedChunk] = [:]
    var order: [Int] = []
    var weight = 0
    var isExhausted = false
    var failuresInARow = 0
    while true {
      while !isExhausted, stopReason == nil, order.count < window,
        weight < Self.windowBytes || order.isEmpty
      {
        let start = ContinuousClock.now
        let next = try await supply.next()
        account.receipt.attemptWork.steps.read += (ContinuousClock.now - start).inSeconds
        guard let next else {
          isExhausted = true
          break
        }
        order.append(next.extent.chunk)
        weight += next.weight
        group.addTask(executorPreference: WorkerExecutor.shared) {
          try await preparation.prepare(next)
        }
      }
      account.skip(supply.skipped)
      if let stopReason { return stopReason }
      guard let chunk = order.first else { return nil }
      while ready[chunk] == nil {
        guard let prepared = try await group.next() else { break }
        ready[prepared.source.extent.chunk] = prepared
      }
      guard let prepared = ready.removeValue(forKey: chunk) else { return nil }
      // Asked again: preparing may have taken long.
      if let stopReason { return stopReason }
      order.removeFirst()
      weight -= prepared.weight
      let end = try await commit(
        prepared, end: prepared.isLast ? supply.end : nil, &manifest, &account)
      switch end {
      case .committed: failuresInARow = 0
      case .failed(let reason):
        failuresInARow += 1
        if failuresInARow >= job.retry.giveUpAfter { return .sinkAway(reason) }
      case .away(let reason): return .sinkAway(reason)
      }
      try await manifest.saveIfDue()
    }
  }

  /// How the commit of a chunk ended.
  private enum CommitEnd {
    case committed
    /// The chunk failed in this attempt of the run, which goes on without it.
    case failed(String)
    /// The server is away: nothing can be committed.
    case away(String)
  }

  /// Commits one chunk, trying again after transient errors.
  private func commit(
    _ chunk: PreparedChunk, end: SourceEnd?, _ manifest: inout ManifestKeeper,
    _ account: inout LoadAccount
  ) async throws -> CommitEnd {
    let source = chunk.source
    account.prepared(chunk)
    journal.read(source, wasReused: chunk.wasReused)
    let prepared = options.environment.timestamp()
    if let file = chunk.file {
      manifest.note { $0.chunkConverted(file, source: source, at: prepared) }
    }
    manifest.note { $0.chunkProcessing(source, at: prepared) }
    let allowance = ErrorBudget.allowance(
      rows: source.extent.rows, isFull: chunk.isFull, before: account.receipt.counts,
      policy: job.errors)
    do {
      let (outcome, duration) = try await retry.run(chunk: source.extent.chunk) {
        let start = ContinuousClock.now
        if let end { try await markEnd(end) }
        let outcome = try await chunk.staged.commit(
          under: run.lease, rejectAllowance: allowance)
        return (outcome, ContinuousClock.now - start)
      }
      options.faults.reach(.commitAfter)
      account.committed(outcome, in: duration)
      if let quality = chunk.quality { account.quality += quality }
      journal.committed(outcome.entry, in: duration)
      manifest.note { $0.chunkCommitted(outcome.entry) }
      return .committed
    } catch SinkError.transient(let reason) {
      fail(source, reason, &manifest, &account)
      await chunk.staged.discard()
      return .failed(reason)
    } catch SinkError.unreachable(let reason) {
      fail(source, reason, &manifest, &account)
      await chunk.staged.discard()
      return .away(reason)
    } catch SinkError.tooManyRejects(let found, let sample) {
      throw LoadError.tooManyRejects(
        syncID, chunk: source.extent.chunk, found: found, allowed: allowance, sample: sample)
    }
  }

  private func fail(
    _ source: RecordedExtent, _ reason: String, _ manifest: inout ManifestKeeper,
    _ account: inout LoadAccount
  ) {
    let time = options.environment.timestamp()
    manifest.note { $0.chunkFailed(source, error: reason, at: time) }
    account.failed(source)
    journal.chunkFailed(source.extent.chunk, reason: reason)
  }

  private func markEnd(_ end: SourceEnd) async throws {
    options.faults.reach(.endBefore)
    try await sink.recordEnd(end, of: syncID, under: run.lease)
    options.faults.reach(.endMarked)
  }

  // MARK: End

  private func stop(
    _ reason: StopReason, _ manifest: inout ManifestKeeper, _ account: inout LoadAccount
  ) async throws -> LoadOutcome {
    let time = options.environment.timestamp()
    manifest.note { $0.runIs(.processing, phase: "stopped", error: "\(reason)", at: time) }
    try await manifest.save()
    // A sink that is away cannot be told; the lease will expire.
    try? await sink.update(
      RunUpdate(status: .processing, phase: "stopped", error: "\(reason)"), under: run.lease)
    try? await sink.release(run.lease)
    return told(.stopped(account.close(status: "STOPPED"), reason), account)
  }

  private func finish(
    end: SourceEnd?, ledger: [LedgerEntry], _ manifest: inout ManifestKeeper,
    _ account: inout LoadAccount
  ) async throws -> LoadOutcome {
    let start = ContinuousClock.now
    if !account.receipt.failedChunks.isEmpty {
      let chunks = account.receipt.failedChunks.map(String.init).joined(separator: ", ")
      return try await endPartially(
        error: "chunks that failed: \(chunks)", phase: "processing", &manifest, &account)
    }
    journal.stageBegan(RunJournal.finish)
    // A source without rows has no last chunk to carry the mark.
    if let end, run.record.end == nil, end.position.chunk == 0 { try await markEnd(end) }
    options.faults.reach(.finishBefore)
    if account.receipt.counts.rows == 0, job.errors.onEmpty == .fail {
      throw LoadError.emptySource(syncID, name: run.record.new.sourceName)
    }
    if options.refreshesViews, !job.sink.refresh.isEmpty {
      switch try await refreshViews(&account) {
      case .refreshed: break
      case .failed(let reasons):
        return try await endPartially(error: reasons, phase: "finishing", &manifest, &account)
      case .stopped(let reason): return try await stop(reason, &manifest, &account)
      }
    }
    let isPartial = account.receipt.counts.rejected > 0 && job.errors.onRejects == .partial
    let status = isPartial ? RunStatus.partialSuccess : .completed
    let record = try await retry.run {
      try await sink.finish(
        FinishRequest(status: status, target: settings.target), under: run.lease)
    }
    options.faults.reach(.finishAfter)
    account.finished(record, ledger: ledger)
    // Nothing is left to protect; a lease that could not be given back expires.
    try? await sink.release(run.lease)
    let time = options.environment.timestamp()
    manifest.note { $0.runIs(status, phase: "finished", at: time) }
    try await manifest.save()
    journal.stageEnded(RunJournal.finish, seconds: (ContinuousClock.now - start).inSeconds)
    if job.checkpoint.cleanupOnSuccess, let folder = record.new.checkpointDirectory {
      try removeChunkFiles(folder)
    }
    if settings.usesChunkFiles { await Cleanup.sweep(job, sink: sink, options: options) }
    account.receipt.attemptWork.steps.finish += (ContinuousClock.now - start).inSeconds
    let receipt = account.close(status: isPartial ? "PARTIAL_SUCCESS" : "SUCCESS")
    return told(isPartial ? .partial(receipt) : .done(receipt), account)
  }

  private func removeChunkFiles(_ folder: String) throws {
    do {
      try ChunkFiles.remove(folder, faults: options.faults)
      journal.cleanedUp(syncID)
    } catch {
      journal.cleanedUp(syncID, error: error)
      throw error
    }
  }

  private func told(_ outcome: LoadOutcome, _ account: LoadAccount) -> LoadOutcome {
    journal.ended(outcome, quality: account.quality, wasResumed: !run.isNew)
    return outcome
  }

  /// How refreshing the job's views ended.
  private enum RefreshEnd {
    case refreshed
    /// Some failed, for these reasons; a resume refreshes just those.
    case failed(String)
    case stopped(StopReason)
  }

  /// Puts the rows in their place, and then refreshes the views that show them.
  private func refreshViews(_ account: inout LoadAccount) async throws -> RefreshEnd {
    _ = try await retry.run {
      try await sink.finish(
        FinishRequest(status: .processing, target: settings.target), under: run.lease)
    }
    var reasons: [String] = []
    let start = ContinuousClock.now
    journal.stageBegan(RunJournal.refresh)
    for view in job.sink.refresh {
      if let stopReason { return .stopped(stopReason) }
      do {
        try await retry.run { try await sink.refresh(view, under: run.lease) }
      } catch let error as SinkError {
        switch error {
        case .fenced, .unreachable, .unavailable: throw error
        default:
          account.receipt.failedViews.append(view)
          reasons.append("view '\(view)' was not refreshed: \(error)")
          journal.viewFailed(view, reason: "\(error)")
        }
      }
    }
    guard reasons.isEmpty else { return .failed(reasons.joined(separator: "; ")) }
    journal.stageEnded(RunJournal.refresh, seconds: (ContinuousClock.now - start).inSeconds)
    return .refreshed
  }

  private func endPartially(
    error: String, phase: String, _ manifest: inout ManifestKeeper, _ account: inout LoadAccount
  ) async throws -> LoadOutcome {
    let time = options.environment.timestamp()
    manifest.note { $0.runIs(.partialSuccess, phase: phase, error: error, at: time) }
    try await manifest.save()
    try await sink.update(
      RunUpdate(status: .partialSuccess, phase: phase, error: error), under: run.lease)
    try await sink.release(run.lease)
    return told(.partial(account.close(status: "PARTIAL_SUCCESS")), account)
  }

  /// Records why the attempt ended, where that is still possible, and gives the lease back.
  private func fail(_ error: any Error) async throws {
    // Run and manifest are the successor's then.
    if case SinkError.fenced = error { return }
    let summary = ErrorSummary.of(error)
    if let path = run.record.new.checkpointDirectory, DurableFile.isFolder(path) {
      let time = options.environment.timestamp()
      let store = ManifestStore(folder: path, faults: .none)
      // The manifest is a picture: that it cannot be drawn must not hide the error itself.
      if var manifest = try? store.read() {
        manifest.runIs(.failed, phase: manifest.phase, error: summary, at: time)
        try? store.write(manifest)
      }
    }
    try? await sink.update(
      RunUpdate(status: .failed, phase: "failed", error: summary), under: run.lease)
    try? await sink.release(run.lease)
  }

  private func translated(_ error: any Error) -> any Error {
    if case SinkError.fenced(let holder) = error { return LoadError.overtaken(syncID, holder) }
    if let contradiction = error as? TypeContradiction {
      return LoadError.inferenceContradicted(
        syncID, contradiction, job: settings.job)
    }
    return error
  }

  // MARK: Parts

  /// Whether the claim found the source to be the one the run began with.
  private var isSourceVerified: Bool { run.identity != nil }

  private var retry: TransientRetry {
    TransientRetry(
      policy: job.retry, environment: options.environment, isStopping: { stopReason != nil },
      retrying: { journal.retrying($0, chunk: $1, failures: $2, wait: $3) })
  }

  private var stopReason: StopReason? {
    if let raised = options.stop.raised { return raised }
    if let deadline, ContinuousClock.now >= deadline { return .deadline }
    return nil
  }

  private func openFolder() throws -> ChunkFolder? {
    guard let path = run.record.new.checkpointDirectory else { return nil }
    try DurableFile.createFolder(path)
    return ChunkFolder(
      path: path, run: syncID, fingerprint: run.record.new.source.fingerprint,
      jobDigest: run.record.new.jobDigest, compression: job.checkpoint.compression,
      faults: options.faults)
  }

  private func openManifest() throws -> ManifestKeeper {
    let new = run.record.new
    var blank = Manifest(
      syncID: syncID, sourceFile: new.sourceName, sourcePath: new.source.path ?? new.sourceName,
      fileSizeBytes: new.source.size ?? 0, chunkSize: settings.limits.rows,
      createdAt: new.startedAt, attempt: run.record.attempt,
      sourceFingerprint: new.source.fingerprint, jobDigest: new.jobDigest, job: new.job,
      table: new.table, sink: sink.location, jobFile: settings.jobFile)
    if let end = run.record.end { blank.endKnown(end, at: new.startedAt) }
    guard let folder = new.checkpointDirectory else { return ManifestKeeper(new: blank) }
    let store = ManifestStore(folder: folder, faults: options.faults)
    guard !run.isNew else { return ManifestKeeper(new: blank, store: store) }
    return try ManifestKeeper(resuming: blank, store: store, logger: options.logger)
  }

  private func makeSupply(_ ledger: [LedgerEntry], _ folder: ChunkFolder?) -> ChunkSupply {
    let recorded = RecordedSource(sink: sink, faults: options.faults)
    let record = run.record
    return ChunkSupply(
      run: syncID, layout: settings.layout, limits: settings.limits, end: record.end,
      ledger: ledger, folder: folder,
      source: SourceAccess(
        run: syncID, known: record.new.source, name: record.new.sourceName, source: source,
        recorded: { try await recorded.extents(of: record) },
        isTrusted: run.isNew || isSourceVerified),
      journal: journal)
  }

  private func makePreparation(_ folder: ChunkFolder?) throws -> ChunkPreparation {
    let new = run.record.new
    var batchTransform = try BatchTransform(
      columns: settings.columns, rules: job.rules, source: job.source, layout: settings.layout,
      lineage: LineageValues(file: new.sourceName, run: syncID, startedAt: new.startedAt),
      raw: job.errors.raw, contradictionsStop: settings.areInferred && job.columns == nil)
    batchTransform.userTransform = transform
    return ChunkPreparation(
      run: run.record, settings: settings, transform: batchTransform, folder: folder, sink: sink,
      retry: retry, faults: options.faults, journal: journal)
  }
}
