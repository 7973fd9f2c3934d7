import Cairn

/// A page of a job whose rows are encoded. It holds no lock and no space in the database.
struct StagedPostgresJobWork: StagedJobWork {
  let server: Server
  let work: JobWork
  /// The targets as they were when the rows were prepared for them, by the names in the work.
  let shapes: [String: TargetShape]
  /// The rows, those of a table behind those of the one that they belong to.
  let rows: [Rows]
  let children: [Children]

  /// Rows of a table.
  struct Rows: Sendable {
    let work: JobWork.Rows
    let shape: TargetShape
    let columns: [String]
    let staged: StagedRows

    /// Says that the database refuses a row.
    func refusal(_ row: UInt32, _ refusal: Refusal) -> SinkError {
      work.table.refusal(
        ofRow: Int(row), in: work.batch, named: work.name, column: refusal.column,
        reason: refusal.reason)
    }
  }

  /// Parents whose children are all in the page.
  struct Children: Sendable {
    let name: String
    let shape: TargetShape
    let column: String
    let parents: StagedRows
    let family: TableFamily
  }

  /// Prepares a page's rows for their tables.
  static func stage(_ work: JobWork, server: Server) async throws -> StagedPostgresJobWork {
    var shapes: [String: TargetShape] = [:]
    for name in tables(of: work) { shapes[name] = try await server.shape(of: name) }
    var rows: [Rows] = []
    for given in work.parentsFirst where given.batch.rowCount > 0 {
      rows.append(try await Self.rows(given, shape(given.name, in: shapes), server))
    }
    var children: [Children] = []
    for (table, name, given) in work.replacedChildren {
      children.append(
        Children(
          name: name, shape: try shape(name, in: shapes), column: given.parent,
          parents: try await parents(given, named: name, shape(name, in: shapes), server),
          family: TableFamily(of: table, named: name, among: work.tables)))
    }
    return StagedPostgresJobWork(
      server: server, work: work, shapes: shapes, rows: rows, children: children)
  }

  private static func shape(
    _ name: String, in shapes: [String: TargetShape]
  ) throws -> TargetShape {
    guard let shape = shapes[name] else {
      throw SinkError.transient("table '\(name)' is being changed")
    }
    return shape
  }

  private static func rows(
    _ rows: JobWork.Rows, _ shape: TargetShape, _ server: Server
  ) async throws -> Rows {
    var rows = rows
    rows.batch = try rows.batch.newestLast(by: rows.table.version)
      .withoutEmpty { shape.column(named: $0) == nil }
    let target = try rows.table.target(named: rows.name, for: rows.batch)
    guard let key = shape.uniqueKey(on: rows.table.key) else {
      throw SinkError.targetMismatch(
        table: rows.name,
        problems: ["its unique key (\(rows.table.key.joined(separator: ", "))) is gone"],
        remedy: "Create it again.")
    }
    return Rows(
      work: rows, shape: shape, columns: target.columns.map(\.name),
      staged: try await StagedRows(
        rows.batch, for: target, shape: shape, key: key, asking: server.aside))
  }

  private static func parents(
    _ children: ReplacedChildren, named name: String, _ shape: TargetShape, _ server: Server
  ) async throws -> StagedRows {
    let target = TargetTable(
      name: name,
      columns: children.values.columns.map {
        TargetColumn(name: $0.name, type: $0.type, isRequired: true)
      }, key: [children.parent], mode: .upsert)
    // No index is asked for: only the values are wanted, each once.
    let key = UniqueKey(
      columns: [
        KeyColumn(
          name: children.parent, equality: "=", otherCollation: nil,
          isInexact: shape.column(named: children.parent)?.inexactCollation != nil)
      ], indexNames: [])
    let parents = try await StagedRows(
      children.values, for: target, shape: shape, key: key, asking: server.aside)
    guard parents.refused.isEmpty else {
      throw SinkError.fatal(
        "a parent whose rows of table '\(name)' are to be replaced has no '\(children.parent)'",
        remedy: "")
    }
    return parents
  }

  /// The tables that a page writes to or deletes from, each once.
  private static func tables(of work: JobWork) -> Set<String> {
    var names = work.rows.filter { $0.batch.rowCount > 0 }.map(\.name)
    for (table, name, _) in work.replacedChildren {
      names += TableFamily(of: table, named: name, among: work.tables).members.map(\.name)
    }
    for sweep in work.sweeps { names += sweep.tables.map(\.name) }
    return Set(names)
  }

  func commit(
    _ checkpoint: NewJobCheckpoint, under lease: Lease
  ) async throws -> JobCommitOutcome {
    var staged = self
    for _ in 0..<3 {
      let current = staged
      let outcome = try await server.work.perform { connection -> JobCommitOutcome? in
        do {
          return try JobCommit(
            staged: current, checkpoint: checkpoint, lease: lease, connection: connection
          ).run()
        } catch is TargetChanged {
          return nil
        }
      }
      if let outcome { return outcome }
      staged = try await Self.stage(work, server: server)
    }
    throw SinkError.transient("a table of the page is being changed again and again")
  }
}
