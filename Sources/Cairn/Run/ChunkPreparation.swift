import Parquet

/// What happens to a chunk before its turn to commit comes, on any thread: parsed or read back,
/// written to its file, validated and transformed, staged.
struct ChunkPreparation: Sendable {
  let run: RunRecord
  let settings: RunSettings
  let transform: BatchTransform
  let folder: ChunkFolder?
  let sink: any Sink
  let retry: TransientRetry
  let faults: FaultPoints
  let journal: RunJournal

  func prepare(_ chunk: ChunkSupply.Chunk) async throws -> PreparedChunk {
    var steps = StepSeconds()
    let parsed = try timed(\.parse, &steps) { try read(chunk) }
    var file: ChunkFileSummary?
    if case .stored(_, let summary) = chunk { file = summary }
    let source = RecordedExtent(extent: parsed.extent, contentDigest: parsed.contentDigest)
    if let folder, file == nil {
      let written = try timed(\.encode, &steps) {
        try folder.write(parsed, isLast: chunk.isLast)
      }
      journal.converted(source, written, seconds: steps.encode)
      file = written
    }
    faults.reach(.chunkSealed)
    let transformed = try timed(\.transform, &steps) { try transform.apply(parsed) }
    faults.reach(.chunkTransformed)
    let quality = journal.wantsQuality ? DataQuality(transformed.batch) : nil
    let work = ChunkWork(
      run: run, target: settings.target, source: source, batch: transformed.batch,
      rejects: transformed.rejects, batchRows: transformed.batchRows,
      rejected: transformed.rejected,
      makeReject: { row, column, reason in
        transformed.reject(batchRow: row, column: column, reason: reason)
      })
    let clock = ContinuousClock()
    let start = clock.now
    let staged = try await retry.run { try await sink.stage(work) }
    steps.stage += (clock.now - start).inSeconds
    faults.reach(.chunkStaged)
    var wasReused = false
    if case .stored = chunk { wasReused = true }
    return PreparedChunk(
      source: source, isLast: chunk.isLast, isFull: !chunk.isLast, weight: chunk.weight,
      storedOffset: chunk.storedOffset,
      staged: staged, file: file, wasReused: wasReused, steps: steps,
      quality: quality)
  }

  private func read(_ chunk: ChunkSupply.Chunk) throws -> SourceChunk {
    switch chunk {
    case .cut(let unparsed):
      return try unparsed.parse()
    case .stored(let description, _):
      guard let folder else { preconditionFailure("a stored chunk comes from a folder") }
      return try folder.read(description)
    }
  }

  private func timed<Result>(
    _ step: WritableKeyPath<StepSeconds, Double>, _ steps: inout StepSeconds,
    _ body: () throws -> Result
  ) rethrows -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    defer { steps[keyPath: step] += (clock.now - start).inSeconds }
    return try body()
  }
}

/// A chunk that waits for its turn to commit.
struct PreparedChunk: Sendable {
  let source: RecordedExtent
  let isLast: Bool
  /// Whether its limits cut it, not the end of the source.
  let isFull: Bool
  let weight: Int
  /// How many of the source's stored bytes were read to get here, if it was read.
  let storedOffset: UInt64?
  let staged: any StagedChunk
  let file: ChunkFileSummary?
  /// Whether it came back from its file.
  let wasReused: Bool
  let steps: StepSeconds
  /// How good its accepted rows are, if anybody wants to know.
  let quality: DataQuality?
}
