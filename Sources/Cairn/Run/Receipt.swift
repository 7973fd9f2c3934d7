/// The final account of a run, or of an attempt that stopped.
public struct Receipt: Sendable, Hashable, Codable {
  /// The run's id.
  public var syncID: SyncID
  /// The job's name.
  public var job: String
  /// The source's name.
  public var source: String
  /// The target table.
  public var table: String
  /// Where the sink is, without secrets.
  public var sink: String
  /// How the run stands: `SUCCESS`, `PARTIAL_SUCCESS`, `FAILED` or `STOPPED`.
  public var status: String
  /// How many attempts were made.
  public var attempt: Int
  /// What became of the rows, over all attempts.
  public var counts = RowCounts()
  /// Chunks of the source, once known.
  public var totalChunks: Int?
  /// Chunks committed, over all attempts.
  public var committedChunks = 0
  /// Chunks that failed in this attempt.
  public var failedChunks: [Int] = []
  /// Materialized views that could not be refreshed in this attempt.
  public var failedViews: [String] = []
  /// What this attempt did.
  public var attemptWork = AttemptWork()
  /// SHA-256 over the digests of all chunks, once the source is complete: equal for equal sources
  /// cut alike.
  public var sourceDigest: String?
  /// Whether an earlier run had loaded the source, so that this one did nothing.
  public var wasLoadedBefore = false

  /// Makes an empty receipt of a run.
  public init(
    syncID: SyncID, job: String, source: String, table: String, sink: String, status: String,
    attempt: Int
  ) {
    self.syncID = syncID
    self.job = job
    self.source = source
    self.table = table
    self.sink = sink
    self.status = status
    self.attempt = attempt
  }
}

/// What one attempt did and how long it took.
public struct AttemptWork: Sendable, Hashable, Codable {
  /// Rows this attempt committed.
  public var rows = 0
  /// Chunks committed by earlier attempts, skipped by this one.
  public var chunksSkipped = 0
  /// Rows in those chunks.
  public var rowsSkipped = 0
  /// Chunks that came back from their files instead of the source.
  public var chunksReused = 0
  /// Decompressed source bytes read.
  public var sourceBytes: UInt64 = 0
  /// Bytes of chunk files written.
  public var chunkFileBytes: Int64 = 0
  /// Decompressed source bytes those files hold.
  public var chunkFileSourceBytes: UInt64 = 0
  /// Seconds from start to end.
  public var seconds = 0.0
  /// Seconds from start to the first newly committed row, if there was one.
  public var secondsToFirstRow: Double?
  /// Seconds spent in each step, summed over threads.
  public var steps = StepSeconds()

  /// Chunk file bytes per source byte, or nil when none was written.
  public var compressionRatio: Double? {
    chunkFileSourceBytes == 0 ? nil : Double(chunkFileBytes) / Double(chunkFileSourceBytes)
  }

  /// Seconds this attempt would have taken longer from the beginning: the rows it skipped at the pace
  /// of those it loaded.
  public var secondsSaved: Double {
    rows == 0 ? 0 : seconds * Double(rowsSkipped) / Double(rows)
  }

  /// No work.
  public init() {}
}

/// Seconds spent in each step of a load, summed over threads.
public struct StepSeconds: Sendable, Hashable, Codable {
  /// Reading, decompressing and cutting the source.
  public var read = 0.0
  /// Parsing, or reading chunk files back.
  public var parse = 0.0
  /// Encoding, writing and syncing chunk files.
  public var encode = 0.0
  /// Validating and transforming.
  public var transform = 0.0
  /// Preparing rows for the sink.
  public var stage = 0.0
  /// Committing, all in all.
  public var commit = 0.0
  /// What committing was spent on.
  public var commits = CommitSeconds()
  /// Finishing and cleaning up.
  public var finish = 0.0

  /// No time.
  public init() {}

  /// Adds each step.
  public static func += (total: inout StepSeconds, part: StepSeconds) {
    total.read += part.read
    total.parse += part.parse
    total.encode += part.encode
    total.transform += part.transform
    total.stage += part.stage
    total.commit += part.commit
    total.commits += part.commits
    total.finish += part.finish
  }
}

/// How a load ended.
public enum LoadOutcome: Sendable {
  /// Every row is accounted for.
  case done(Receipt)
  /// It ended with failed chunks, or with rejects that the job counts as partial success.
  case partial(Receipt)
  /// It was stopped and can be resumed.
  case stopped(Receipt, StopReason)

  /// The account, however it ended.
  public var receipt: Receipt {
    switch self {
    case .done(let receipt), .partial(let receipt), .stopped(let receipt, _): receipt
    }
  }
}

/// How far a load is.
public struct LoadProgress: Sendable, Hashable {
  /// What it is doing: `converting`, `processing` or `finishing`.
  public var phase: String
  /// The run's id.
  public var syncID: SyncID
  /// Source rows accounted for so far, by this attempt and earlier ones.
  public var rows: Int
  /// Rows this attempt accounted for.
  public var rowsThisAttempt: Int
  /// Rows rejected so far.
  public var rejected: Int
  /// Chunks committed (or converted, where there is no sink) so far.
  public var chunks: Int
  /// Decompressed source bytes accounted for so far.
  public var bytes: UInt64
  /// Decompressed source bytes this attempt accounted for.
  public var bytesThisAttempt: UInt64
  /// All of the source's decompressed bytes, once known or when stored plain.
  public var totalBytes: UInt64?
  /// Seconds since this attempt began.
  public var seconds: Double
}
