internal import Cairn

/// A row of a scripted source.
enum ScriptedRow: Sendable, Hashable, CustomStringConvertible {
  /// A row that reaches the sink.
  case accepted([CellValue])
  /// A row that was rejected before, of which nothing could be read.
  case rejected
  /// A row that was rejected before; a value that could not be read is null.
  case unread([CellValue])

  var description: String {
    switch self {
    case .accepted(let cells): "(\(cells.map(\.description).joined(separator: ", ")))"
    case .rejected: "(rejected)"
    case .unread(let cells): "(unread \(cells.map(\.description).joined(separator: ", ")))"
    }
  }

  var cells: [CellValue]? { if case .accepted(let cells) = self { cells } else { nil } }
}

/// A run over a source that exists only as rows, chunk by chunk.
struct ScriptedRun: Sendable {
  /// Bytes that each row is said to take.
  static let rowBytes: UInt64 = 10

  var record: RunRecord
  var lease: Lease
  var target: TargetTable
  var chunks: [[ScriptedRow]]

  /// Where a chunk lies.
  func extent(_ chunk: Int) -> ChunkExtent {
    ChunkExtent(start: position(chunk), end: position(chunk + 1))
  }

  /// Where the source ends.
  var end: SourceEnd { SourceEnd(position: position(chunks.count)) }

  private func position(_ chunk: Int) -> SourcePosition {
    let row = UInt64(chunks[..<chunk].map(\.count).reduce(0, +))
    return SourcePosition(
      chunk: chunk, offset: row * Self.rowBytes, row: row, line: row + 1)
  }

  /// What a chunk brings to the sink.
  func work(_ chunk: Int) throws -> ChunkWork {
    let extent = extent(chunk)
    var numbers: [UInt64] = []
    var rows: [[CellValue]] = []
    var rejects: [Reject] = []
    var unread: [[CellValue]] = []
    var unreadRows: [UInt32] = []
    for (number, row) in chunks[chunk].enumerated() {
      let source = extent.start.row + UInt64(number)
      switch row {
      case .accepted(let cells):
        numbers.append(source)
        rows.append(cells)
      case .rejected, .unread:
        if case .unread(let cells) = row {
          unread.append(cells)
          unreadRows.append(UInt32(number))
        }
        // Raw bytes that are no text, and none at all.
        rejects.append(
          Reject(
            row: source, line: source + 1, byteOffset: source * Self.rowBytes, column: "n",
            rule: "type", reason: "expected integer, found 'x'",
            raw: source % 3 == 0 ? [] : [0xFF, 0] + Array("x~^\(source)".utf8)))
      }
    }
    let sources = numbers
    return ChunkWork(
      run: record, target: target,
      source: RecordedExtent(extent: extent, contentDigest: "digest-\(chunk)-\(chunks[chunk])"),
      batch: try RecordBatch(columns: target.columns, rows: rows), rejects: rejects,
      batchRows: numbers.map { UInt32($0 - extent.start.row) },
      rejected: unread.isEmpty
        ? nil
        : RejectedValues(
          batch: try RecordBatch(columns: target.columns, rows: unread), rows: unreadRows),
      makeReject: { row, column, reason in
        Reject(
          row: sources[row], line: sources[row] + 1, byteOffset: sources[row] * Self.rowBytes,
          column: column, rule: "database", reason: reason, raw: nil)
      })
  }

  /// Stages a chunk and commits it.
  @discardableResult
  func commit(
    _ chunk: Int, to sink: any Sink, allowance: Int = .max
  ) async throws -> CommitOutcome {
    try await sink.stage(try work(chunk)).commit(under: lease, rejectAllowance: allowance)
  }

  /// Commits every chunk, marks the end and finishes as completed.
  @discardableResult
  func complete(on sink: any Sink) async throws -> RunRecord {
    for chunk in chunks.indices { try await commit(chunk, to: sink) }
    try await sink.recordEnd(end, of: record.syncID, under: lease)
    return try await finish(on: sink)
  }

  /// Finishes.
  @discardableResult
  func finish(on sink: any Sink, as status: RunStatus = .completed) async throws -> RunRecord {
    try await sink.finish(FinishRequest(status: status, target: target), under: lease)
  }
}

/// The table and owner that most checks use.
enum Scripted {
  static let owner = LeaseOwner(host: "elsewhere.example", pid: 1, processStart: "then")
  static let otherOwner = LeaseOwner(host: "elsewhere.example", pid: 2, processStart: "later")

  static func target(
    _ mode: LoadMode = .upsert, name: String = "target", key: [String]? = nil
  ) -> TargetTable {
    TargetTable(
      name: name,
      columns: [
        TargetColumn(name: "id", type: .text, isRequired: true),
        TargetColumn(name: "n", type: .integer, isRequired: false),
        TargetColumn(name: "note", type: .text, isRequired: false),
      ],
      key: key ?? (mode == .append ? [] : ["id"]), mode: mode)
  }

  static func row(_ id: String, _ n: Int64? = nil, _ note: String? = nil) -> ScriptedRow {
    .accepted(cells(id, n, note))
  }

  static func cells(_ id: String, _ n: Int64? = nil, _ note: String? = nil) -> [CellValue] {
    [.text(id), n.map(CellValue.integer) ?? .null, note.map(CellValue.text) ?? .null]
  }

  /// What is known of the run of that number.
  static func newRun(
    _ number: Int, _ target: TargetTable, witness: TargetWitness = TargetWitness(text: ""),
    fingerprint: String? = nil, jobDigest: String = "job"
  ) throws -> NewRun {
    let digits = String(number)
    let suffix = String(repeating: "0", count: 8 - digits.count) + digits
    guard let id = SyncID("sync_20250129_143022_\(suffix)") else {
      throw BatteryFailure("sync id", expected: "eight digits", found: suffix)
    }
    return NewRun(
      syncID: id, job: "documents", table: target.name,
      source: SourceIdentity(
        fingerprint: fingerprint ?? "fingerprint-\(number)", path: "/incoming/\(number).dat",
        size: 1_000, modifiedAt: 1_738_161_022_123_456_789),
      sourceName: "\(number).dat", jobDigest: jobDigest, resolved: "{\"chunk\": \(number)}",
      witness: witness, checkpointDirectory: "/checkpoints/\(id)",
      startedAt: "2025-01-29T14:30:22.000Z")
  }

  /// Prepares state and target, and begins a run.
  static func begin(
    _ number: Int, _ target: TargetTable, _ chunks: [[ScriptedRow]], on sink: any Sink,
    owner: LeaseOwner = Scripted.owner, leaseDuration: Duration = .seconds(600)
  ) async throws -> ScriptedRun {
    try await sink.prepareState()
    let witness = try await sink.prepareTarget(target)
    let outcome = try await sink.begin(
      try newRun(number, target, witness: witness), owner: owner, leaseDuration: leaseDuration)
    guard case .began(let record, let lease) = outcome else {
      throw BatteryFailure("begin of a new run", expected: "began", found: "\(outcome)")
    }
    return ScriptedRun(record: record, lease: lease, target: target, chunks: chunks)
  }

  /// Counts, in the order of the receipt.
  static func counts(
    rows: Int, inserted: Int = 0, updated: Int = 0, unchanged: Int = 0, superseded: Int = 0,
    kept: Int = 0, rejected: Int = 0
  ) -> RowCounts {
    var counts = RowCounts()
    counts.rows = rows
    counts.inserted = inserted
    counts.updated = updated
    counts.unchanged = unchanged
    counts.superseded = superseded
    counts.kept = kept
    counts.rejected = rejected
    return counts
  }

  /// Throws unless the target holds just these rows.
  static func expectRows(
    _ target: TargetTable, _ expected: [[CellValue]], at place: SinkPlace,
    _ subject: @autoclosure () -> String = "rows of the target"
  ) async throws {
    let found = try await place.probe.rows(of: target)
    try expect(subject(), sorted(found), is: sorted(expected))
  }

  /// Throws unless a commit was new, and counted so.
  static func expectCommitted(
    _ outcome: CommitOutcome, _ counts: RowCounts, _ subject: @autoclosure () -> String = "counts"
  ) throws {
    guard case .committed(let entry, _) = outcome else {
      throw BatteryFailure(subject(), expected: "committed", found: "\(outcome)")
    }
    try expect(subject(), entry.counts, is: counts)
  }

  private static func sorted(_ rows: [[CellValue]]) -> [String] {
    rows.map { $0.map(\.description).joined(separator: ", ") }.sorted()
  }
}
