/// A readable picture of a run's progress, beside its chunks.
///
/// The sink is the truth about what was committed, and chunk files describe themselves; the
/// manifest may lag behind both and can be rebuilt from them. Its mutating methods are the only
/// legal transitions.
public struct Manifest: Sendable, Hashable {
  /// The version of the manifest's form that this program writes.
  public static let currentFormat = 1

  /// The run's id.
  public var syncID: SyncID
  /// The source's name.
  public var sourceFile: String
  /// The source's path, or its name when it has none.
  public var sourcePath: String
  /// The source's size in bytes as stored, or 0 when it is not known.
  public var fileSizeBytes: Int64
  /// Rows of a full chunk.
  public var chunkSize: Int
  /// How the run stands.
  public private(set) var status: RunStatus
  /// What the run is doing.
  public private(set) var phase: String
  /// When the run began.
  public var createdAt: String
  /// When this picture was made.
  public private(set) var updatedAt: String
  /// How many attempts were made.
  public var attempt: Int
  /// The error that ended the last attempt, if one did.
  public private(set) var error: String?
  /// When it ended it.
  public private(set) var failedAt: String?
  /// Fingerprint of the source.
  public private(set) var sourceFingerprint: String
  /// SHA-256 of what decides which rows land.
  public var jobDigest: String
  /// The job's name.
  public var job: String
  /// The target table, or nil when the source is only converted.
  public var table: String?
  /// Where the sink is, without secrets, or nil when there is none.
  public var sink: String?
  /// The job file, absolute, if the run has one.
  public internal(set) var jobFile: String?
  /// How many chunks the whole source has, once known; until then those seen.
  public var totalChunks: Int { max(knownTotal ?? 0, chunks.count) }
  /// The number of chunks, once the end of the source is known.
  public private(set) var knownTotal: Int?
  /// What was resolved for a run that has not begun in its sink yet, as JSON text; nil when the sink
  /// has it.
  public internal(set) var resolved: String?
  /// The chunks in order; a gap is a chunk of which nothing is known yet.
  public private(set) var chunks: [ManifestChunk] = []

  /// Makes the picture of a run that begins.
  public init(
    syncID: SyncID, sourceFile: String, sourcePath: String, fileSizeBytes: Int64, chunkSize: Int,
    createdAt: String, attempt: Int, sourceFingerprint: String, jobDigest: String, job: String,
    table: String? = nil, sink: String? = nil, jobFile: String? = nil
  ) {
    self.syncID = syncID
    self.sourceFile = sourceFile
    self.sourcePath = sourcePath
    self.fileSizeBytes = fileSizeBytes
    self.chunkSize = chunkSize
    self.status = .converting
    self.phase = "converting"
    self.createdAt = createdAt
    self.updatedAt = createdAt
    self.attempt = attempt
    self.sourceFingerprint = sourceFingerprint
    self.jobDigest = jobDigest
    self.job = job
    self.table = table
    self.sink = sink
    self.jobFile = jobFile
  }

  // MARK: Transitions

  /// A chunk was converted: its file is durable.
  public mutating func chunkConverted(
    _ file: ChunkFileSummary, source: RecordedExtent, at time: String
  ) {
    update(chunk: source.extent.chunk, at: time) { chunk in
      // A chunk that is committed already keeps its status when its file is made again.
      if chunk.status != .completed && chunk.status != .skipped { chunk.status = .ready }
      chunk.describe(source)
      chunk.parquetPath = file.name
      chunk.parquetSizeBytes = file.bytes
      chunk.sha256 = file.sha256
      chunk.createdAt = chunk.createdAt ?? time
      chunk.error = nil
      chunk.failedAt = nil
    }
  }

  /// A chunk is on its way to the sink.
  public mutating func chunkProcessing(_ source: RecordedExtent, at time: String) {
    update(chunk: source.extent.chunk, at: time) { chunk in
      chunk.status = .processing
      chunk.describe(source)
    }
  }

  /// A chunk is committed in the sink.
  public mutating func chunkCommitted(_ entry: LedgerEntry) {
    update(chunk: entry.chunk, at: entry.committedAt) { chunk in
      let counts = entry.counts
      chunk.status = counts.rows > 0 && counts.rejected == counts.rows ? .skipped : .completed
      chunk.describe(entry.source)
      chunk.processedAt = entry.committedAt
      chunk.recordsInserted = counts.inserted
      chunk.recordsUpdated = counts.updated
      chunk.validationErrors = counts.rejected
      chunk.error = nil
      chunk.failedAt = nil
    }
  }

  /// A chunk could not be committed in this attempt.
  public mutating func chunkFailed(_ source: RecordedExtent, error: String, at time: String) {
    update(chunk: source.extent.chunk, at: time) { chunk in
      chunk.status = .failed
      chunk.describe(source)
      chunk.error = error
      chunk.failedAt = time
    }
  }

  /// The end of the source is known.
  public mutating func endKnown(_ end: SourceEnd, at time: String) {
    knownTotal = end.position.chunk
    updatedAt = time
  }

  /// A source that is read only once was read to its end: now it is known who it is.
  mutating func inputConverted(as identity: SourceIdentity, resolved: String, jobFile: String?) {
    sourceFingerprint = identity.fingerprint
    self.resolved = resolved
    self.jobFile = jobFile
  }

  /// A new attempt begins: earlier errors of the run no longer stand.
  public mutating func attemptBegan(
    _ attempt: Int, status: RunStatus, phase: String, at time: String
  ) {
    self.attempt = attempt
    self.status = status
    self.phase = phase
    error = nil
    failedAt = nil
    for index in chunks.indices where chunks[index].status == .processing {
      chunks[index].status = .ready
    }
    updatedAt = time
  }

  /// The run's status or phase changed.
  public mutating func runIs(
    _ status: RunStatus, phase: String, error: String? = nil, at time: String
  ) {
    self.status = status
    self.phase = phase
    self.error = error
    failedAt = status == .failed || status == .partialSuccess && error != nil ? time : nil
    updatedAt = time
  }

  private mutating func update(
    chunk number: Int, at time: String, _ change: (inout ManifestChunk) -> Void
  ) {
    // Chunks come in order but for gaps a resume leaves; look from the end.
    var index = chunks.count
    while index > 0, chunks[index - 1].chunkID > number { index -= 1 }
    if index > 0, chunks[index - 1].chunkID == number {
      index -= 1
    } else {
      chunks.insert(ManifestChunk(chunkID: number), at: index)
    }
    change(&chunks[index])
    updatedAt = time
  }

  /// Restores a picture read from a file. For ``ManifestFormat``.
  mutating func restore(
    status: RunStatus, phase: String, updatedAt: String, error: String?, failedAt: String?,
    knownTotal: Int?, chunks: [ManifestChunk]
  ) {
    self.status = status
    self.phase = phase
    self.updatedAt = updatedAt
    self.error = error
    self.failedAt = failedAt
    self.knownTotal = knownTotal
    self.chunks = chunks
  }
}

/// One chunk's part of the picture.
public struct ManifestChunk: Sendable, Hashable {
  /// The chunk's number.
  public var chunkID: Int
  /// How it stands.
  public var status: ChunkStatus = .ready
  /// Source rows it accounts for.
  public var rows = 0
  /// Name of its file in the run's folder, or nil when it has none.
  public var parquetPath: String?
  /// Size of that file in bytes.
  public var parquetSizeBytes: Int64?
  /// SHA-256 of that file.
  public var sha256: String?
  /// When the file was made.
  public var createdAt: String?
  /// When it was committed.
  public var processedAt: String?
  /// Rows whose key was new.
  public var recordsInserted: Int?
  /// Rows that changed an existing row.
  public var recordsUpdated: Int?
  /// Rows rejected.
  public var validationErrors: Int?
  /// Why it failed.
  public var error: String?
  /// When it failed.
  public var failedAt: String?
  /// The stretch of the source, and the digest of its bytes.
  public var source: RecordedExtent?

  /// Makes a chunk of which only the number is known.
  public init(chunkID: Int) { self.chunkID = chunkID }

  mutating func describe(_ source: RecordedExtent) {
    self.source = source
    rows = source.extent.rows
  }
}

/// How a chunk stands.
public enum ChunkStatus: String, Sendable, Hashable, Codable, CaseIterable {
  /// Its file is made; it is not committed. Also read from `pending`.
  case ready
  /// It is on its way to the sink.
  case processing
  /// It is committed.
  case completed
  /// It could not be committed; a resume tries again.
  case failed
  /// It is committed, and every row of it was rejected.
  case skipped
}

/// What is known of a chunk file once it is durable.
public struct ChunkFileSummary: Sendable, Hashable {
  /// Its name in the run's folder.
  public var name: String
  /// Its size in bytes.
  public var bytes: Int64
  /// SHA-256 of its bytes, in lower-case hexadecimal.
  public var sha256: String

  /// Makes a summary.
  public init(name: String, bytes: Int64, sha256: String) {
    self.name = name
    self.bytes = bytes
    self.sha256 = sha256
  }
}
