import Cairn

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
  static func read(
    _ identity: String, state: StateSchema, on connection: Connection
  ) throws -> EntityStanding {
    let found = try connection.query(
      """
      SELECT coalesce(max(m.sequence), 0) AS last,
        coalesce(bool_or(\(RunTable.isOutstanding)), false) AS outstanding,
        \(RejectTable(state: state).areWatched(of: "$1")) AS watched
      FROM \(state.metadata) m WHERE m.table_identity = $1
      """, [.text(identity)])
    guard let row = found.named() else {
      return EntityStanding(lastSequence: 0, runIsOutstanding: false, areKeysWatched: false)
    }
    return EntityStanding(
      lastSequence: try row.requiredInteger("last"),
      runIsOutstanding: try row.isTrue("outstanding"), areKeysWatched: try row.isTrue("watched"))
  }
}
