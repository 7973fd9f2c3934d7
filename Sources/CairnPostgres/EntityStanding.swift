import Cairn

/// How loads of a target stand, seen from a batch of entities that is about to be committed into it,
/// or from the end of a partition's replacement. Read under the target's lock, so that no load begins
/// or ends meanwhile.
struct EntityStanding {
  /// The number of the last run that has begun; the batch is later than all of its rows.
  var lastSequence: Int64
  /// Whether keys of open rejects of the target are watched.
  var areKeysWatched: Bool

  /// What is written now is later than every row of the last run.
  static let chunk = Int(Int32.max)
  static let row = UInt64(Int64.max)

  /// - Parameter identity: The target's.
  /// - Throws: ``SinkError/loadUnfinished(_:)`` while a run of the target may still write rows: they
  ///   would overwrite newer ones.
  static func read(
    _ identity: String, server: Server, on connection: Connection
  ) throws -> EntityStanding {
    let found = try connection.query(
      """
      SELECT coalesce(max(m.sequence), 0) AS last,
        (SELECT m.sync_id FROM \(server.state.metadata) m
          WHERE m.table_identity = $1 AND \(RunTable.mayStillWrite)
          ORDER BY m.sequence LIMIT 1) AS unfinished,
        \(server.rejects.areWatched(of: "$1")) AS watched
      FROM \(server.state.metadata) m WHERE m.table_identity = $1
      """, [.text(identity)])
    guard let row = found.named() else {
      return EntityStanding(lastSequence: 0, areKeysWatched: false)
    }
    if let unfinished = try row.text("unfinished").flatMap(SyncID.init) {
      throw SinkError.loadUnfinished(try server.runs.record(of: unfinished, on: connection))
    }
    return EntityStanding(
      lastSequence: try row.requiredInteger("last"), areKeysWatched: try row.isTrue("watched"))
  }
}
