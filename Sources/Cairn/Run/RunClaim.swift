/// Finds the run that a load belongs to, or begins one, and takes its lease.
struct RunClaim {
  let job: Job
  let source: any Source
  let sink: any Sink
  let options: LoadOptions

  enum Result: Sendable {
    case claimed(ClaimedRun)
    /// The source was loaded before, by this run.
    case alreadyLoaded(RunRecord)
  }

  /// - Parameters:
  ///   - syncID: The id of the run, should one begin; nil for a new one.
  ///   - resolved: What is resolved already, should one begin.
  func claim(as syncID: SyncID? = nil, settings resolved: RunSettings? = nil) async throws -> Result
  {
    try await sink.prepareState()
    let found = try await source.identify()
    while true {
      let (candidates, identity) = try await sameContent(as: found)
      let decision = ClaimDecision.decide(
        candidates: candidates,
        ofThisJob: Set(try candidates.filter { try $0.isRun(of: job) }.map(\.syncID)),
        withoutRows: try await withoutRows(candidates), mode: job.sink.mode, fresh: options.fresh)
      switch decision {
      case .begin(let abandoning):
        for run in abandoning {
          try await sink.abandon(run, owner: .current())
          RunJournal(options, job: job.name, run: run).abandoned(by: job.name)
        }
        try await refuseGrownAppend(identity)
        var settings = resolved
        if settings == nil {
          settings = try await RunResolution(job: job, source: source, options: options)
            .resolve(size: identity.size)
        }
        if let settings,
          let claimed = try await begin(settings, identity: identity, syncID: syncID)
        {
          return .claimed(claimed)
        }
      // Somebody else began the same run just now: look again.
      case .resume(let run):
        return .claimed(
          try await RunLease(sink: sink, options: options, job: job.name)
            .acquire(run, identity: identity))
      case .alreadyLoaded(let run):
        return .alreadyLoaded(try record(run, in: candidates))
      case .refuseFresh(let run):
        throw LoadError.freshRefused(
          run, committedRows: try record(run, in: candidates).counts.inserted)
      case .refuseChangedJob(let run):
        throw LoadError.jobChanged(run, differences: try differences(record(run, in: candidates)))
      case .refuseAppendTwice(let run):
        throw LoadError.appendedBefore(
          run, differences: try differences(record(run, in: candidates)))
      }
    }
  }

  // MARK: Begin

  /// Begins a run under `settings`; nil when another process was quicker.
  func begin(
    _ settings: RunSettings, identity: SourceIdentity, syncID: SyncID? = nil
  ) async throws -> ClaimedRun? {
    let witness = try await sink.prepareTarget(settings.target)
    let syncID = syncID ?? SyncID(environment: options.environment)
    let folder =
      settings.usesChunkFiles
      ? FilePaths.join(FilePaths.absolute(job.checkpoint.directory), syncID.description) : nil
    let new = NewRun(
      syncID: syncID, job: job.name, table: settings.target.name, source: identity,
      sourceName: source.name, jobDigest: job.digest, resolved: try settings.text(),
      witness: witness, checkpointDirectory: folder, startedAt: options.environment.timestamp())
    switch try await sink.begin(
      new, owner: .current(), leaseDuration: options.leaseDuration)
    {
    case .began(let record, let lease):
      return ClaimedRun(
        record: record, lease: lease, settings: settings, isNew: true, identity: identity)
    case .exists:
      return nil
    }
  }

  // MARK: Content

  /// The runs into the target of a source with this content, and the identity under which they are
  /// kept: sources that share a fingerprint but differ inside are told apart by a number.
  private func sameContent(
    as found: SourceIdentity
  ) async throws -> (candidates: [RunRecord], identity: SourceIdentity) {
    var identity = found
    var variant = 1
    while true {
      let runs = try await sink.runs(
        RunFilter(table: job.sink.table, fingerprint: identity.fingerprint))
      if try await haveSameContent(runs, as: found) { return (runs, identity) }
      variant += 1
      identity.fingerprint = "\(found.fingerprint)#\(variant)"
    }
  }

  /// Whether the source is the one that these runs, which share a fingerprint, read.
  private func haveSameContent(_ runs: [RunRecord], as found: SourceIdentity) async throws -> Bool {
    if found.decidesContent { return true }
    guard let run = runs.max(by: { $0.committedChunks < $1.committedChunks }) else { return true }
    let known = run.new.source
    // An unchanged path, size and modification time spares the reading.
    if let path = known.path, path == found.path, known.size == found.size,
      known.modifiedAt == found.modifiedAt
    {
      return true
    }
    let recorded = try await RecordedSource(sink: sink, faults: options.faults).extents(of: run)
    guard !recorded.isEmpty else { return true }
    let settings = try run.settings()
    return try await source.firstDifference(from: recorded, layout: settings.layout) == nil
  }

  /// The runs whose rows are not in the target any more; asked only where it decides whether starting
  /// over loads them twice.
  private func withoutRows(_ runs: [RunRecord]) async throws -> Set<SyncID> {
    guard options.fresh, job.sink.mode == .append else { return [] }
    var found: Set<SyncID> = []
    for run in runs {
      let target = try run.settings().target
      if try await sink.targetDamage(of: run, target: target) != nil { found.insert(run.syncID) }
    }
    return found
  }

  /// A file that was still growing when an append run read it fails that run; what it had then is
  /// appended, and must not be appended again as part of the grown file.
  private func refuseGrownAppend(_ identity: SourceIdentity) async throws {
    guard job.sink.mode == .append, let path = identity.path else { return }
    let unfinished = try await sink.runs(RunFilter(table: job.sink.table, unfinishedOnly: true))
    for run in unfinished where run.new.source.path == path && run.counts.inserted > 0 {
      let recorded = try await sink.ledger(of: run.syncID).map(\.source)
      let settings = try run.settings()
      let difference = try await source.firstDifference(from: recorded, layout: settings.layout)
      if difference != 0 {
        throw LoadError.sourceChanged(
          run.syncID,
          detail: "'\(path)' begins with the \(run.counts.inserted) rows that this run appended"
            + " before it failed; appending it whole would load them twice")
      }
    }
  }

  private func record(_ run: SyncID, in candidates: [RunRecord]) throws -> RunRecord {
    guard let record = candidates.first(where: { $0.syncID == run }) else {
      throw LoadError.unknownRun(run, sink: sink.location)
    }
    return record
  }

  private func differences(_ record: RunRecord) throws -> [String] {
    let before = try record.settings().job
    return job.differences(from: before)
  }
}

/// What a load claimed, and what to load it from.
struct ClaimedLoad: Sendable {
  let result: RunClaim.Result
  /// The source, or nil when the run's own chunk files hold all of it.
  let source: (any Source)?
  /// A folder that nobody needs once the run is loaded.
  var leftover: String?
}

/// A run that this process owns.
struct ClaimedRun: Sendable {
  var record: RunRecord
  let lease: Lease
  let settings: RunSettings
  /// Whether it began just now.
  let isNew: Bool
  /// Who the source is now, or nil when it was not looked at.
  let identity: SourceIdentity?
}

/// What is recorded of the source of a run: by the ledger, and by chunk files not committed yet.
struct RecordedSource {
  let sink: any Sink
  let faults: FaultPoints

  func extents(of run: RunRecord) async throws -> [RecordedExtent] {
    var recorded: [Int: RecordedExtent] = [:]
    for entry in try await sink.ledger(of: run.syncID) { recorded[entry.chunk] = entry.source }
    if run.completedAt == nil, let path = run.new.checkpointDirectory {
      for chunk in ChunkFiles.list(path) where recorded[chunk] == nil {
        // A damaged file says nothing about the source; the load will deal with it.
        let file = try? ChunkFile.describe(FilePaths.join(path, ChunkFileName.of(chunk)))
        if let file, file.description.run == run.syncID {
          recorded[chunk] = file.description.source
        }
      }
    }
    return recorded.values.sorted { $0.extent.start.offset < $1.extent.start.offset }
  }
}
