import Cairn
import GRDB

/// `cairn_chunk_ledger`: a row per committed chunk.
enum LedgerTable {
  private static let countColumns = [
    "records_total", "records_inserted", "records_updated", "records_unchanged",
    "records_superseded", "records_kept", "records_failed",
  ]

  /// SQL for the sums over the ledger of the run `m`, named `sum_records_total` and so on.
  static let sums = countColumns.map {
    """
    (SELECT coalesce(sum(\($0)), 0) FROM cairn_chunk_ledger c WHERE c.sync_id = m.sync_id) \
    AS sum_\($0)
    """
  }.joined(separator: ",\n")

  /// The entries of a run, ascending by chunk.
  static func entries(of syncID: SyncID, in db: Database) throws -> [LedgerEntry] {
    try Row.fetchAll(
      db, sql: "SELECT * FROM cairn_chunk_ledger WHERE sync_id = ? ORDER BY chunk_id",
      arguments: [syncID.description]
    ).map(entry)
  }

  /// The entry of a chunk, or nil.
  static func entry(of syncID: SyncID, chunk: Int, in db: Database) throws -> LedgerEntry? {
    try Row.fetchOne(
      db.cachedStatement(
        sql: "SELECT * FROM cairn_chunk_ledger WHERE sync_id = ? AND chunk_id = ?"),
      arguments: [syncID.description, chunk]
    ).map(entry)
  }

  /// Inserts the mark of a chunk, its counts still zero.
  ///
  /// - Returns: False when the chunk has one already.
  static func mark(
    _ source: RecordedExtent, of syncID: SyncID, fence: Int64, in db: Database
  ) throws -> Bool {
    let start = source.extent.start
    let end = source.extent.end
    do {
      try db.cachedStatement(
        sql: """
          INSERT INTO cairn_chunk_ledger (
            sync_id, chunk_id, start_offset, start_row, start_line, end_offset, end_row, end_line,
            content_digest, fence, committed_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(SinkClock.now))
          """
      ).execute(
        arguments: [
          syncID.description, start.chunk, signed(start.offset), signed(start.row),
          signed(start.line), signed(end.offset), signed(end.row), signed(end.line),
          source.contentDigest, fence,
        ])
      return true
    } catch let error as DatabaseError
      where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY
      || error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE
    {
      return false
    }
  }

  /// Writes a chunk's counts into its mark, and adds them to the run's own row.
  static func count(
    _ counts: RowCounts, validationErrors: Int, chunk: Int, of syncID: SyncID, in db: Database
  ) throws {
    let values: [(any DatabaseValueConvertible)?] = [
      counts.rows, counts.inserted, counts.updated, counts.unchanged, counts.superseded,
      counts.kept, counts.rejected,
    ]
    try db.cachedStatement(
      sql: """
        UPDATE cairn_chunk_ledger SET \(countColumns.map { "\($0) = ?" }.joined(separator: ", "))
        WHERE sync_id = ? AND chunk_id = ?
        """
    ).execute(
      arguments: StatementArguments(values + [syncID.description, chunk]))
    try db.cachedStatement(
      sql: """
        UPDATE cairn_sync_metadata
        SET \(countColumns.map { "\($0) = \($0) + ?" }.joined(separator: ", ")),
          validation_errors = validation_errors + ?, chunks_committed = chunks_committed + 1
        WHERE sync_id = ?
        """
    ).execute(
      arguments: StatementArguments(values + [validationErrors, syncID.description]))
  }

  /// The counts in a row that has the columns of the table under names with a prefix.
  static func counts(_ row: Row, prefix: String = "") -> RowCounts {
    var counts = RowCounts()
    counts.rows = row["\(prefix)records_total"]
    counts.inserted = row["\(prefix)records_inserted"]
    counts.updated = row["\(prefix)records_updated"]
    counts.unchanged = row["\(prefix)records_unchanged"]
    counts.superseded = row["\(prefix)records_superseded"]
    counts.kept = row["\(prefix)records_kept"]
    counts.rejected = row["\(prefix)records_failed"]
    return counts
  }

  private static func entry(_ row: Row) -> LedgerEntry {
    let chunk: Int = row["chunk_id"]
    let start = SourcePosition(
      chunk: chunk, offset: unsigned(row["start_offset"]), row: unsigned(row["start_row"]),
      line: unsigned(row["start_line"]))
    let end = SourcePosition(
      chunk: chunk + 1, offset: unsigned(row["end_offset"]), row: unsigned(row["end_row"]),
      line: unsigned(row["end_line"]))
    return LedgerEntry(
      source: RecordedExtent(
        extent: ChunkExtent(start: start, end: end), contentDigest: row["content_digest"]),
      counts: counts(row), fence: row["fence"], committedAt: row["committed_at"])
  }

  /// Offsets are stored by their bits, so that each comes back as it was.
  static func signed(_ value: UInt64) -> Int64 { Int64(bitPattern: value) }
  /// Undoes ``signed(_:)``.
  static func unsigned(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) }
}
