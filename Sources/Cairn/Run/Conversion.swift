import Logging
import Parquet

/// Phase 1 alone: a source into a folder of chunk files, with a manifest.
struct Conversion {
  let source: any Source
  let folder: String
  let compression: ChunkCompression
  let options: LoadOptions
  let progress: (@Sendable (LoadProgress) -> Void)?
  /// Table and sink that the chunks are meant for, if they are to be loaded.
  var destination: (table: String, sink: String)?

  private var window: Int { options.workers + 1 }
  private static let windowBytes = 16 << 20

  /// Converts what is not converted yet.
  ///
  /// - Parameters:
  ///   - limits: When a chunk ends; pinned by the first conversion.
  ///   - jobDigest: Of what decides how the source is parsed.
  ///   - syncID: The run's id, if it is given by the caller.
  func convert(
    identity: SourceIdentity, layout: SourceLayout, limits: ChunkLimits, jobDigest: String,
    job: String, syncID: SyncID? = nil
  ) async throws -> ConversionReceipt {
    let start = ContinuousClock.now
    try DurableFile.createFolder(folder)
    let lock = try FolderLock(folder)
    defer { lock.release() }
    let store = ManifestStore(folder: folder, faults: options.faults)
    let earlier = try earlierConversion(store)
    if let earlier, !options.fresh {
      try await refuseOther(earlier, identity: identity, layout: layout, jobDigest: jobDigest)
    } else {
      try removeChunks()
    }
    let reused = options.fresh ? nil : earlier
    let run = reused?.run ?? syncID ?? SyncID(environment: options.environment)
    var limits = limits
    if let rows = reused?.chunkRows { limits.rows = rows }
    let journal = RunJournal(options, job: job, run: run)
    let chunks = ChunkFolder(
      path: folder, run: run, fingerprint: identity.fingerprint, jobDigest: jobDigest,
      compression: compression, faults: options.faults)
    let blank = Manifest(
      syncID: run, sourceFile: source.name, sourcePath: identity.path ?? source.name,
      fileSizeBytes: identity.size ?? 0, chunkSize: limits.rows,
      createdAt: options.environment.timestamp(), attempt: 1,
      sourceFingerprint: identity.fingerprint, jobDigest: jobDigest, job: job,
      table: destination?.table, sink: destination?.sink)
    var manifest =
      reused == nil
      ? ManifestKeeper(new: blank, store: store)
      : try ManifestKeeper(resuming: blank, store: store, logger: options.logger)
    try await manifest.save()
    var supply = ChunkSupply(
      run: run, layout: layout, limits: limits, folder: chunks,
      source: SourceAccess(
        run: run, known: identity, name: source.name, source: source, recorded: { [] },
        isTrusted: true),
      journal: journal)
    journal.conversionBegan(
      job: job, source: source.name, folder: folder, isNew: reused == nil)
    var receipt = ConversionReceipt(syncID: run, source: source.name, folder: folder)
    let stopped: StopReason?
    do {
      stopped = try await withThrowingTaskGroup(of: Converted.self) { group in
        defer { group.cancelAll() }
        return try await convertAll(
          from: &supply, chunks, journal, &group, &manifest, &receipt, start: start,
          identity: identity, layout: layout)
      }
    } catch {
      journal.conversionFailed(error, seconds: (ContinuousClock.now - start).inSeconds)
      throw error
    }
    receipt.seconds = (ContinuousClock.now - start).inSeconds
    let time = options.environment.timestamp()
    if let stopped {
      receipt.stopped = "\(stopped)"
      manifest.note { $0.runIs(.converting, phase: "stopped", error: "\(stopped)", at: time) }
    } else if let end = supply.end {
      receipt.isComplete = true
      manifest.note {
        $0.endKnown(end, at: time)
        $0.runIs(.ready, phase: "converted", at: time)
      }
    }
    try await manifest.save()
    journal.conversionEnded(receipt)
    return receipt
  }

  private struct Converted: Sendable {
    let source: RecordedExtent
    let file: ChunkFileSummary
    let malformed: Int
    let wasReused: Bool
  }

  private func convertAll(
    from supply: inout ChunkSupply, _ chunks: ChunkFolder, _ journal: RunJournal,
    _ group: inout ThrowingTaskGroup<Converted, any Error>, _ manifest: inout ManifestKeeper,
    _ receipt: inout ConversionReceipt, start: ContinuousClock.Instant, identity: SourceIdentity,
    layout: SourceLayout
  ) async throws -> StopReason? {
    var ready: [Int: Converted] = [:]
    var order: [(chunk: Int, weight: Int)] = []
    var weight = 0
    var isExhausted = false
    let isPlain = layout.text?.compression == SourceCompression.none
    let totalBytes = isPlain ? identity.size.map { UInt64($0) } : nil
    while true {
      while !isExhausted, options.stop.raised == nil, order.count < window,
        weight < Self.windowBytes || order.isEmpty
      {
        guard let next = try await supply.next() else {
          isExhausted = true
          break
        }
        order.append((next.extent.chunk, next.weight))
        weight += next.weight
        group.addTask(executorPreference: WorkerExecutor.shared) {
          try convert(next, into: chunks, journal)
        }
      }
      if let reason = options.stop.raised { return reason }
      guard let first = order.first else { return nil }
      while ready[first.chunk] == nil {
        guard let converted = try await group.next() else { break }
        ready[converted.source.extent.chunk] = converted
      }
      guard let converted = ready.removeValue(forKey: first.chunk) else { return nil }
      order.removeFirst()
      weight -= first.weight
      let time = options.environment.timestamp()
      manifest.note { $0.chunkConverted(converted.file, source: converted.source, at: time) }
      try await manifest.saveIfDue()
      receipt.add(
        converted.source, file: converted.file, malformed: converted.malformed,
        wasReused: converted.wasReused)
      progress?(
        LoadProgress(
          phase: "converting", syncID: receipt.syncID, rows: receipt.rows,
          rowsThisAttempt: receipt.rowsConverted, rejected: receipt.malformedRows,
          chunks: receipt.chunks, bytes: receipt.sourceBytes,
          bytesThisAttempt: receipt.sourceBytesConverted, totalBytes: totalBytes,
          seconds: (ContinuousClock.now - start).inSeconds))
    }
  }

  private func convert(
    _ chunk: ChunkSupply.Chunk, into chunks: ChunkFolder, _ journal: RunJournal
  ) throws -> Converted {
    switch chunk {
    case .stored(let description, let file):
      return Converted(source: description.source, file: file, malformed: 0, wasReused: true)
    case .cut(let unparsed):
      let parsed = try unparsed.parse()
      let start = ContinuousClock.now
      let file = try chunks.write(parsed, isLast: unparsed.isLast)
      let source = RecordedExtent(extent: parsed.extent, contentDigest: parsed.contentDigest)
      journal.converted(source, file, seconds: (ContinuousClock.now - start).inSeconds)
      journal.read(source, wasReused: false)
      return Converted(
        source: source, file: file, malformed: parsed.malformed.count, wasReused: false)
    }
  }

  // MARK: Earlier conversions

  private struct Earlier {
    let run: SyncID
    let chunkRows: Int?
    let fingerprint: String
    let jobDigest: String
    let path: String?
    let chunks: [RecordedExtent]
  }

  /// What an earlier conversion left in the folder: from its manifest, or from a chunk's footer.
  private func earlierConversion(_ store: ManifestStore) throws -> Earlier? {
    var chunks: [RecordedExtent] = []
    var first: ChunkDescription?
    for chunk in ChunkFiles.list(folder) {
      guard let found = try? ChunkFile.describe(FilePaths.join(folder, ChunkFileName.of(chunk)))
      else { continue }
      first = first ?? found.description
      chunks.append(found.description.source)
    }
    do {
      if let manifest = try store.read() {
        return Earlier(
          run: manifest.syncID, chunkRows: manifest.chunkSize,
          fingerprint: manifest.sourceFingerprint, jobDigest: manifest.jobDigest,
          path: manifest.sourcePath, chunks: chunks)
      }
    } catch ManifestError.corrupt {
      // Its keeper rebuilds it.
    }
    guard let first else { return nil }
    let full = chunks.first { $0.extent.chunk + 1 < chunks.count } ?? first.source
    return Earlier(
      run: first.run, chunkRows: chunks.count > 1 ? full.extent.rows : nil,
      fingerprint: first.fingerprint, jobDigest: first.jobDigest, path: nil, chunks: chunks)
  }

  /// Refuses to go on in a folder that holds another source's chunks.
  private func refuseOther(
    _ earlier: Earlier, identity: SourceIdentity, layout: SourceLayout, jobDigest: String
  ) async throws {
    guard earlier.fingerprint == identity.fingerprint else {
      throw ConvertError.otherSource(folder, run: earlier.run)
    }
    guard earlier.jobDigest == jobDigest else {
      throw ConvertError.otherSettings(folder, run: earlier.run)
    }
    if try await source.firstDifference(from: earlier.chunks, layout: layout) != nil {
      throw ConvertError.otherSource(folder, run: earlier.run)
    }
  }

  private func removeChunks() throws {
    for name in ChunkFiles.names(folder) where name != FolderLock.fileName {
      if ChunkFileName.chunk(of: name) != nil || name.hasPrefix(ManifestStore.fileName) {
        try DurableFile.delete(FilePaths.join(folder, name))
      }
    }
  }
}

/// What a conversion did.
public struct ConversionReceipt: Sendable, Hashable, Codable {
  /// The run's id.
  public var syncID: SyncID
  /// The source's name.
  public var source: String
  /// The folder of the chunk files.
  public var folder: String
  /// Whether all of the source is converted.
  public var isComplete = false
  /// Why it stopped before that, if it did.
  public var stopped: String?
  /// Chunk files in the folder.
  public var chunks = 0
  /// Of those, the ones an earlier conversion had made.
  public var chunksReused = 0
  /// Source rows in them, malformed ones included.
  public var rows = 0
  /// Of those, the ones converted now.
  public var rowsConverted = 0
  /// Of the rows converted now, the malformed ones.
  public var malformedRows = 0
  /// Decompressed source bytes.
  public var sourceBytes: UInt64 = 0
  /// Of those, the ones converted now.
  public var sourceBytesConverted: UInt64 = 0
  /// Bytes of all chunk files.
  public var fileBytes: Int64 = 0
  /// Seconds from start to end.
  public var seconds = 0.0

  init(syncID: SyncID, source: String, folder: String) {
    self.syncID = syncID
    self.source = source
    self.folder = folder
  }

  mutating func add(
    _ recorded: RecordedExtent, file: ChunkFileSummary, malformed: Int, wasReused: Bool
  ) {
    chunks += 1
    rows += recorded.extent.rows
    sourceBytes += recorded.extent.bytes
    fileBytes += file.bytes
    if wasReused {
      chunksReused += 1
    } else {
      rowsConverted += recorded.extent.rows
      sourceBytesConverted += recorded.extent.bytes
      malformedRows += malformed
    }
  }
}

/// Why a source was not converted.
public enum ConvertError: Error, Sendable, CustomStringConvertible {
  /// Another process converts into the folder.
  case folderBusy(String)
  /// The folder holds chunks of another source.
  case otherSource(String, run: SyncID)
  /// The folder holds chunks that were parsed under other settings.
  case otherSettings(String, run: SyncID)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .folderBusy(let folder):
      "another process is converting into '\(folder)'; wait for it, or choose another folder"
    case .otherSource(let folder, let run):
      "'\(folder)' holds chunks of another source (run \(run));"
        + " choose another folder, or start over with --fresh"
    case .otherSettings(let folder, let run):
      "'\(folder)' holds chunks parsed under other settings (run \(run));"
        + " choose another folder, or start over with --fresh"
    }
  }
}

/// Converts a source into a folder of Parquet chunks with a manifest, resuming what an earlier call
/// left there.
///
/// - Parameters:
///   - source: What to convert.
///   - folder: Where the chunks go; created if missing.
///   - sourceOptions: How the source is parsed; a folder made under other settings is refused.
///   - chunkRows: Rows of a chunk, or nil to derive it from the source's size.
///   - compression: How chunk files are compressed.
///   - options: How it is run; `fresh` starts over.
///   - progress: Called after every chunk, from any thread.
/// - Returns: What was done.
/// - Throws: ``ConvertError``, ``SourceError``, ``ManifestError``, ``FileError``.
public func convert(
  _ source: some Source, to folder: String, sourceOptions: SourceOptions, chunkRows: Int? = nil,
  compression: ChunkCompression = .zstd, options: LoadOptions = LoadOptions(),
  progress: (@Sendable (LoadProgress) -> Void)? = nil
) async throws -> ConversionReceipt {
  let checkpoint = CheckpointOptions(chunkRows: chunkRows)
  let identity =
    source.isRepeatable
    ? try await source.identify()
    : SourceIdentity(fingerprint: "", path: nil, size: nil, modifiedAt: nil)
  // Where nothing is loaded, what decides how rows are parsed is all there is of a job.
  let digest = Job(
    name: "convert", source: sourceOptions, sink: SinkOptions(url: "", table: "")
  ).digest
  let layout = try await source.resolve()
  let limits = ChunkLimits.resolved(
    checkpoint, size: identity.size, layout: layout, budget: options.memoryBudget)
  let conversion = Conversion(
    source: source, folder: FilePaths.absolute(folder), compression: compression,
    options: options, progress: progress)
  return try await conversion.convert(
    identity: identity, layout: layout, limits: limits, jobDigest: digest,
    job: "convert")
}
