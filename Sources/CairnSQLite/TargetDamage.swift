import Cairn
import GRDB

/// Notices that a target is no longer the table that a run loaded into.
enum TargetDamage {
  /// What happened, or nil when all is well.
  static func find(_ run: RunRecord, target: TargetTable, in db: Database) throws -> String? {
    guard run.committedChunks > 0 else { return nil }
    let table = try TableName(target.name)
    let shape: TargetShape?
    do {
      shape = try TargetShape.read(table, in: db)
    } catch let error as NotATable {
      return "table '\(table.name)' was replaced by a \(error.kind)"
    }
    guard let shape else { return "table '\(table.name)' was dropped" }
    let standing = try Row.fetchOne(
      db,
      sql: """
        SELECT swapped, EXISTS (
          SELECT 1 FROM cairn_sync_metadata l
          WHERE l.table_identity = m.table_identity AND l.sequence > m.sequence AND l.swapped
        ) AS replaced
        FROM cairn_sync_metadata m WHERE sync_id = ?
        """,
      arguments: [run.syncID.description])
    if standing?["replaced"] == true { return nil }
    var searched = shape.name
    if target.mode == .replace, standing?["swapped"] != true {
      searched = ShadowTable(of: run.syncID).name
      if try !ShadowTable(of: run.syncID).exists(in: db) {
        return "table '\(searched)', which the rows are collected in, was dropped"
      }
    }
    guard run.counts.inserted + run.counts.updated + run.counts.unchanged > 0 else { return nil }
    let isEmpty = try Bool.fetchOne(
      db, sql: "SELECT NOT EXISTS (SELECT 1 FROM main.\(searched.quotedIdentifier))")
    if isEmpty == true { return "table '\(searched)' was emptied" }
    let loaded = target.columns.map(\.name)
    guard loaded.allSatisfy({ shape.column(named: $0) != nil }) else {
      return "table '\(searched)' was recreated with other columns"
    }
    let (kept, isOneThere) = try SampledRows.search(
      run.syncID, table: searched, hasKey: !target.key.isEmpty && target.mode != .append,
      hasRowID: !shape.isWithoutRowID, in: db)
    guard kept > 0, !isOneThere else { return nil }
    return "table '\(searched)' was emptied, recreated or restored: of the rows that the run has "
      + "committed, none of \(kept) looked for is there"
  }
}
