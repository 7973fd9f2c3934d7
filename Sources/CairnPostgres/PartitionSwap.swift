import Cairn

/// Replaces the rows of a partition by those that the batches of a run have collected, in the
/// transaction that is open, under the target's lock.
struct PartitionSwap {
  let replacement: PartitionReplacement
  let syncID: SyncID
  let server: Server

  /// - Throws: ``SinkError/loadUnfinished(_:)``: what comes of the load belongs into the partition
  ///   before it is replaced, or not at all.
  func run(on connection: Connection) throws {
    let name = try QualifiedName.resolve(replacement.table, on: connection)
    let standing = try EntityStanding.read(name.identity, server: server, on: connection)
    let shape = try server.shapes.current(name, on: connection)
    guard let column = shape.column(named: replacement.column) else {
      throw SinkError.targetMismatch(
        table: name.sql, problems: ["it has no column '\(replacement.column)'"],
        remedy: "Give a column of the table.")
    }
    let shadow = ShadowTable(of: syncID, beside: name)
    let isThere = try shadow.exists(on: connection)
    guard isThere || replacement.columns.isEmpty else {
      throw SinkError.targetMismatch(
        table: name.sql, problems: ["the table \(shadow.name.sql) with the run's rows is gone"],
        remedy: "Start over.")
    }
    try connection.execute("SET CONSTRAINTS ALL DEFERRED")
    do {
      try connection.query(
        """
        DELETE FROM \(name.sql)
        WHERE \(column.name.quotedIdentifier) = $1::text::\(column.declaredType)
        """, [.text(replacement.value)])
      if isThere {
        let list = replacement.columns.map(\.quotedIdentifier).joined(separator: ", ")
        try connection.execute(
          "INSERT INTO \(name.sql) (\(list)) SELECT \(list) FROM \(shadow.name.sql)")
        try shadow.drop(on: connection)
      }
      try connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
      if standing.areKeysWatched { try touchKeys(of: shape, column, standing, on: connection) }
    } catch let failure as PostgresFailure where failure.state.hasPrefix("23") {
      throw SinkError.fatal(
        "partition '\(replacement.value)' of \(name.sql) cannot be replaced: \(failure.message)",
        remedy: "Nothing was changed; see what the constraint says about the new rows.")
    }
  }

  /// Records of watched keys that the partition's rows have written them, whichever key they are.
  private func touchKeys(
    of shape: TargetShape, _ column: ShapeColumn, _ standing: EntityStanding,
    on connection: Connection
  ) throws {
    for key in shape.uniqueKeys {
      guard
        let recorded = try RecordedKeys.find(
          scope: shape.name.identity, key: key, state: server.state, on: connection)
      else { continue }
      try recorded.touch(
        key, of: shape,
        where: "t.\(column.name.quotedIdentifier) = $1::text::\(column.declaredType)",
        [.text(replacement.value)], sequence: standing.lastSequence,
        chunk: EntityStanding.chunk, row: EntityStanding.row, on: connection)
    }
  }
}
