import Cairn
import GRDB

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `cairn_rejects`: a row per rejected row.
enum RejectTable {
  /// Inserts the rejects of a chunk.
  static func insert(_ rejects: [Reject], of syncID: SyncID, chunk: Int, in db: Database) throws {
    guard !rejects.isEmpty else { return }
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO cairn_rejects (
          sync_id, chunk_id, row, line, byte_offset, column_name, rule, reason, raw)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """)
    for reject in rejects {
      try statement.execute(arguments: [
        syncID.description, chunk, LedgerTable.signed(reject.row), LedgerTable.signed(reject.line),
        LedgerTable.signed(reject.byteOffset), reject.column, reject.rule, reject.reason,
        reject.raw.map { Data($0) },
      ])
    }
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
        rule: row["rule"], reason: row["reason"], raw: raw.map { [UInt8]($0) })
    }
  }
}
