import Cairn

/// Notices that a target is no longer the table that a run loaded into.
enum TargetDamage {
  /// What happened, or nil when all is well.
  static func find(
    _ run: RunRecord, target: TargetTable, state: StateSchema, on connection: Connection
  ) throws -> String? {
    guard run.committedChunks > 0 else { return nil }
    let name = try QualifiedName.resolve(target.name, on: connection)
    let standing = try connection.query(
      """
      SELECT m.swapped, m.table_oid, EXISTS (
        SELECT 1 FROM \(state.metadata) l
        WHERE l.table_identity = m.table_identity AND l.sequence > m.sequence AND l.swapped
      ) AS replaced
      FROM \(state.metadata) m WHERE m.sync_id = $1
      """, [.text(run.syncID.description)])
    guard let row = standing.named() else { return nil }
    if try oid(of: name, on: connection) == nil { return "table \(name.sql) was dropped" }
    if try row.isTrue("replaced") { return nil }
    var searched = name
    if target.mode == .replace {
      // Once swapped, the rows are in the target.
      guard try !row.isTrue("swapped") else { return nil }
      searched = ShadowTable(of: run.syncID, beside: name).name
    }
    guard let found = try oid(of: searched, on: connection) else {
      return "table \(searched.sql), which the rows are collected in, was dropped"
    }
    if let known = try row.integer("table_oid"), known != found {
      return "table \(searched.sql) was recreated"
    }
    guard run.counts.inserted + run.counts.updated + run.counts.unchanged > 0 else { return nil }
    let isFilled = try connection.query("SELECT EXISTS (SELECT FROM \(searched.sql))").isTrue(0, 0)
    return isFilled ? nil : "table \(searched.sql) was emptied"
  }

  private static func oid(of name: QualifiedName, on connection: Connection) throws -> Int64? {
    try connection.query("SELECT to_regclass($1)::oid", [.text(name.sql)]).integer(0, 0)
  }
}
