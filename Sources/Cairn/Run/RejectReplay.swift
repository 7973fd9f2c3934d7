/// A rejected row of a run as the user corrected it.
public struct CorrectedRow: Sendable, Hashable {
  /// The line of the source, from 1, that the rejected row starts on.
  public var line: UInt64
  /// The whole row as the source would have it, without its line end, in UTF-8.
  public var text: String

  /// Makes a corrected row.
  public init(line: UInt64, text: String) {
    self.line = line
    self.text = text
  }
}

/// What became of corrected rows.
public struct ReplayReceipt: Sendable, Hashable, Codable {
  /// The run.
  public var syncID: SyncID
  /// Rows given.
  public var rows = 0
  /// Rows that landed or that a newer row had won over, by what became of them.
  public var settled: [String: Int] = [:]
  /// Rows that were left as they were rejected: not corrected.
  public var uncorrected = 0
  /// Rows that did not land, with the reason; their rejects stay open.
  public var left: [Left] = []

  /// A row that did not land.
  public struct Left: Sendable, Hashable, Codable {
    /// Its line in the source.
    public var line: UInt64
    /// Why.
    public var reason: String
  }

  /// Whether every row given is settled.
  public var isComplete: Bool { left.isEmpty && uncorrected == 0 }
}

/// Loads corrected rows under the rules of the run that rejected them, and marks the rejects that
/// they replace. A row that a later row or run has written is never overwritten.
///
/// - Parameters:
///   - rows: The corrected rows, one at most for each line.
///   - syncID: The run, which must be completed.
///   - sink: The run's sink.
///   - options: Time, log and metrics.
///   - transform: As the run's `load` had it.
/// - Returns: What became of the rows.
/// - Throws: ``LoadError``, ``TransformError``, ``SinkError``.
public func replayRejects(
  _ rows: [CorrectedRow], of syncID: SyncID, into sink: some Sink,
  options: LoadOptions = LoadOptions(),
  transform: (@Sendable (RecordBatch) throws -> RecordBatch)? = nil
) async throws -> ReplayReceipt {
  guard let run = try await sink.runs(RunFilter(syncID: syncID, includesAbandoned: true)).first
  else { throw LoadError.unknownRun(syncID, sink: sink.location) }
  let journal = RunJournal(options, job: run.new.job, run: syncID)
  let start = ContinuousClock.now
  return try await journal.step(RunJournal.replay) {
    let receipt = try await replayRejects(
      rows, of: run, into: sink, options: options, transform: transform)
    journal.replayed(receipt, seconds: (ContinuousClock.now - start).inSeconds)
    return receipt
  }
}

private func replayRejects(
  _ rows: [CorrectedRow], of run: RunRecord, into sink: some Sink, options: LoadOptions,
  transform: (@Sendable (RecordBatch) throws -> RecordBatch)?
) async throws -> ReplayReceipt {
  let syncID = run.syncID
  guard run.abandonedAt == nil, run.completedAt != nil else {
    throw LoadError.unreadableRun(
      syncID, detail: "rejects are replayed once a run is finished; resume it first")
  }
  let settings = try run.settings()
  var receipt = ReplayReceipt(syncID: syncID)
  receipt.rows = rows.count

  let rejects = try await openRejects(of: syncID, in: sink)
  var given: [(row: UInt64, line: UInt64, bytes: [UInt8])] = []
  for corrected in rows.sorted(by: { $0.line < $1.line }) {
    guard let reject = rejects[corrected.line] else {
      receipt.left.append(
        .init(line: corrected.line, reason: "no open reject of the run is on this line"))
      continue
    }
    guard given.last?.line != corrected.line else {
      receipt.left.append(.init(line: corrected.line, reason: "the line is given twice"))
      continue
    }
    let encoding = settings.layout.text?.encoding ?? .utf8
    guard let bytes = WesternText.bytes(corrected.text, encoding) else {
      receipt.left.append(
        .init(line: corrected.line, reason: "it has characters that \(encoding.rawValue) lacks"))
      continue
    }
    if bytes == reject.raw {
      receipt.uncorrected += 1
    } else {
      given.append((reject.row, corrected.line, bytes))
    }
  }

  var batchTransform = try BatchTransform(
    columns: settings.columns, rules: settings.job.rules, source: settings.job.source,
    layout: settings.layout,
    lineage: LineageValues(
      file: run.new.sourceName, run: syncID, startedAt: options.environment.timestamp()),
    raw: settings.job.errors.raw)
  batchTransform.userTransform = transform
  let parser = try CorrectedRowParser(settings.layout, name: run.new.sourceName)
  // One by one first: what is wrong with one row says nothing about the others.
  var good: [(row: UInt64, line: UInt64, bytes: [UInt8])] = []
  for row in given {
    let transformed = try batchTransform.apply(try parser.parse(row.bytes + [0x0A]))
    if transformed.batch.rowCount == 1, transformed.rejects.isEmpty {
      good.append(row)
    } else {
      receipt.left.append(
        .init(line: row.line, reason: transformed.rejects.first?.reason ?? "it is not one row"))
    }
  }
  guard !good.isEmpty else { return receipt }
  var batch = try batchTransform.apply(
    try parser.parse(good.flatMap { $0.bytes + [0x0A] })
  ).batch
  for rule in settings.columns {
    guard case .lineage(.row) = rule.origin else { continue }
    let numbers = good.map { Int64(clamping: $0.row) + 1 }
    try batch.replaceColumn(Column(name: rule.name, type: rule.type, values: .bigint(numbers)))
  }
  let fates = try await sink.replay(
    Replay(run: run, target: settings.target, batch: batch, rows: good.map(\.row)))
  for (row, fate) in zip(good, fates) {
    switch fate {
    case .refused(let reason): receipt.left.append(.init(line: row.line, reason: reason))
    case .unknownAge:
      receipt.left.append(
        .init(
          line: row.line,
          reason: "a row with its key is in the table, and it cannot be told which is newer"))
    case .notOpen:
      receipt.left.append(.init(line: row.line, reason: "it has been replaced before"))
    case .inserted, .updated, .unchanged, .kept, .superseded:
      receipt.settled[fate.word, default: 0] += 1
    }
  }
  receipt.left.sort { $0.line < $1.line }
  return receipt
}

/// The open rejects of a run by their line.
private func openRejects(of syncID: SyncID, in sink: some Sink) async throws -> [UInt64: Reject] {
  var found: [UInt64: Reject] = [:]
  var offset = 0
  while true {
    let page = try await sink.rejects(of: syncID, offset: offset, limit: 1_000)
    for reject in page where reject.replayed == nil { found[reject.line] = reject }
    offset += page.count
    if page.count < 1_000 { return found }
  }
}

/// Parses single rows by the layout of a source.
private struct CorrectedRowParser {
  private let layout: SourceLayout
  private var text: DelimitedText
  private let delimiter: Delimiter
  private let name: String

  init(_ layout: SourceLayout, name: String) throws(SourceError) {
    guard let text = layout.text, let delimiter = Delimiter(text.delimiter) else {
      throw .notDelimitedText(path: name)
    }
    self.layout = layout
    self.text = text
    self.text.dataOffset = 0
    self.text.dataLine = 1
    self.delimiter = delimiter
    self.name = name
  }

  /// The rows in some text, each with its line end.
  func parse(_ bytes: [UInt8]) throws -> SourceChunk {
    let cutter = RowCutter(
      BytesStream(bytes), path: name, text: text, delimiter: delimiter,
      columns: layout.columns.count, at: .start, limits: ChunkLimits(rows: .max))
    let parsers = RowParserPool(columns: layout.columns, layout: text, delimiter: delimiter)
    guard let chunk = try cutter.next() else {
      throw SourceError.empty(path: name)
    }
    return try parsers.parse(chunk)
  }
}

/// Bytes in memory.
private final class BytesStream: ByteStream {
  private var bytes: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let count = min(destination.count, bytes.count)
    destination.copyBytes(from: bytes.prefix(count))
    bytes = bytes.dropFirst(count)
    return count
  }
}
