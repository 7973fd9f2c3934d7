internal import Logging
internal import Metrics

/// Tells the event log, the metrics and the program's logger what happens to a run. `docs/events.md` has the table of what
/// is told when.
///
/// Nothing here is called for single rows, and nothing of it can fail.
struct RunJournal: Sendable {
  private let journal: Journal

  /// The stage in which chunks become files.
  static let convert = "convert"
  /// The stage in which chunks are committed.
  static let load = "load"
  /// The stage in which the views are refreshed.
  static let refresh = "refresh"
  /// The stage in which the run is proved and finished.
  static let finish = "finish"
  /// The stage in which a source is read and validated, and nothing is written.
  static let check = "check"
  /// The stage in which chunk files are read back in full.
  static let verify = "verify"
  /// The stage in which corrected rows are loaded.
  static let replay = "replay"

  init(_ options: LoadOptions, job: String, run: SyncID?) {
    let pipelineID = run?.description ?? (job.isEmpty ? "cairn" : job)
    journal = Journal(
      events: options.events, metrics: options.metrics, logger: options.logger, job: job,
      pipelineID: pipelineID, subject: ["run": "\(pipelineID)"])
  }

  /// Whether anybody wants to know how good the data is.
  var wantsQuality: Bool {
    journal.events != nil || !(journal.metrics.factory is NOOPMetricsHandler)
  }

  // MARK: Run

  func began(_ run: ClaimedRun, sink: String) {
    let owner = LeaseOwner.current()
    journal.leaseTaken(run.lease.fence, attempt: run.record.attempt)
    journal.tell(
      run.isNew ? .pipelineStart : .pipelineResume, nil, .info,
      [
        "job": EventValue(run.record.new.job), "source": EventValue(run.record.new.sourceName),
        "table": EventValue(run.record.new.table), "sink": EventValue(sink),
        "attempt": EventValue(run.record.attempt), "host": EventValue(owner.host),
        "pid": EventValue(owner.pid),
        "chunks_committed": EventValue(run.record.committedChunks),
      ])
  }

  func stageBegan(_ stage: String) { journal.tell(.stageStart, stage) }

  func stageEnded(_ stage: String, seconds: Double, _ more: EventMetadata = [:]) {
    journal.tell(
      .stageComplete, stage, .success,
      (["duration_seconds": EventValue(seconds: seconds)] as EventMetadata).merging(more))
  }

  /// An attempt ended with an account.
  func ended(_ outcome: LoadOutcome, quality: DataQuality?, wasResumed: Bool) {
    let receipt = outcome.receipt
    if let quality, quality.rows > 0 { tellQuality(quality, receipt) }
    steps(receipt)
    switch outcome {
    case .done: journal.tell(.pipelineComplete, nil, .success, summary(receipt))
    case .partial:
      journal.tell(
        .pipelinePartial, nil, .warning,
        summary(receipt).merging([
          "failed_chunks": .list(receipt.failedChunks.map { EventValue($0) }),
          "failed_views": .list(receipt.failedViews.map { EventValue($0) }),
        ]))
    case .stopped(_, let reason):
      journal.tell(
        .pipelineStop, nil, .warning,
        summary(receipt).merging(["reason": EventValue(reason.description)]))
    }
    let word =
      switch outcome {
      case .done: "success"
      case .partial: "partial"
      case .stopped: "stopped"
      }
    journal.attemptEnded(word, wasResumed: wasResumed, seconds: receipt.attemptWork.seconds)
    guard wasResumed else { return }
    journal.metrics.add(.savedSeconds, receipt.attemptWork.secondsSaved)
    journal.metrics.add(.chunks, receipt.attemptWork.chunksSkipped, ("fate", "skipped"))
    if let seconds = receipt.attemptWork.secondsToFirstRow {
      journal.metrics.record(.resumeSeconds, seconds: seconds)
    }
  }

  /// An attempt, or the search for its run, ended with an error.
  func failed(_ error: any Error, wasResumed: Bool, seconds: Double) {
    switch error {
    case SinkError.fenced(let holder), LoadError.overtaken(_, let holder):
      journal.leaseLost(to: holder.description)
    case LoadError.ownedElsewhere(_, let holder):
      journal.leaseRefused(by: holder)
    default:
      journal.tell(
        .pipelineError, failure: error,
        [
          "duration_seconds": EventValue(seconds: seconds)
        ])
    }
    journal.attemptEnded("failed", wasResumed: wasResumed, seconds: seconds)
  }

  /// An earlier run had loaded the source.
  func skipped(_ receipt: Receipt) {
    journal.tell(
      .pipelineSkip, nil, .info,
      [
        "job": EventValue(receipt.job), "source": EventValue(receipt.source),
        "reason": "loaded before",
      ])
    journal.metrics.add(.runs, 1, ("outcome", "skipped"))
  }

  func abandoned(by job: String) {
    journal.say(.notice, "run abandoned", .pipelineAbandon)
    journal.tell(.pipelineAbandon, nil, .info, ["job": EventValue(job)])
  }

  private func summary(_ receipt: Receipt) -> EventMetadata {
    [
      "attempt": EventValue(receipt.attempt),
      "duration_seconds": EventValue(seconds: receipt.attemptWork.seconds),
      "rows": EventValue(receipt.counts.rows), "inserted": EventValue(receipt.counts.inserted),
      "updated": EventValue(receipt.counts.updated),
      "unchanged": EventValue(receipt.counts.unchanged),
      "superseded": EventValue(receipt.counts.superseded), "kept": EventValue(receipt.counts.kept),
      "rejected": EventValue(receipt.counts.rejected),
      "chunks_committed": EventValue(receipt.committedChunks),
      "rows_this_attempt": EventValue(receipt.attemptWork.rows),
      "chunks_skipped": EventValue(receipt.attemptWork.chunksSkipped),
    ]
  }

  private func tellQuality(_ quality: DataQuality, _ receipt: Receipt) {
    journal.metrics.set(.missingRate, quality.missingRate)
    journal.metrics.add(.outliers, quality.outliers)
    let rejected = receipt.counts.rejected
    journal.tell(
      .dataQualityCheck, Self.load, rejected > 0 ? .warning : .success,
      quality.metadata.merging(["rejected": EventValue(rejected)]))
  }

  /// The time that each step took, as performance of stages of their own.
  private func steps(_ receipt: Receipt) {
    guard journal.events != nil else { return }
    let steps = receipt.attemptWork.steps
    for (step, seconds) in [
      ("read", steps.read), ("parse", steps.parse), ("encode", steps.encode),
      ("transform", steps.transform), ("stage", steps.stage), ("commit", steps.commit),
      ("finish", steps.finish),
    ] where seconds > 0 {
      journal.tell(
        .performanceMetric, step, .info,
        [
          "duration_seconds": EventValue(seconds: seconds),
          "rows": EventValue(receipt.attemptWork.rows),
        ])
    }
  }

  // MARK: Conversion

  // A conversion alone is a pipeline too; one of standard input is the first stage of its run.

  func conversionBegan(job: String, source: String, folder: String, isNew: Bool) {
    journal.tell(
      .stageStart, Self.convert, .info,
      [
        "job": EventValue(job), "source": EventValue(source), "folder": EventValue(folder),
        "resumed": EventValue(!isNew),
      ])
  }

  func conversionEnded(_ receipt: ConversionReceipt) {
    let account: EventMetadata = [
      "duration_seconds": EventValue(seconds: receipt.seconds), "rows": EventValue(receipt.rows),
      "chunks": EventValue(receipt.chunks), "chunks_reused": EventValue(receipt.chunksReused),
      "malformed": EventValue(receipt.malformedRows), "bytes": EventValue(receipt.fileBytes),
    ]
    if let reason = receipt.stopped {
      journal.tell(
        .pipelineStop, Self.convert, .warning, account.merging(["reason": EventValue(reason)]))
    } else {
      journal.tell(.stageComplete, Self.convert, .success, account)
    }
    journal.tell(
      .performanceMetric, Self.convert, .info,
      [
        "duration_seconds": EventValue(seconds: receipt.seconds),
        "rows": EventValue(receipt.rowsConverted),
      ])
  }

  func conversionFailed(_ error: any Error, seconds: Double) {
    journal.tell(
      .stageError, Self.convert, failure: error,
      ["duration_seconds": EventValue(seconds: seconds)])
  }

  // MARK: Beside loads

  /// A source was read and validated.
  func checked(_ report: CheckReport, _ quality: DataQuality, seconds: Double) {
    journal.tell(
      .dataQualityCheck, Self.check, report.rejected > 0 ? .warning : .success,
      quality.metadata.merging(["rejected": EventValue(report.rejected)]))
    let known: EventMetadata = [
      "duration_seconds": EventValue(seconds: seconds), "rows": EventValue(report.rows),
    ]
    journal.tell(
      .stageComplete, Self.check, .success,
      known.merging([
        "source": EventValue(report.source), "rejected": EventValue(report.rejected),
        "within_limits": EventValue(report.isWithinLimits), "target": EventValue(report.target),
      ]))
    journal.tell(.performanceMetric, Self.check, .info, known)
    journal.metrics.set(.missingRate, quality.missingRate)
    journal.metrics.add(.outliers, quality.outliers)
  }

  /// Chunk files were read back in full.
  func verified(_ receipt: VerificationReceipt) {
    let known: EventMetadata = [
      "duration_seconds": EventValue(seconds: receipt.seconds), "rows": EventValue(receipt.rows),
      "chunks": EventValue(receipt.chunks), "bytes": EventValue(receipt.fileBytes),
    ]
    if let first = receipt.problems.first {
      let more = receipt.problems.count - 1
      journal.tell(
        .stageError, Self.verify, .error,
        known.merging([
          "error": EventValue(more > 0 ? "\(first); and \(more) more" : first),
          "problems": EventValue(receipt.problems.count),
        ]))
    } else {
      journal.tell(.stageComplete, Self.verify, .success, known)
    }
    journal.tell(.performanceMetric, Self.verify, .info, known)
    journal.metrics.add(
      .verifications, 1, ("outcome", receipt.problems.isEmpty ? "success" : "failed"))
  }

  /// Corrected rows were loaded in the place of rejects.
  func replayed(_ receipt: ReplayReceipt, seconds: Double) {
    var known: EventMetadata = [
      "duration_seconds": EventValue(seconds: seconds), "rows": EventValue(receipt.rows),
      "uncorrected": EventValue(receipt.uncorrected), "left": EventValue(receipt.left.count),
    ]
    for (fate, rows) in receipt.settled.sorted(by: { $0.key < $1.key }) {
      known[fate] = EventValue(rows)
      journal.metrics.add(.replayedRows, rows, ("fate", fate))
    }
    journal.metrics.add(.replayedRows, receipt.left.count, ("fate", "left"))
    journal.tell(.stageComplete, Self.replay, .success, known)
  }

  /// A step beside a load failed.
  func failed(_ stage: String, _ error: any Error, seconds: Double) {
    journal.tell(
      .stageError, stage, failure: error,
      [
        "duration_seconds": EventValue(seconds: seconds)
      ])
  }

  /// Does a step beside a load: tells that it began, and when it fails.
  func step<Result>(
    _ stage: String, _ work: () async throws -> Result
  ) async throws -> Result {
    let start = ContinuousClock.now
    stageBegan(stage)
    do {
      return try await work()
    } catch {
      failed(stage, error, seconds: (ContinuousClock.now - start).inSeconds)
      throw error
    }
  }

  // MARK: Chunks

  /// A chunk's file is durable.
  func converted(_ source: RecordedExtent, _ file: ChunkFileSummary, seconds: Double) {
    journal.tell(
      .chunkConverted, Self.convert, .success,
      [
        "chunk": EventValue(source.extent.chunk), "rows": EventValue(source.extent.rows),
        "bytes": EventValue(file.bytes), "source_bytes": EventValue(source.extent.bytes),
        "duration_seconds": EventValue(seconds: seconds),
      ])
    journal.metrics.add(.chunks, 1, ("fate", "converted"))
    journal.metrics.record(.checkpointSeconds, seconds: seconds)
    journal.metrics.add(.checkpointBytes, Int(file.bytes))
  }

  /// A chunk was read: parsed, or from its file.
  func read(_ source: RecordedExtent, wasReused: Bool) {
    if wasReused {
      journal.metrics.add(.chunks, 1, ("fate", "reused"))
    } else {
      journal.metrics.add(.sourceBytes, Int(clamping: source.extent.bytes))
    }
  }

  func committed(_ entry: LedgerEntry, in duration: Duration) {
    let counts = entry.counts
    journal.tell(
      .chunkCommitted, Self.load, .success,
      [
        "chunk": EventValue(entry.chunk), "rows": EventValue(counts.rows),
        "inserted": EventValue(counts.inserted), "updated": EventValue(counts.updated),
        "rejected": EventValue(counts.rejected),
        "duration_seconds": EventValue(seconds: duration.inSeconds),
      ])
    journal.count(counts)
    journal.metrics.add(.rejects, counts.rejected)
    journal.metrics.add(.chunks, 1, ("fate", "committed"))
    journal.metrics.add(.commits)
    journal.metrics.record(.commitSeconds, seconds: duration.inSeconds)
  }

  func chunkFailed(_ chunk: Int, reason: String) {
    journal.say(
      .warning, "chunk failed; the run goes on without it", .chunkFailed,
      ["chunk": "\(chunk)", "reason": "\(reason)"])
    journal.tell(
      .chunkFailed, Self.load, .error,
      ["chunk": EventValue(chunk), "error": EventValue(reason)])
    journal.metrics.add(.chunks, 1, ("fate", "failed"))
  }

  /// A chunk's file was damaged and set aside.
  func chunkRejected(_ chunk: Int, reason: String) {
    journal.say(
      .warning, "chunk file set aside; the chunk is read from the source again", .chunkRejected,
      ["chunk": "\(chunk)", "reason": "\(reason)"])
    journal.tell(
      .chunkRejected, Self.convert, .warning,
      ["chunk": EventValue(chunk), "reason": EventValue(reason)])
    journal.metrics.add(.chunks, 1, ("fate", "damaged"))
  }

  func chunksLost(_ chunks: [Int]) {
    journal.say(
      .warning, "commits that were acknowledged are gone; their chunks are committed again",
      .chunksLost, ["chunks": "\(chunks.count)"])
    journal.tell(
      .chunksLost, Self.load, .warning,
      [
        "chunks": .list(chunks.map { EventValue($0) }),
        "reason": "commits that were acknowledged are gone",
      ])
  }

  // MARK: Waits and upkeep

  /// An operation of the sink failed and is tried again.
  func retrying(_ error: any Error, chunk: Int?, failures: Int, wait: Duration) {
    journal.retrying(
      chunk == nil ? .retryWait : .chunkRetry, Self.load, error, failures: failures, wait: wait,
      chunk.map { ["chunk": EventValue($0)] } ?? [:])
  }

  func waitsForOwner(_ holder: LeaseHolder) {
    journal.waitsForOwner(holder, "waiting for the run's owner")
  }

  func waitedForOwner(_ duration: Duration) { journal.waitedForOwner(duration) }

  func leaseNotRenewed(_ error: any Error) { journal.leaseNotRenewed(error) }

  func viewFailed(_ view: String, reason: String) {
    journal.say(
      .warning, "a view was not refreshed", .stageError,
      ["view": "\(view)", "reason": "\(reason)"])
    journal.tell(
      .stageError, Self.refresh, .error,
      ["view": EventValue(view), "error": EventValue(reason)])
  }

  /// The folder of a run past its retention was deleted, or could not be.
  func expired(_ run: SyncID, error: (any Error)? = nil) {
    if let error {
      journal.say(.warning, "expired run not deleted", .cleanup, ["reason": "\(error)"])
    } else {
      journal.say(.notice, "expired run deleted", .cleanup)
    }
    cleanedUp(run, error: error)
  }

  /// A run's folder was deleted, or could not be.
  func cleanedUp(_ run: SyncID, bytes: Int64? = nil, error: (any Error)? = nil) {
    var metadata: EventMetadata = ["run": EventValue(run.description)]
    if let bytes { metadata["bytes"] = EventValue(bytes) }
    if let error { metadata["error"] = EventValue(ErrorSummary.of(error)) }
    journal.tell(.cleanup, nil, error == nil ? .success : .warning, metadata)
    journal.metrics.add(.cleanups, 1, ("outcome", error == nil ? "success" : "failed"))
  }
}
