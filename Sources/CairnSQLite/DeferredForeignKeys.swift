import GRDBSQLite

/// Makes deferred foreign keys speak before COMMIT, and finds the rows that break them.
enum DeferredForeignKeys {
  /// Whether COMMIT would fail.
  static func areBroken(_ connection: OpaquePointer) -> Bool {
    var current: Int32 = 0
    var highest: Int32 = 0
    sqlite3_db_status(connection, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0)
    return current != 0
  }

  /// The rows without which the transaction could commit.
  ///
  /// Groups of rows are written and taken back, halved as long as they break a key. What is left is
  /// tried again, until nothing more is accepted: rows may refer to later rows. (Rows that refer to
  /// each other in a circle are only accepted when no group parts them.)
  ///
  /// - Parameters:
  ///   - begin: Begins a transaction in which the rows can be written.
  ///   - end: Rolls it back.
  static func offenders(
    binders: UnsafeBufferPointer<Binder>, file: DatabaseFile, connection: OpaquePointer,
    begin: () throws -> RowMerge.Plan, end: () throws -> Void
  ) throws -> [UInt32: Refusal] {
    let plan = try begin()
    let merge = try RowMerge(plan, binders: binders, file: file, connection: connection)
    let savepoint = try Savepoint("cairn_group", on: connection)
    var left = plan.rows.groups.winners
    var offenders: [UInt32: Refusal] = [:]
    while true {
      offenders = [:]
      var groups = [left[...]]
      var refused: [UInt32] = []
      while let group = groups.popLast() {
        try savepoint.set()
        try merge.merge(group)
        guard areBroken(connection) else {
          try savepoint.release()
          continue
        }
        let written = merge.lastWritten?.row
        try savepoint.undo()
        if group.count > 1 {
          let middle = group.startIndex + group.count / 2
          groups.append(group[middle...])
          groups.append(group[..<middle])
        } else {
          refused += group
          if let written {
            offenders[written] = Refusal(column: nil, reason: "FOREIGN KEY constraint failed")
          }
        }
      }
      if refused.count == left.count || refused.isEmpty { break }
      left = refused
    }
    try end()
    return offenders
  }
}
