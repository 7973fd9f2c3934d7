/// Claims a run for a source that can be read only once: standard input.
///
/// Nothing of it is committed before all of it is converted, because what was committed of an input
/// that broke off could be told from its successor by nothing. From then on the chunk files are the
/// source, and the digest of its content is its fingerprint: the same input piped again is known,
/// however it is cut.
struct InputClaim {
  let claim: RunClaim
  let progress: (@Sendable (LoadProgress) -> Void)?

  private var job: Job { claim.job }
  private var options: LoadOptions { claim.options }

  /// Converts the input, then claims.
  func claim() async throws -> ClaimedLoad {
    try await claim.sink.prepareState()
    let input = try await convert()
    let resolved = try await resolve(input)
    let store = ManifestStore(folder: input.folder, faults: options.faults)
    if var manifest = try store.read() {
      manifest.inputConverted(
        as: input.identity, resolved: try resolved.text(), jobFile: options.jobFile)
      try store.write(manifest)
    }
    options.faults.reach(.inputConverted)
    return try await claim(input, resolved: resolved)
  }

  /// Claims the run of an input that is converted.
  func claim(_ input: ConvertedInput, resolved: RunSettings) async throws -> ClaimedLoad {
    do {
      let stored = ConvertedSource(name: claim.source.name, input: input)
      let claim = RunClaim(job: job, source: stored, sink: claim.sink, options: options)
      switch try await claim.claim(as: input.syncID, settings: resolved) {
      case .alreadyLoaded(let record):
        try ChunkFiles.remove(input.folder, faults: .none)
        return ClaimedLoad(result: .alreadyLoaded(record), source: nil)
      case .claimed(let run):
        if run.record.syncID == input.syncID {
          return ClaimedLoad(result: .claimed(run), source: nil)
        }
        // The same input was piped before: that run's own chunks go on. Where they are gone, these
        // will do if they were cut alike.
        if run.settings.limits == input.limits, run.settings.layout == input.layout {
          return ClaimedLoad(result: .claimed(run), source: stored, leftover: input.folder)
        }
        try ChunkFiles.remove(input.folder, faults: .none)
        return ClaimedLoad(result: .claimed(run), source: nil)
      }
    } catch {
      throw LoadError.inputKept(input.syncID, folder: input.folder, error)
    }
  }

  private func convert() async throws -> ConvertedInput {
    let syncID = SyncID(environment: options.environment)
    let folder = FilePaths.join(
      FilePaths.absolute(job.checkpoint.directory), syncID.description)
    let layout = try await claim.source.resolve()
    let limits = ChunkLimits.resolved(
      job.checkpoint, size: nil, layout: layout, budget: options.memoryBudget)
    var conversion = Conversion(
      source: claim.source, folder: folder, compression: job.checkpoint.compression,
      options: options, progress: progress)
    conversion.destination = (job.sink.table, claim.sink.location)
    let receipt = try await conversion.convert(
      identity: SourceIdentity(fingerprint: "", path: nil, size: nil, modifiedAt: nil),
      layout: layout, limits: limits, jobDigest: job.digest, job: job.name, syncID: syncID)
    guard receipt.isComplete else {
      throw LoadError.sourceNeeded(
        syncID,
        reason: "standard input was not read to its end (\(receipt.stopped ?? "stopped"));"
          + " nothing was loaded, pipe it again")
    }
    return ConvertedInput(
      folder: folder, syncID: syncID, identity: try await claim.source.identify(), layout: layout,
      limits: limits)
  }

  private func resolve(_ input: ConvertedInput) async throws -> RunSettings {
    do {
      return try await RunResolution(
        job: job, source: ConvertedSource(name: claim.source.name, input: input), options: options
      ).resolve(size: nil)
    } catch {
      // Not even its columns fit the job: there is nothing to go on with.
      try ChunkFiles.remove(input.folder, faults: .none)
      throw error
    }
  }
}
