import Cairn

/// How a run stands among the chunks and runs of its target, seen from one of its chunks that is
/// about to be committed.
struct RunStanding {
  /// The run's number.
  var sequence: Int64
  /// Whether the run is completed or abandoned.
  var isOver: Bool
  /// Whether no chunk of the run is committed.
  var isFirst: Bool
  /// Whether a chunk of the run before this one is not committed.
  var lowerIsOutstanding: Bool
  /// Whether a chunk of the run after this one is committed.
  var higherIsCommitted: Bool
  /// Whether a run of the target that began earlier may still commit.
  var earlierRunIsOutstanding: Bool
  /// Whether a run of the target that began later has committed.
  var laterRunHasCommitted: Bool
  /// Whether a run of the target that began later has replaced all rows.
  var laterRunHasReplaced: Bool
  /// Whether keys of open rejects of the target are watched.
  var areKeysWatched: Bool
  /// The table that the run's first chunk went into.
  var tableOID: Int64?

  /// Reads how things stand, under the target's lock, before the mark is inserted; checks the fence
  /// if there is a lease.
  ///
  /// - Throws: ``SinkError/fenced(_:)`` when the lease is not the one that counts.
  static func read(
    _ syncID: SyncID, under lease: Lease?, chunk: Int, state: StateSchema,
    on connection: Connection
  ) throws -> RunStanding {
    let found = try connection.query(
      """
      SELECT m.sequence, m.status = 'SUCCESS' OR m.abandoned_at IS NOT NULL AS is_over,
        m.chunks_committed, m.table_oid, \(LeaseTable.columns("l")),
        coalesce(c.highest > $2, false) AS is_late, c.lower,
        coalesce(o.earlier, false) AS earlier, coalesce(o.later, false) AS later,
        coalesce(o.replaced, false) AS replaced,
        \(RejectTable(state: state).areWatched(of: "m.table_identity")) AS watched
      FROM \(state.metadata) m
      JOIN \(state.leases) l ON l.sync_id = m.sync_id
      CROSS JOIN LATERAL (
        SELECT max(chunk_id) AS highest, count(*) FILTER (WHERE chunk_id < $2) AS lower
        FROM \(state.ledger) e WHERE e.sync_id = m.sync_id) c
      CROSS JOIN LATERAL (
        SELECT bool_or(n.sequence < m.sequence AND n.outstanding) AS earlier,
          bool_or(n.sequence > m.sequence AND n.chunks_committed > 0) AS later,
          bool_or(n.sequence > m.sequence AND n.swapped) AS replaced
        FROM (
          SELECT m.*, \(RunTable.isOutstanding) AS outstanding FROM \(state.metadata) m) n
        WHERE n.table_identity = m.table_identity) o
      WHERE m.sync_id = $1
      """,
      [.text(syncID.description), .integer(chunk)])
    guard let row = found.named() else {
      throw SinkError.fatal("the database knows no run \(syncID)", remedy: "")
    }
    if let lease, try !LeaseTable.isCurrent(lease, row) {
      throw SinkError.fenced(try LeaseTable.holder(row))
    }
    return RunStanding(
      sequence: try row.requiredInteger("sequence"), isOver: try row.isTrue("is_over"),
      isFirst: try row.requiredInteger("chunks_committed") == 0,
      lowerIsOutstanding: try row.requiredInteger("lower") < chunk,
      higherIsCommitted: try row.isTrue("is_late"),
      earlierRunIsOutstanding: try row.isTrue("earlier"),
      laterRunHasCommitted: try row.isTrue("later"),
      laterRunHasReplaced: try row.isTrue("replaced"),
      areKeysWatched: try row.isTrue("watched"), tableOID: try row.integer("table_oid"))
  }
}
