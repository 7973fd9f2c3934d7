import Cairn
import GRDB

/// Replaces the rows of a partition by those that the batches of a run have collected, in the
/// transaction that is open.
struct PartitionSwap {
  let replacement: PartitionReplacement
  let syncID: SyncID
  let shapes: ShapeCache

  /// - Throws: ``SinkError/loadUnfinished(_:)``: what comes of the load belongs into the partition
  ///   before it is replaced, or not at all.
  func run(in db: Database) throws {
    let name = try TableName(replacement.table)
    let standing = try EntityStanding.read(name.identity, in: db)
    let shape = try shapes.current(name, in: db)
    guard let column = shape.column(named: replacement.column) else {
      throw SinkError.targetMismatch(
        table: shape.name, problems: ["it has no column '\(replacement.column)'"],
        remedy: "Give a column of the table.")
    }
    let target = "main.\(shape.name.quotedIdentifier)"
    let partition = column.name.quotedIdentifier
    let shadow = ShadowTable(of: syncID)
    try db.execute(sql: "PRAGMA defer_foreign_keys = ON")
    guard try shadow.exists(in: db) else {
      guard replacement.columns.isEmpty else {
        throw SinkError.targetMismatch(
          table: shape.name, problems: ["the table \(shadow.name) with the run's rows is gone"],
          remedy: "Start over.")
      }
      try db.execute(
        sql: "DELETE FROM \(target) WHERE \(partition) = ?", arguments: [replacement.value])
      return
    }
    // The new rows say how the column holds the value, which may not be as it is written.
    try db.execute(
      sql: """
        DELETE FROM \(target) WHERE \(partition) = ?
          OR \(partition) IN (SELECT \(partition) FROM main.\(shadow.name.quotedIdentifier))
        """, arguments: [replacement.value])
    // Two batches may have written one column in letters of another case.
    var columns: [String] = []
    for name in replacement.columns.map({ shape.column(named: $0)?.name ?? $0 })
    where !columns.contains(name) {
      columns.append(name)
    }
    let list = columns.map(\.quotedIdentifier).joined(separator: ", ")
    let order = shape.isWithoutRowID ? "" : " ORDER BY rowid"
    try db.execute(
      sql: """
        INSERT INTO \(target) (\(list))
        SELECT \(list) FROM main.\(shadow.name.quotedIdentifier)\(order)
        """)
    if standing.areKeysWatched {
      try touchKeys(
        of: shape, identity: name.identity, standing,
        where: """
          t.\(partition) = ?
          OR t.\(partition) IN (SELECT \(partition) FROM main.\(shadow.name.quotedIdentifier))
          """, in: db)
    }
    try shadow.drop(in: db)
  }

  /// Records of watched keys that the partition's rows have written them, whichever key they are.
  private func touchKeys(
    of shape: TargetShape, identity: String, _ standing: EntityStanding,
    where isInPartition: String, in db: Database
  ) throws {
    for key in shape.uniqueKeys {
      guard let recorded = try RecordedKeys.find(scope: identity, shape: shape, key: key, in: db)
      else { continue }
      try db.execute(
        sql: recorded.touchSQL(
          rowsOf: shape.name, where: isInPartition, sequence: standing.lastSequence,
          chunk: EntityStanding.chunk, row: EntityStanding.row),
        arguments: [replacement.value])
    }
  }
}
