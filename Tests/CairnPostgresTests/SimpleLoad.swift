import Cairn
import CairnTesting
import Testing

/// A run with rows of the test's own choice, for what only PostgreSQL does.
struct SimpleLoad {
  private(set) var sink: any Sink
  let target: TargetTable
  var record: RunRecord
  var lease: Lease
  private var position = SourcePosition.start

  /// Prepares the target and begins a run.
  init(
    _ number: Int = 1, into target: TargetTable, on sink: any Sink,
    owner: LeaseOwner = LeaseOwner(host: "elsewhere", pid: 1, processStart: "x")
  ) async throws {
    self.sink = sink
    self.target = target
    try await sink.prepareState()
    let witness = try await sink.prepareTarget(target)
    let digits = String(number)
    let id = try #require(
      SyncID(
        "sync_20250129_143022_" + String(repeating: "0", count: 8 - digits.utf8.count) + digits))
    let new = NewRun(
      syncID: id, job: "simple", table: target.name,
      source: SourceIdentity(fingerprint: "f\(number)", path: nil, size: nil, modifiedAt: nil),
      sourceName: "f\(number).dat", jobDigest: "d", resolved: "{}", witness: witness,
      checkpointDirectory: nil, startedAt: "2025-01-29T14:30:22.000Z")
    guard
      case .began(let record, let lease) = try await sink.begin(
        new, owner: owner, leaseDuration: .seconds(600))
    else { throw BatteryFailure("begin", expected: "began", found: "exists") }
    self.record = record
    self.lease = lease
  }

  /// The next chunk.
  mutating func work(_ rows: [[CellValue]]) throws -> ChunkWork {
    let first = position.row
    var end = position
    end.chunk += 1
    end.row += UInt64(rows.count)
    end.offset += UInt64(rows.count) * 8
    end.line += UInt64(rows.count)
    let extent = ChunkExtent(start: position, end: end)
    position = end
    return ChunkWork(
      run: record, target: target,
      source: RecordedExtent(extent: extent, contentDigest: "digest"),
      batch: try RecordBatch(columns: target.columns, rows: rows), rejects: [],
      makeReject: { row, column, reason in
        Reject(
          row: first + UInt64(row), line: first + UInt64(row) + 1, byteOffset: 0, column: column,
          rule: "database", reason: reason, raw: nil)
      })
  }

  /// Commits the next chunk and says what became of its rows.
  @discardableResult
  mutating func commit(_ rows: [[CellValue]], allowance: Int = .max) async throws -> RowCounts {
    let work = try work(rows)
    return try await sink.stage(work).commit(under: lease, rejectAllowance: allowance).entry.counts
  }

  /// Marks the end and finishes.
  @discardableResult
  func finish() async throws -> RunRecord {
    try await sink.recordEnd(SourceEnd(position: position), of: record.syncID, under: lease)
    return try await sink.finish(
      FinishRequest(status: .completed, target: target), under: lease)
  }

  /// Goes on under another lease, with a sink of another process.
  func handed(to lease: Lease, on sink: any Sink) -> SimpleLoad {
    SimpleLoad(continuing: self, under: lease, on: sink)
  }

  private init(continuing load: SimpleLoad, under lease: Lease, on sink: any Sink) {
    self = load
    self.lease = lease
    self.sink = sink
  }

  /// Reasons of the rejects, in row order.
  func reasons() async throws -> [String] {
    try await sink.rejects(of: record.syncID, offset: 0, limit: 1_000).map {
      "\($0.row): \($0.reason)"
    }
  }
}

/// A target whose columns are given as `name: type`; key columns are required.
func table(
  _ name: String, _ columns: KeyValuePairs<String, ColumnType>, key: [String],
  _ mode: LoadMode = .upsert
) -> TargetTable {
  TargetTable(
    name: name,
    columns: columns.map {
      TargetColumn(name: $0.key, type: $0.value, isRequired: key.contains($0.key))
    }, key: key, mode: mode)
}

/// The target named `target`.
func table(
  _ columns: KeyValuePairs<String, ColumnType>, key: [String], _ mode: LoadMode = .upsert
) -> TargetTable {
  table("target", columns, key: key, mode)
}

/// Counts in the order of the receipt.
func counts(
  _ rows: Int, inserted: Int = 0, updated: Int = 0, unchanged: Int = 0, superseded: Int = 0,
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
