import Cairn

/// The keys of rows that were rejected before the chunk came to the database.
struct RejectedKeys: Sendable {
  /// Their keys.
  var keys: KeyArrays
  /// Those of them whose key is known.
  var rows: [UInt32]
  /// For each rejected row its number within the chunk.
  var numbers: [UInt32]

  /// - Parameter keys: The keys of all rejected rows, known or not.
  init(_ rejected: RejectedValues, keys: KeyArrays) {
    self.keys = keys
    numbers = rejected.rows
    rows = (0..<UInt32(rejected.rows.count)).filter(keys.isWhole)
  }
}

/// Watches the keys of rejects: whoever writes one from now on leaves its position there, so that a
/// corrected row does not overwrite a newer one.
struct WatchedKeys {
  private let recorded: RecordedKeys
  private let connection: Connection

  init(_ recorded: RecordedKeys, on connection: Connection) {
    self.recorded = recorded
    self.connection = connection
  }

  /// Watches the keys of what was rejected before the chunk came to the database, and of rows that
  /// need not be tried there.
  ///
  /// - Returns: The rows whose key is known, by their number in the source.
  func watchRejected(of chunk: StagedPostgresChunk) throws -> Set<UInt64> {
    var watched = try watch(chunk.rows.refused.map(\.row), of: chunk)
    guard let rejected = chunk.rows.rejectedKeys, !rejected.rows.isEmpty else { return watched }
    try recorded.watch(rejected.keys, of: rejected.rows, on: connection)
    let first = chunk.work.source.extent.start.row
    for row in rejected.rows { watched.insert(first + UInt64(rejected.numbers[Int(row)])) }
    return watched
  }

  /// Watches the keys of rows of a chunk's batch.
  func watch(_ rows: [UInt32], of chunk: StagedPostgresChunk) throws -> Set<UInt64> {
    guard let keys = chunk.rows.keys else { return [] }
    // What has no key, or one that the table cannot hold, nobody else writes either.
    let known = rows.filter(keys.isWhole)
    guard !known.isEmpty else { return [] }
    try recorded.watch(keys, of: known, on: connection)
    return Set(known.map { chunk.work.sourceRow(ofBatchRow: Int($0)) })
  }
}
