import Cairn
import GRDB

/// A page of a job whose rows are ready to be bound. It holds no lock and no space in the database.
struct StagedSQLiteJobWork: StagedJobWork {
  let file: DatabaseFile
  let faults: FaultPoints
  let work: JobWork
  /// The targets as they were when the values were prepared for them.
  let shapes: [TableName: TargetShape]
  /// The rows, those of a table behind those of the one that they belong to.
  let rows: [Rows]
  let children: [Children]

  /// Rows of a table.
  struct Rows: Sendable {
    let work: JobWork.Rows
    let name: TableName
    let staged: StagedRows
    let sql: MergeSQL

    /// Says that the database refuses a row.
    func refusal(_ row: UInt32, _ refusal: Refusal) -> SinkError {
      work.table.refusal(
        ofRow: Int(row), in: work.batch, named: work.name, column: refusal.column,
        reason: refusal.reason)
    }
  }

  /// Parents whose children are all in the page.
  struct Children: Sendable {
    let table: RecordTable
    let name: TableName
    let column: String
    let parents: StagedRows
    let family: TableFamily
  }

  /// Prepares a page's rows for their tables.
  static func stage(
    _ work: JobWork, file: DatabaseFile, faults: FaultPoints
  ) async throws -> StagedSQLiteJobWork {
    do {
      let names = try tables(of: work)
      var shapes: [TableName: TargetShape] = [:]
      for name in names { shapes[name] = file.shapes[name] }
      if shapes.count < names.count {
        shapes = try await file.write { db in
          try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try file.shapes.current($0, in: db)) })
        }
      }
      return try StagedSQLiteJobWork(work, shapes: shapes, file: file, faults: faults)
    } catch {
      throw file.classify(error)
    }
  }

  private init(
    _ work: JobWork, shapes: [TableName: TargetShape], file: DatabaseFile, faults: FaultPoints
  ) throws {
    self.file = file
    self.faults = faults
    self.work = work
    self.shapes = shapes
    func shape(_ name: TableName) throws -> TargetShape {
      guard let shape = shapes[name] else {
        throw SinkError.transient("table '\(name.name)' is being changed")
      }
      return shape
    }
    rows = try work.parentsFirst.filter { $0.batch.rowCount > 0 }.map { rows in
      let name = try TableName(rows.name)
      return try Self.rows(rows, name, shape(name))
    }
    children = try work.replacedChildren.map { table, given, children in
      let name = try TableName(given)
      let shape = try shape(name)
      let target = TargetTable(
        name: given,
        columns: children.values.columns.map {
          TargetColumn(name: $0.name, type: $0.type, isRequired: true)
        }, key: [children.parent], mode: .upsert)
      let parents = try StagedRows(
        children.values, for: target, shape: shape,
        key: UniqueKey(columns: [KeyColumn(name: children.parent, collation: "BINARY")]))
      guard parents.refused.isEmpty else {
        throw SinkError.fatal(
          "a parent whose rows of table '\(given)' are to be replaced has no '\(children.parent)'",
          remedy: "")
      }
      return Children(
        table: table, name: name, column: children.parent, parents: parents,
        family: TableFamily(of: table, named: given, among: work.tables))
    }
  }

  private static func rows(
    _ rows: JobWork.Rows, _ name: TableName, _ shape: TargetShape
  ) throws -> Rows {
    var rows = rows
    rows.batch = try rows.batch.newestLast(by: rows.table.version)
      .withoutEmpty { shape.column(named: $0) == nil }
    let target = try rows.table.target(named: rows.name, for: rows.batch)
    let problems = target.columns.compactMap { column -> String? in
      guard let found = shape.column(named: column.name) else {
        return "column '\(column.name)' (\(column.type)) is missing"
      }
      return column.type.misfit(in: found, isStrict: shape.isStrict)
    }
    guard problems.isEmpty else {
      throw SinkError.targetMismatch(
        table: shape.name, problems: problems, remedy: "Change the table or the source.")
    }
    guard let key = shape.uniqueKey(on: rows.table.key) else {
      throw SinkError.targetMismatch(
        table: shape.name, problems: ["its unique key (\(rows.table.key)) is gone"],
        remedy: "Create it again.")
    }
    func isGiven(_ name: String) -> Bool {
      target.columns.contains { $0.name.isSameName(as: name) }
    }
    let filled = shape.columns.filter {
      $0.isNotNull && !$0.hasDefault && !$0.isGenerated && $0.name != shape.rowIDAlias
        && !isGiven($0.name)
    }
    return Rows(
      work: rows, name: name,
      staged: try StagedRows(rows.batch, for: target, shape: shape, key: key),
      sql: MergeSQL(
        table: shape.name, columns: target.columns.map(\.name), key: key,
        version: rows.table.version.flatMap { isGiven($0) ? $0 : nil },
        filled: filled.map(\.name)))
  }

  /// The tables that a page writes to or deletes from.
  private static func tables(of work: JobWork) throws -> Set<TableName> {
    var names = work.rows.filter { $0.batch.rowCount > 0 }.map(\.name)
    for (table, name, _) in work.replacedChildren {
      names += TableFamily(of: table, named: name, among: work.tables).members.map(\.name)
    }
    for sweep in work.sweeps { names += sweep.tables.map(\.name) }
    return Set(try names.map(TableName.init))
  }

  func commit(
    _ checkpoint: NewJobCheckpoint, under lease: Lease
  ) async throws -> JobCommitOutcome {
    var staged = self
    for _ in 0..<3 {
      let current = staged
      let outcome = try await file.write { db -> JobCommitOutcome? in
        do {
          return try JobCommit(staged: current, checkpoint: checkpoint, lease: lease, db: db).run()
        } catch is TargetChanged {
          return nil
        }
      }
      if let outcome { return outcome }
      staged = try await Self.stage(work, file: file, faults: faults)
    }
    throw SinkError.transient("a table of the page is being changed again and again")
  }
}
