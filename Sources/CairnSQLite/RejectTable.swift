import Cairn
import GRDB

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `cairn_rejects`: a row per rejected row.
enum RejectTable {
  /// For how many days the keys of open rejects are watched. After that a corrected row whose key is
  /// in the table no longer overwrites it.
  static let watchDays = 30

  /// Inserts the rejects of a chunk.
  ///
  /// - Parameter watched: The rows of those whose keys are watched.
  static func insert(
    _ rejects: [Reject], watched: Set<UInt64> = [], of syncID: SyncID, chunk: Int, in db: Database
  ) throws {
    guard !rejects.isEmpty else { return }
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO cairn_rejects (
          sync_id, chunk_id, row, line, byte_offset, column_name, rule, reason, raw, watched,
          rejected_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \(SinkClock.now))
        """)
    for reject in rejects {
      try statement.execute(arguments: [
        syncID.description, chunk, LedgerTable.signed(reject.row), LedgerTable.signed(reject.line),
        LedgerTable.signed(reject.byteOffset), reject.column, reject.rule, reject.reason,
        reject.raw.map { Data($0) }, watched.contains(reject.row),
      ])
    }
  }

  /// Whether keys of open rejects of a target are watched.
  static func areWatched(scope: String, in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT EXISTS (
            SELECT 1 FROM cairn_rejects r JOIN cairn_sync_metadata m USING (sync_id)
            WHERE m.table_identity = ? AND m.abandoned_at IS NULL
              AND r.watched AND r.replayed IS NULL
              AND r.rejected_at > \(SinkClock.later(by: "-\(watchDays * 86_400)")))
          """),
      arguments: [scope]) == true
  }

  /// The chunk of an open reject, or nil when there is none of that row.
  static func openChunk(row: UInt64, of syncID: SyncID, in db: Database) throws -> Int? {
    try Int.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT chunk_id FROM cairn_rejects WHERE sync_id = ? AND row = ? AND replayed IS NULL
          """),
      arguments: [syncID.description, LedgerTable.signed(row)])
  }

  /// Notes what became of a reject.
  static func settle(
    row: UInt64, of syncID: SyncID, as fate: ReplayFate, in db: Database
  ) throws {
    try db.cachedStatement(
      sql: """
        UPDATE cairn_rejects SET replayed = ?, replayed_at = \(SinkClock.now)
        WHERE sync_id = ? AND row = ?
        """
    ).execute(arguments: [fate.word, syncID.description, LedgerTable.signed(row)])
  }

  /// Rejects of a run in row order.
  static func select(
    _ syncID: SyncID, offset: Int, limit: Int, in db: Database
  ) throws -> [Reject] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM cairn_rejects WHERE sync_id = ? ORDER BY row, id LIMIT ? OFFSET ?
        """,
      arguments: [syncID.description, max(limit, 0), max(offset, 0)]
    ).map { row in
      let raw: Data? = row["raw"]
      return Reject(
        row: LedgerTable.unsigned(row["row"]), line: LedgerTable.unsigned(row["line"]),
        byteOffset: LedgerTable.unsigned(row["byte_offset"]), column: row["column_name"],
        rule: row["rule"], reason: row["reason"], raw: raw.map { [UInt8]($0) },
        replayed: row["replayed"])
    }
  }
}
