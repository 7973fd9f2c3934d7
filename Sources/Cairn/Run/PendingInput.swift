/// Standard input that is converted to its end, but whose run has not begun in its sink: the process
/// died in between, or the sink refused.
public struct PendingInput: Sendable {
  /// The id that its run will have.
  public let syncID: SyncID
  /// Where its sink is, without secrets.
  public let sink: String?
  /// What was resolved for its run.
  public let settings: RunSettings

  let identity: SourceIdentity
  let sourceName: String
  let folder: String

  /// The inputs that wait in a folder of checkpoints, oldest first. One whose run has begun all the
  /// same is among them until that run writes its manifest.
  public static func find(in directory: String) -> [PendingInput] {
    let directory = FilePaths.absolute(directory)
    return ChunkFiles.names(directory).sorted().compactMap { name in
      guard let syncID = SyncID(name) else { return nil }
      let folder = FilePaths.join(directory, name)
      // What cannot be read is not known to be complete.
      guard let manifest = try? ManifestStore(folder: folder, faults: .none).read(),
        let text = manifest.resolved,
        let settings = try? RunSettings(text: text, of: syncID)
      else { return nil }
      return PendingInput(
        syncID: syncID, sink: manifest.sink, settings: settings,
        identity: SourceIdentity(
          fingerprint: manifest.sourceFingerprint, path: nil, size: nil, modifiedAt: nil),
        sourceName: manifest.sourceFile, folder: folder)
    }
  }

  var converted: ConvertedInput {
    ConvertedInput(
      folder: folder, syncID: syncID, identity: identity, layout: settings.layout,
      limits: settings.limits)
  }

  /// What a resume would do.
  ///
  /// - Throws: ``ChunkFileError`` when a chunk file is damaged.
  public func plan() throws -> ResumePlan {
    let extents = try converted.extents()
    return ResumePlan(
      ledger: [], stored: extents,
      end: SourceEnd(position: extents.last?.extent.end ?? .start))
  }
}

/// Begins the run of an input that is converted, and loads it.
///
/// - Parameters:
///   - input: The input.
///   - job: The job as it is now, or nil for the job as it was. How the text is split may not have
///     changed.
///   - sink: The sink it was meant for.
///   - deadline: How long it may take, from now; nil for no limit.
///   - options: How it is run.
///   - transform: As the `load` had it.
///   - progress: Called after every chunk, from any thread.
/// - Returns: How it ended, with its receipt.
/// - Throws: As ``load(_:from:into:deadline:options:transform:progress:)``.
public func resume(
  _ input: PendingInput, job: Job? = nil, into sink: some Sink, deadline: Duration? = nil,
  options: LoadOptions = LoadOptions(),
  transform: (@Sendable (RecordBatch) throws -> RecordBatch)? = nil,
  progress: (@Sendable (LoadProgress) -> Void)? = nil
) async throws -> LoadOutcome {
  let end = deadline.map { ContinuousClock.now + $0 }
  let job = job ?? input.settings.job
  return try await stoppable(options.stop) {
    let claimed = try await journalingFailure(job: job.name, run: input.syncID, options) {
      try await sink.prepareState()
      let changes = LandingSettings(job).differences(from: LandingSettings(input.settings.job))
        .filter { $0.hasPrefix("source.") }
      guard changes.isEmpty else {
        throw LoadError.jobChanged(input.syncID, differences: changes)
      }
      var options = options
      options.jobFile = options.jobFile ?? input.settings.jobFile
      let stored = ConvertedSource(name: input.sourceName, input: input.converted)
      let claim = RunClaim(job: job, source: stored, sink: sink, options: options)
      let settings = try await RunResolution(job: job, source: stored, options: options)
        .resolve(size: nil)
      return try await InputClaim(claim: claim, progress: progress)
        .claim(input.converted, resolved: settings)
    }
    return try await load(
      claimed, job: job, into: sink, options: options, deadline: end, transform: transform,
      progress: progress)
  }
}
