import Cairn
import GRDB

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

  /// Reads how things stand, in the transaction of the commit, before the mark is inserted.
  static func read(_ syncID: SyncID, chunk: Int, in db: Database) throws -> RunStanding {
    guard
      let run = try Row.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT sequence, status, abandoned_at, chunks_committed, table_identity
            FROM cairn_sync_metadata WHERE sync_id = ?
            """),
        arguments: [syncID.description])
    else { throw SinkError.fatal("the database knows no run \(syncID)", remedy: "") }
    let highest = try Int.fetchOne(
      db.cachedStatement(
        sql: "SELECT max(chunk_id) FROM cairn_chunk_ledger WHERE sync_id = ?"),
      arguments: [syncID.description])
    let committed: Int = run["chunks_committed"]
    let isLate = (highest ?? -1) > chunk
    let lower =
      isLate
      ? try Int.fetchOne(
        db, sql: "SELECT count(*) FROM cairn_chunk_ledger WHERE sync_id = ? AND chunk_id < ?",
        arguments: [syncID.description, chunk]) ?? 0
      : committed
    let identity: String = run["table_identity"]
    let sequence: Int64 = run["sequence"]
    func exists(_ condition: String) throws -> Bool {
      try Bool.fetchOne(
        db.cachedStatement(
          sql: """
            SELECT EXISTS (
              SELECT 1 FROM cairn_sync_metadata m WHERE m.table_identity = ? AND \(condition))
            """),
        arguments: [identity, sequence]) == true
    }
    return RunStanding(
      sequence: sequence, isOver: run["status"] == "SUCCESS" || run["abandoned_at"] != nil,
      isFirst: committed == 0, lowerIsOutstanding: lower < chunk, higherIsCommitted: isLate,
      earlierRunIsOutstanding: try exists("m.sequence < ? AND \(RunTable.isOutstanding)"),
      laterRunHasCommitted: try exists("m.sequence > ? AND m.chunks_committed > 0"),
      laterRunHasReplaced: try exists("m.sequence > ? AND m.swapped"))
  }
}
