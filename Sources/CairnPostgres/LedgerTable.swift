import Cairn

/// `chunk_ledger`: a row per committed chunk.
struct LedgerTable {
  let state: StateSchema

  private static let countColumns = [
    "records_total", "records_inserted", "records_updated", "records_unchanged",
    "records_superseded", "records_kept", "records_failed",
  ]

  /// SQL for the sums over the ledger entries `e` of a run, named `sum_records_total` and so on.
  static let sums = countColumns.map { "coalesce(sum(e.\($0)), 0) AS sum_\($0)" }
    .joined(separator: ", ")

  private var selection: String {
    "SELECT e.*, \(SinkClock.text("e.committed_at")) AS committed FROM \(state.ledger) e"
  }

  /// The entries of a run, ascending by chunk.
  func entries(of syncID: SyncID, on connection: Connection) throws -> [LedgerEntry] {
    try connection.query(
      "\(selection) WHERE e.sync_id = $1 ORDER BY e.chunk_id", [.text(syncID.description)]
    ).namedRows.map(Self.entry)
  }

  /// The entry of a chunk, or nil.
  func entry(of syncID: SyncID, chunk: Int, on connection: Connection) throws -> LedgerEntry? {
    try connection.query(
      "\(selection) WHERE e.sync_id = $1 AND e.chunk_id = $2",
      [.text(syncID.description), .integer(chunk)]
    ).named().map(Self.entry)
  }

  /// Inserts the mark of a chunk, its counts still zero.
  ///
  /// - Returns: False when the chunk has one already; the transaction has failed then.
  func mark(
    _ source: RecordedExtent, of syncID: SyncID, fence: Int64, on connection: Connection
  ) throws -> Bool {
    let start = source.extent.start
    let end = source.extent.end
    do {
      try connection.query(
        """
        INSERT INTO \(state.ledger) (
          sync_id, chunk_id, start_offset, start_row, start_line, end_offset, end_row, end_line,
          content_digest, fence, committed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \(SinkClock.now))
        """,
        [
          .text(syncID.description), .integer(start.chunk), .integer(Self.signed(start.offset)),
          .integer(Self.signed(start.row)), .integer(Self.signed(start.line)),
          .integer(Self.signed(end.offset)), .integer(Self.signed(end.row)),
          .integer(Self.signed(end.line)), .text(source.contentDigest), .integer(fence),
        ])
      return true
    } catch let failure as PostgresFailure
      where failure.state == "23505" && failure.constraint == StateSchema.markConstraint
      && failure.schema == state.name
    {
      return false
    }
  }

  /// Writes a chunk's counts into its mark, and adds them to the run's own row.
  ///
  /// - Parameter table: The target, or the shadow table, that the rows went to.
  func count(
    _ counts: RowCounts, validationErrors: Int, table: UInt32, chunk: Int, of syncID: SyncID,
    on connection: Connection
  ) throws {
    let values: [Parameter] = [
      .integer(counts.rows), .integer(counts.inserted), .integer(counts.updated),
      .integer(counts.unchanged), .integer(counts.superseded), .integer(counts.kept),
      .integer(counts.rejected),
    ]
    let set = Self.countColumns.enumerated().map { "\($1) = $\($0 + 3)" }
    try connection.query(
      "UPDATE \(state.ledger) SET \(set.joined(separator: ", ")) "
        + "WHERE sync_id = $1 AND chunk_id = $2",
      [.text(syncID.description), .integer(chunk)] + values)
    let add = Self.countColumns.enumerated().map { "\($1) = \($1) + $\($0 + 4)" }
    try connection.query(
      """
      UPDATE \(state.metadata) SET \(add.joined(separator: ", ")),
        validation_errors = validation_errors + $2, chunks_committed = chunks_committed + 1,
        table_oid = coalesce(table_oid, $3)
      WHERE sync_id = $1
      """,
      [.text(syncID.description), .integer(validationErrors), .integer(table)] + values)
  }

  /// The counts in a row that has the columns of the table under names with a prefix.
  static func counts(_ row: NamedRow, prefix: String = "") throws -> RowCounts {
    func number(_ column: String) throws -> Int {
      Int(try row.requiredInteger(prefix + column))
    }
    var counts = RowCounts()
    counts.rows = try number("records_total")
    counts.inserted = try number("records_inserted")
    counts.updated = try number("records_updated")
    counts.unchanged = try number("records_unchanged")
    counts.superseded = try number("records_superseded")
    counts.kept = try number("records_kept")
    counts.rejected = try number("records_failed")
    return counts
  }

  private static func entry(_ row: NamedRow) throws -> LedgerEntry {
    let chunk = Int(try row.requiredInteger("chunk_id"))
    func place(_ name: String) throws -> UInt64 { unsigned(try row.requiredInteger(name)) }
    let start = SourcePosition(
      chunk: chunk, offset: try place("start_offset"), row: try place("start_row"),
      line: try place("start_line"))
    let end = SourcePosition(
      chunk: chunk + 1, offset: try place("end_offset"), row: try place("end_row"),
      line: try place("end_line"))
    return LedgerEntry(
      source: RecordedExtent(
        extent: ChunkExtent(start: start, end: end),
        contentDigest: try row.required("content_digest")),
      counts: try counts(row), fence: try row.requiredInteger("fence"),
      committedAt: try row.required("committed"))
  }

  /// Offsets are stored by their bits, so that each comes back as it was.
  static func signed(_ value: UInt64) -> Int64 { Int64(bitPattern: value) }
  /// Undoes ``signed(_:)``.
  static func unsigned(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) }
}
