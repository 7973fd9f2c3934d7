import Cairn

/// `rejects`: a row per rejected row.
struct RejectTable {
  let state: StateSchema

  /// For how many days the keys of open rejects are watched. After that a corrected row whose key is
  /// in the table no longer overwrites it.
  static let watchDays = 30

  /// Inserts the rejects of a chunk.
  ///
  /// - Parameter watched: The rows of those whose keys are watched.
  func insert(
    _ rejects: [Reject], watched: Set<UInt64>, of syncID: SyncID, chunk: Int,
    on connection: Connection
  ) throws {
    guard !rejects.isEmpty else { return }
    var rows = CopyRows()
    for reject in rejects {
      rows.row(columns: 10)
      rows.text(syncID.description)
      rows.integer(Int32(chunk))
      rows.integer(LedgerTable.signed(reject.row))
      rows.integer(LedgerTable.signed(reject.line))
      rows.integer(LedgerTable.signed(reject.byteOffset))
      rows.text(reject.column)
      rows.text(reject.rule)
      rows.text(reject.reason)
      rows.bytes(reject.raw)
      rows.integer(UInt8(watched.contains(reject.row) ? 1 : 0))
    }
    _ = try connection.copy(
      """
      COPY \(state.rejects) (
        sync_id, chunk_id, row, line, byte_offset, column_name, rule, reason, raw, watched)
      FROM STDIN (FORMAT binary)
      """
    ) { send in
      try CopyRows.header.withUnsafeBytes(send)
      try rows.data.withUnsafeBytes(send)
      try CopyRows.trailer.withUnsafeBytes(send)
    }
  }

  /// SQL that is true when keys of open rejects of a target are watched.
  ///
  /// - Parameter identity: SQL for the target's identity.
  func areWatched(of identity: String) -> String {
    """
    EXISTS (
      SELECT FROM \(state.rejects) r JOIN \(state.metadata) w ON w.sync_id = r.sync_id
      WHERE w.table_identity = \(identity) AND w.abandoned_at IS NULL
        AND r.watched AND r.replayed IS NULL
        AND r.rejected_at > \(SinkClock.now) - interval '\(Self.watchDays) days')
    """
  }

  /// The chunks of those of some rows whose reject is open, by row.
  func openChunks(
    rows: [UInt64], of syncID: SyncID, on connection: Connection
  ) throws -> [UInt64: Int] {
    let found = try connection.query(
      """
      SELECT row, chunk_id FROM \(state.rejects)
      WHERE sync_id = $1 AND row = ANY ($2) AND replayed IS NULL
      """, [.text(syncID.description), .integers(rows.map(LedgerTable.signed))], binary: true)
    var chunks: [UInt64: Int] = [:]
    for row in 0..<found.rowCount {
      chunks[LedgerTable.unsigned(found.binaryInteger(row, 0))] = Int(found.binaryInteger(row, 1))
    }
    return chunks
  }

  /// Notes what became of a reject.
  func settle(
    row: UInt64, of syncID: SyncID, as fate: ReplayFate, on connection: Connection
  ) throws {
    try connection.query(
      """
      UPDATE \(state.rejects) SET replayed = $3, replayed_at = \(SinkClock.now)
      WHERE sync_id = $1 AND row = $2
      """,
      [.text(syncID.description), .integer(LedgerTable.signed(row)), .text(fate.word)])
  }

  /// Rejects of a run in row order.
  func select(
    _ syncID: SyncID, offset: Int, limit: Int, on connection: Connection
  ) throws -> [Reject] {
    let found = try connection.query(
      """
      SELECT row, line, byte_offset, column_name, rule, reason, raw, replayed
      FROM \(state.rejects)
      WHERE sync_id = $1 ORDER BY row, id LIMIT $2 OFFSET $3
      """,
      [.text(syncID.description), .integer(max(limit, 0)), .integer(max(offset, 0))], binary: true)
    func text(_ row: Int, _ column: Int) -> String {
      String(decoding: found.unsafeBytes(row, column), as: UTF8.self)
    }
    return (0..<found.rowCount).map { row in
      Reject(
        row: LedgerTable.unsigned(found.binaryInteger(row, 0)),
        line: LedgerTable.unsigned(found.binaryInteger(row, 1)),
        byteOffset: LedgerTable.unsigned(found.binaryInteger(row, 2)),
        column: found.isNull(row, 3) ? nil : text(row, 3), rule: text(row, 4),
        reason: text(row, 5),
        raw: found.isNull(row, 6) ? nil : [UInt8](found.unsafeBytes(row, 6)),
        replayed: found.isNull(row, 7) ? nil : text(row, 7))
    }
  }

  /// How many rejects of a run are kept.
  func count(of syncID: SyncID, on connection: Connection) throws -> Int {
    Int(
      try connection.query(
        "SELECT count(*) FROM \(state.rejects) WHERE sync_id = $1", [.text(syncID.description)]
      ).integer(0, 0) ?? 0)
  }
}
