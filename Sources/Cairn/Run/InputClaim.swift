/// Claims a run for a source that can be read only once: standard input.
///
/// Nothing of it is committed before all of it is converted, because what was committed of an input
/// that broke off could be told from its successor by nothing. From then on the chunk files are the
/// source, and the digest of their content is its fingerprint: the same input piped again is known.
struct InputClaim {
  let claim: RunClaim
  let progress: (@Sendable (LoadProgress) -> Void)?

  private var job: Job { claim.job }
  private var options: LoadOptions { claim.options }

  func claim() async throws -> RunClaim.Result {
    try await claim.sink.prepareState()
    let syncID = SyncID(environment: options.environment)
    let folder = FilePaths.join(
      FilePaths.absolute(job.checkpoint.directory), syncID.description)
    let layout = try await claim.source.resolve()
    let limits = ChunkLimits.resolved(
      job.checkpoint, size: nil, layout: layout, budget: options.memoryBudget)
    let conversion = Conversion(
      source: claim.source, folder: folder, compression: job.checkpoint.compression,
      options: options, progress: progress)
    let receipt = try await conversion.convert(
      identity: SourceIdentity(fingerprint: "", path: nil, size: nil, modifiedAt: nil),
      layout: layout, limits: limits, jobDigest: job.digest, job: job.name, syncID: syncID)
    guard receipt.isComplete else {
      throw LoadError.sourceNeeded(
        syncID,
        reason: "standard input was not read to its end (\(receipt.stopped ?? "stopped"));"
          + " nothing was loaded, pipe it again")
    }
    return try await claimConverted(
      ConvertedInput(folder: folder, syncID: syncID, layout: layout, limits: limits))
  }

  /// Claims the run of an input that is converted.
  private func claimConverted(_ input: ConvertedInput) async throws -> RunClaim.Result {
    let identity = SourceIdentity(
      fingerprint: "input:" + SourceDigest.of(try input.extents()), path: nil, size: nil,
      modifiedAt: nil)
    let stored = ConvertedSource(name: claim.source.name, identity: identity, input: input)
    let claim = RunClaim(job: job, source: stored, sink: claim.sink, options: options)
    let result = try await claim.claim(as: input.syncID)
    var keepsFolder = false
    if case .claimed(let run) = result { keepsFolder = run.record.syncID == input.syncID }
    // The same input was piped before: that run's own chunks go on.
    if !keepsFolder { try ChunkFiles.remove(input.folder, faults: .none) }
    return result
  }
}

/// Standard input once all of it lies in chunk files.
struct ConvertedInput: Sendable {
  let folder: String
  let syncID: SyncID
  let layout: SourceLayout
  let limits: ChunkLimits

  func path(_ chunk: Int) -> String { FilePaths.join(folder, ChunkFileName.of(chunk)) }

  func extents() throws -> [RecordedExtent] {
    try ChunkFiles.list(folder).map { chunk in
      guard let found = try ChunkFile.describe(path(chunk)) else {
        throw ChunkFileError.damaged(path: path(chunk), detail: "it is gone")
      }
      return found.description.source
    }
  }
}

/// Chunk files as a source.
struct ConvertedSource: Source {
  let name: String
  let identity: SourceIdentity
  let input: ConvertedInput

  var isRepeatable: Bool { true }

  func identify() async throws -> SourceIdentity { identity }

  func resolve() async throws -> SourceLayout { input.layout }

  func open(
    _ layout: SourceLayout, at position: SourcePosition, limits: ChunkLimits
  ) async throws -> any ChunkReader {
    StoredChunkReader(input: input, next: position.chunk)
  }

  func firstDifference(
    from recorded: [RecordedExtent], layout: SourceLayout
  ) async throws -> Int? {
    let own = try input.extents()
    return recorded.indices.first { $0 >= own.count || own[$0] != recorded[$0] }
  }
}

/// Reads chunk files in order.
private actor StoredChunkReader: ChunkReader {
  private let input: ConvertedInput
  private var chunk: Int

  init(input: ConvertedInput, next: Int) {
    self.input = input
    chunk = next
  }

  func next() async throws -> UnparsedChunk? {
    let path = input.path(chunk)
    guard let description = try ChunkFile.describe(path)?.description else { return nil }
    chunk += 1
    return UnparsedChunk(
      extent: description.source.extent, byteCount: Int(description.source.extent.bytes),
      isLast: description.isLast
    ) { try ChunkFile.read(path, description) }
  }

  func verifyUnchanged() async throws {}
}
