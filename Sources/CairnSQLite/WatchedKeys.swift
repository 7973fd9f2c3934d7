import Cairn

/// Watches the keys of rejects: whoever writes one from now on leaves its position there, so that a
/// corrected row does not overwrite a newer one.
struct WatchedKeys {
  private let statement: SQLStatement

  init(_ keys: RecordedKeys, connection: OpaquePointer) throws {
    statement = try SQLStatement(keys.watchSQL, on: connection)
  }

  /// Watches the keys of what was rejected before the chunk came to the database, and of rows whose
  /// values its table would change.
  ///
  /// - Returns: The rows whose key is known, by their number in the source.
  func watchRejected(of chunk: StagedSQLiteChunk) throws -> Set<UInt64> {
    var watched = try watch(chunk.rows.refused.map(\.row), of: chunk)
    guard let rejected = chunk.work.rejected else { return watched }
    let columns = chunk.rows.keyPositions.map { position in
      BoundColumn(
        rejected.batch.columns[position],
        affinity: chunk.shape.column(named: rejected.batch.columns[position].name)?.affinity
          ?? .blob)
    }
    let first = chunk.work.source.extent.start.row
    try watch(Array(0..<UInt32(rejected.rows.count)), columns) { row in
      watched.insert(first + UInt64(rejected.rows[Int(row)]))
    }
    return watched
  }

  /// Watches the keys of rows of a chunk's batch.
  func watch(_ rows: [UInt32], of chunk: StagedSQLiteChunk) throws -> Set<UInt64> {
    var watched: Set<UInt64> = []
    try watch(rows, chunk.rows.keyPositions.map { chunk.rows.columns[$0] }) { row in
      watched.insert(chunk.work.sourceRow(ofBatchRow: Int(row)))
    }
    return watched
  }

  private func watch(
    _ rows: [UInt32], _ key: [BoundColumn], _ found: (UInt32) -> Void
  ) throws {
    guard !rows.isEmpty else { return }
    try Binder.withBinders(for: key) { binders in
      for row in rows {
        var isWhole = true
        for (position, binder) in binders.enumerated() {
          let index = binder.valueIndex(ofRow: Int(row))
          // What has no key, or one that the table cannot hold, nobody else writes either.
          if index == Column.null || key[position].unfit[index] != nil { isWhole = false }
          binder.bind(index, to: statement.handle, at: Int32(position + 1))
        }
        guard isWhole else { continue }
        try statement.run()
        found(row)
      }
    }
  }
}
