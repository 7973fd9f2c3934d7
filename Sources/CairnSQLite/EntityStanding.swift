import Cairn
import GRDB

/// How loads of a target stand, seen from a batch of entities that is about to be committed into it:
/// chunks that come late, and rejects that come back corrected, must leave its rows alone.
struct EntityStanding {
  /// The number of the last run that has begun; the batch is later than all of its chunks.
  var lastSequence: Int64
  /// Whether a run of the target may still commit chunks.
  var runIsOutstanding: Bool
  /// Whether keys of open rejects of the target are watched.
  var areKeysWatched: Bool

  /// A chunk after every other.
  static let chunk = Int(Int32.max)

  /// - Parameter identity: The target's.
  static func read(_ identity: String, in db: Database) throws -> EntityStanding {
    let row = try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT max(m.sequence) AS last, max(\(RunTable.isOutstanding)) AS outstanding
          FROM cairn_sync_metadata m WHERE m.table_identity = ?
          """), arguments: [identity])
    guard let last: Int64 = row?["last"] else {
      return EntityStanding(lastSequence: 0, runIsOutstanding: false, areKeysWatched: false)
    }
    return EntityStanding(
      lastSequence: last, runIsOutstanding: row?["outstanding"] == true,
      areKeysWatched: try RejectTable.areWatched(scope: identity, in: db))
  }
}
