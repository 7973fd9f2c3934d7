import Cairn
import GRDB

/// How loads of a target stand, seen from a batch of entities that is about to be committed into it,
/// or from the end of a partition's replacement. Read in their transaction, so that no load begins or
/// ends meanwhile.
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
  static func read(_ identity: String, in db: Database) throws -> EntityStanding {
    let row = try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT max(m.sequence) AS last,
            (SELECT m.sync_id FROM cairn_sync_metadata m
              WHERE m.table_identity = ?1 AND \(RunTable.mayStillWrite)
              ORDER BY m.sequence LIMIT 1) AS unfinished
          FROM cairn_sync_metadata m WHERE m.table_identity = ?1
          """), arguments: [identity])
    guard let last: Int64 = row?["last"] else {
      return EntityStanding(lastSequence: 0, areKeysWatched: false)
    }
    let unfinished: String? = row?["unfinished"]
    if let run = unfinished.flatMap(SyncID.init) {
      throw SinkError.loadUnfinished(try RunTable.record(of: run, in: db))
    }
    return EntityStanding(
      lastSequence: last, areKeysWatched: try RejectTable.areWatched(scope: identity, in: db))
  }
}
