/// Reads every chunk file of a folder back in full and checks it.
///
/// Checked are each file's own checksum, page CRCs, the decoding of every value, the number of rows,
/// that the extents tile the source without gap, and agreement with manifest and ledger.
///
/// - Parameters:
///   - folder: The run's folder.
///   - ledger: The run's committed chunks, if its sink is at hand.
///   - workers: How many files are read at once.
///   - options: Whom to tell: its log and metrics hear what was found.
/// - Returns: What was found.
/// - Throws: ``ManifestError``, ``FileError`` when the folder cannot be read at all.
public func verify(
  folder: String, ledger: [LedgerEntry] = [], workers: Int = 2,
  options: LoadOptions = LoadOptions()
) async throws -> VerificationReceipt {
  let folder = FilePaths.absolute(folder)
  let name = FilePaths.name(of: folder)
  let journal = RunJournal(options, job: SyncID(name) == nil ? name : "", run: SyncID(name))
  return try await journal.step(RunJournal.verify) {
    let receipt = try await verified(folder, ledger: ledger, workers: workers)
    journal.verified(receipt)
    return receipt
  }
}

private func verified(
  _ folder: String, ledger: [LedgerEntry], workers: Int
) async throws -> VerificationReceipt {
  let start = ContinuousClock.now
  guard DurableFile.isFolder(folder) else { throw FileError("open", folder, code: 2) }
  let numbers = ChunkFiles.list(folder)
  let manifest = try readManifest(folder)
  var receipt = VerificationReceipt(folder: folder)
  var checked: [CheckedChunk] = []
  try await withThrowingTaskGroup(of: CheckedChunk.self) { group in
    var rest = numbers[...]
    for _ in 0..<max(1, workers) {
      guard let number = rest.popFirst() else { break }
      group.addTask(executorPreference: WorkerExecutor.shared) {
        CheckedChunk(folder: folder, chunk: number)
      }
    }
    while let chunk = try await group.next() {
      checked.append(chunk)
      if let number = rest.popFirst() {
        group.addTask(executorPreference: WorkerExecutor.shared) {
          CheckedChunk(folder: folder, chunk: number)
        }
      }
    }
  }
  receipt.judge(
    checked.sorted { $0.chunk < $1.chunk }, manifest: manifest,
    ledger: Dictionary(uniqueKeysWithValues: ledger.map { ($0.chunk, $0.source) }))
  receipt.seconds = (ContinuousClock.now - start).inSeconds
  return receipt
}

/// The manifest, or nil when there is none; a damaged one counts as none, after all the chunks say
/// the same.
private func readManifest(_ folder: String) throws -> Manifest? {
  do {
    return try ManifestStore(folder: folder, faults: .none).read()
  } catch ManifestError.corrupt {
    return nil
  }
}

/// What `verify` found.
public struct VerificationReceipt: Sendable, Hashable, Codable {
  /// The folder.
  public var folder: String
  /// Chunk files read.
  public var chunks = 0
  /// Rows in them, malformed ones included.
  public var rows = 0
  /// Of those, the malformed ones.
  public var malformedRows = 0
  /// Bytes of the files.
  public var fileBytes: Int64 = 0
  /// Decompressed source bytes they account for.
  public var sourceBytes: UInt64 = 0
  /// Whether they account for the source to its end.
  public var isComplete = false
  /// What is wrong, a sentence each; empty when all is well.
  public var problems: [String] = []
  /// Seconds it took.
  public var seconds = 0.0

  init(folder: String) { self.folder = folder }

  fileprivate mutating func judge(
    _ checked: [CheckedChunk], manifest: Manifest?, ledger: [Int: RecordedExtent]
  ) {
    let recorded = Dictionary(
      uniqueKeysWithValues: (manifest?.chunks ?? []).map { ($0.chunkID, $0) })
    var expected = SourcePosition.start
    for chunk in checked {
      if let problem = chunk.problem { problems.append(problem) }
      guard let description = chunk.description, let file = chunk.file else { continue }
      let source = description.source
      chunks += 1
      rows += source.extent.rows
      malformedRows += chunk.malformed
      fileBytes += file.bytes
      sourceBytes += source.extent.bytes
      if source.extent.start != expected {
        problems.append(
          "\(file.name) starts at byte \(source.extent.start.offset), row"
            + " \(source.extent.start.row), where chunk \(expected.chunk) at byte"
            + " \(expected.offset), row \(expected.row) was expected")
      }
      expected = source.extent.end
      if description.isLast { isComplete = true }
      if let known = recorded[source.extent.chunk] {
        if let sha256 = known.sha256, sha256 != file.sha256 {
          problems.append("\(file.name) has another SHA-256 than the manifest says")
        }
        if let other = known.source, other != source {
          problems.append("\(file.name) accounts for other bytes than the manifest says")
        }
      }
      if let other = ledger[source.extent.chunk], other != source {
        problems.append("\(file.name) accounts for other bytes than the ledger says")
      }
    }
    for chunk in manifest?.chunks ?? []
    where chunk.parquetPath != nil && !checked.contains(where: { $0.chunk == chunk.chunkID }) {
      problems.append("\(ChunkFileName.of(chunk.chunkID)) is in the manifest but not in the folder")
    }
    if checked.isEmpty { problems.append("there are no chunk files in '\(folder)'") }
  }
}

/// One chunk file, read back in full.
private struct CheckedChunk: Sendable {
  let chunk: Int
  var description: ChunkDescription?
  var file: ChunkFileSummary?
  var malformed = 0
  var problem: String?

  init(folder: String, chunk: Int) {
    self.chunk = chunk
    let path = FilePaths.join(folder, ChunkFileName.of(chunk))
    do {
      guard let found = try ChunkFile.describe(path) else {
        problem = "\(ChunkFileName.of(chunk)) is gone"
        return
      }
      description = found.description
      file = found.file
      malformed = try ChunkFile.read(path, found.description).malformed.count
    } catch {
      problem = "\(error)"
    }
  }
}
