/// Adds up what a load does, for its receipt and its progress.
struct LoadAccount {
  private(set) var startedAt = ContinuousClock.now
  var receipt: Receipt
  /// How good the rows are that this attempt committed.
  var quality = DataQuality()
  private let progress: (@Sendable (LoadProgress) -> Void)?
  private var bytes: UInt64 = 0
  private var skippedChunks = 0
  /// All of the source's decompressed bytes: known, or estimated from how far the stored ones are
  /// read.
  private var totalBytes: UInt64?
  private let storedSize: Int64?
  /// What this attempt was told to be committed.
  private var acknowledged: [Int: LedgerEntry] = [:]
  private let isSizeKnown: Bool

  init(run: ClaimedRun, sink: String, progress: (@Sendable (LoadProgress) -> Void)?) {
    let new = run.record.new
    receipt = Receipt(
      syncID: new.syncID, job: new.job, source: new.sourceName, table: new.table, sink: sink,
      status: "", attempt: run.record.attempt)
    self.progress = progress
    let isPlain = run.settings.layout.text?.compression == SourceCompression.none
    totalBytes =
      run.record.end?.position.offset
      ?? (isPlain ? new.source.size.map { UInt64($0) } : nil)
    isSizeKnown = totalBytes != nil
    storedSize = new.source.size
  }

  /// Tells which run it is, before anything is done for it.
  func began() { report("processing") }

  /// Chunks that earlier attempts committed; call with all of them so far.
  mutating func skip(_ entries: [LedgerEntry]) {
    guard entries.count > skippedChunks else { return }
    for entry in entries[skippedChunks...] {
      receipt.counts += entry.counts
      receipt.committedChunks += 1
      if acknowledged[entry.chunk] == nil {
        receipt.attemptWork.chunksSkipped += 1
        receipt.attemptWork.rowsSkipped += entry.counts.rows
      }
      bytes += entry.source.extent.bytes
    }
    skippedChunks = entries.count
    report("processing")
  }

  mutating func prepared(_ chunk: PreparedChunk) {
    receipt.attemptWork.steps += chunk.steps
    if !isSizeKnown, let storedSize, let offset = chunk.storedOffset, offset > 0 {
      let end = Double(chunk.source.extent.end.offset)
      totalBytes = UInt64(end * max(1, Double(storedSize) / Double(offset)))
    }
    if chunk.wasReused {
      receipt.attemptWork.chunksReused += 1
    } else {
      receipt.attemptWork.sourceBytes += chunk.source.extent.bytes
      if let file = chunk.file {
        receipt.attemptWork.chunkFileBytes += file.bytes
        receipt.attemptWork.chunkFileSourceBytes += chunk.source.extent.bytes
      }
    }
  }

  mutating func committed(_ outcome: CommitOutcome, in time: Duration) {
    let entry = outcome.entry
    acknowledged[entry.chunk] = entry
    receipt.counts += entry.counts
    receipt.committedChunks += 1
    receipt.attemptWork.rows += entry.counts.rows
    receipt.attemptWork.steps.commit += time.inSeconds
    receipt.attemptWork.steps.commits += outcome.seconds
    if receipt.attemptWork.secondsToFirstRow == nil, entry.counts.rows > 0 {
      receipt.attemptWork.secondsToFirstRow = (ContinuousClock.now - startedAt).inSeconds
    }
    bytes += entry.source.extent.bytes
    report("processing")
  }

  /// Chunks that this attempt was told to be committed, but that the ledger has not.
  func missing(from ledger: [LedgerEntry]) -> [LedgerEntry] {
    let known = Set(ledger.map(\.chunk))
    return acknowledged.values.filter { !known.contains($0.chunk) }
      .sorted { $0.chunk < $1.chunk }
  }

  /// The source is gone over again from the ledger, which has lost entries that were acknowledged.
  mutating func passBegins(lost: [LedgerEntry]) {
    for entry in lost {
      acknowledged[entry.chunk] = nil
      receipt.attemptWork.rows -= entry.counts.rows
    }
    receipt.counts = RowCounts()
    receipt.committedChunks = 0
    receipt.failedChunks = []
    bytes = 0
    skippedChunks = 0
  }

  mutating func failed(_ source: RecordedExtent) {
    receipt.failedChunks.append(source.extent.chunk)
  }

  /// Takes over what the sink proved.
  mutating func finished(_ record: RunRecord, ledger: [LedgerEntry]) {
    receipt.counts = record.counts
    receipt.committedChunks = record.committedChunks
    receipt.sourceDigest = SourceDigest.of(ledger.map(\.source))
  }

  mutating func close(status: String) -> Receipt {
    receipt.status = status
    receipt.attemptWork.seconds = (ContinuousClock.now - startedAt).inSeconds
    return receipt
  }

  private func report(_ phase: String) {
    progress?(
      LoadProgress(
        phase: phase, syncID: receipt.syncID, rows: receipt.counts.rows,
        rowsThisAttempt: receipt.attemptWork.rows, rejected: receipt.counts.rejected,
        chunks: receipt.committedChunks, bytes: bytes,
        bytesThisAttempt: receipt.attemptWork.sourceBytes, totalBytes: totalBytes,
        seconds: (ContinuousClock.now - startedAt).inSeconds))
  }
}
