import Cairn
import GRDB
import GRDBSQLite

/// A few of the rows that a run committed: when none of them is in the target any more, it was
/// emptied, recreated or restored.
///
/// SQLite has no identity of a table that a recreated one would not have too, so rows are the only
/// sound witness. With a key its values are kept, without one up to sixteen columns, of which half
/// must still agree.
enum SampledRows {
  private static let mostColumns = 16

  /// Whether a row of that chunk is kept: of the first eight chunks, and ever rarer ones after.
  private static func isSampled(_ chunk: Int) -> Bool { chunk < 8 || chunk & (chunk - 1) == 0 }

  /// Keeps a row that was written.
  static func record(
    row: UInt32, rowID: Int64?, of syncID: SyncID, chunk: Int, rows: StagedRows,
    binders: UnsafeBufferPointer<Binder>, connection: OpaquePointer
  ) throws {
    guard isSampled(chunk) else { return }
    let positions =
      rows.keyPositions.isEmpty
      ? Array(rows.columns.indices.prefix(mostColumns)) : rows.keyPositions
    let insert = try SQLStatement(
      "INSERT INTO cairn_samples VALUES ('\(syncID)', \(chunk), ?1, ?2, ?3)", on: connection)
    if rows.keyPositions.isEmpty, let rowID {
      insert.bind(-1, at: 1)
      insert.bind("", at: 2)
      insert.bind(rowID, at: 3)
      try insert.run()
    }
    for position in positions {
      insert.bind(Int64(position), at: 1)
      insert.bind(rows.columns[position].name, at: 2)
      binders[position].bind(
        binders[position].valueIndex(ofRow: Int(row)), to: insert.handle, at: 3)
      try insert.run()
    }
  }

  /// How many rows of a run are kept, and whether one of them is in a table.
  static func search(
    _ syncID: SyncID, table: String, hasKey: Bool, hasRowID: Bool, in db: Database
  ) throws -> (kept: Int, isOneThere: Bool) {
    let samples = try Row.fetchAll(
      db, sql: "SELECT * FROM cairn_samples WHERE sync_id = ? ORDER BY chunk_id, position",
      arguments: [syncID.description])
    var byChunk: [Int: [(name: String, value: DatabaseValue)]] = [:]
    for sample in samples {
      byChunk[sample["chunk_id"], default: []].append((sample["column_name"], sample["value"]))
    }
    let from = "SELECT EXISTS (SELECT 1 FROM main.\(table.quotedIdentifier) WHERE "
    for (_, values) in byChunk.sorted(by: { $0.key < $1.key }) {
      let columns = values.filter { $0.name != "" }
      let arguments = StatementArguments(columns.map(\.value))
      let equal = columns.map { "(\($0.name.quotedIdentifier) IS ?)" }
      if hasKey {
        if try Bool.fetchOne(
          db, sql: from + equal.joined(separator: " AND ") + ")", arguments: arguments) == true
        {
          return (byChunk.count, true)
        }
        continue
      }
      let similar = "(\(equal.joined(separator: " + "))) * 2 >= \(columns.count)"
      let rowID = values.first { $0.name == "" }?.value
      if hasRowID, let rowID,
        try Bool.fetchOne(
          db, sql: from + "rowid = ? AND \(similar))",
          arguments: StatementArguments([rowID]) + arguments) == true
      {
        return (byChunk.count, true)
      }
      // VACUUM may have numbered the rows anew.
      if try Bool.fetchOne(db, sql: from + "\(similar))", arguments: arguments) == true {
        return (byChunk.count, true)
      }
    }
    return (byChunk.count, false)
  }
}
