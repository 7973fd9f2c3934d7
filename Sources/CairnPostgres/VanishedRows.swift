import Cairn

/// Deletes rows that are not at their source any more, with those that belong to them, in the
/// transaction that is open.
struct VanishedRows {
  let staged: StagedPostgresJobWork
  let standings: [QualifiedName: EntityStanding]
  let connection: Connection

  /// - Returns: How many rows were deleted.
  func delete() throws -> Int {
    var deleted = 0
    for (tables, sweep) in staged.work.sweeps { deleted += try delete(outside: sweep, tables) }
    for children in staged.children { deleted += try delete(besides: children) }
    return deleted
  }

  // MARK: Sweeps

  private func delete(
    outside sweep: KeySweep, _ tables: [(table: RecordTable, name: String)]
  ) throws -> Int {
    guard let first = tables.first else { return 0 }
    let family = TableFamily(of: first.table, named: first.name, among: Array(tables.dropFirst()))
    guard family.members.count == tables.count else {
      throw SinkError.fatal(
        "of the tables that are swept, some do not belong to '\(first.name)'", remedy: "")
    }
    var conditions: [String] = []
    var parameters: [Parameter] = []
    func add(_ condition: (String) -> String, _ parameter: Parameter) {
      parameters.append(parameter)
      conditions.append(condition("$\(parameters.count)"))
    }
    for (name, text) in sweep.scope.sorted(by: { $0.key < $1.key }) {
      guard let column = staged.shapes[first.name]?.column(named: name) else {
        throw SinkError.targetMismatch(
          table: first.name, problems: ["column '\(name)' is missing"],
          remedy: "Change the table or the source.")
      }
      add({ "t0.\(name.quotedIdentifier) = \($0)::text::\(column.declaredType)" }, .text(text))
    }
    let column = "t0.\(sweep.column.quotedIdentifier)"
    if let after = sweep.after { add({ "\(column) > \($0)::bigint" }, .integer(after)) }
    if let through = sweep.through { add({ "\(column) <= \($0)::bigint" }, .integer(through)) }
    add({ "\(column) <> ALL(\($0))" }, .integers(sweep.present))
    return try delete(family, where: conditions.joined(separator: " AND "), parameters)
  }

  // MARK: Children

  private func delete(besides children: StagedPostgresJobWork.Children) throws -> Int {
    guard let parents = children.parents.keys else { return 0 }
    var parameters = parents.parameters(for: children.parents.groups.winners)
    var conditions = [
      "t0.\(children.column.quotedIdentifier) IN (SELECT k.k0 FROM \(parents.source()))"
    ]
    for rows in staged.rows where rows.shape.name == children.shape.name {
      guard let keys = rows.staged.keys else { continue }
      let source = keys.source(first: parameters.count + 1)
      conditions.append("NOT EXISTS (SELECT FROM \(source) WHERE \(keys.matches("t0")))")
      parameters += keys.parameters(for: rows.staged.groups.winners)
    }
    return try delete(
      children.family, where: conditions.joined(separator: " AND "), parameters)
  }

  // MARK: Families

  /// Deletes rows of a table, and those that belong to them first.
  private func delete(
    _ family: TableFamily, where condition: String, _ parameters: [Parameter]
  ) throws -> Int {
    let conditions = try family.conditions(first: condition, quoted: \.quotedIdentifier) {
      try shape(of: $0.name).name.sql
    }
    var deleted = 0
    for position in family.members.indices.reversed() {
      let name = family.members[position].name
      let shape = try shape(of: name)
      try touchKeys(of: shape, as: "t\(position)", where: conditions[position], parameters)
      do {
        deleted += try connection.query(
          "DELETE FROM \(shape.name.sql) AS t\(position) WHERE \(conditions[position])", parameters
        ).affectedRows
      } catch let failure as PostgresFailure
        where SQLState.consequence(of: failure.state) == .data
      {
        throw SinkError.fatal(
          "rows of table '\(name)' that are gone at the source cannot be deleted: "
            + "\(failure.message) (SQLSTATE \(failure.state))",
          remedy: "Let the constraint allow it, for example by ON DELETE CASCADE.")
      }
    }
    return deleted
  }

  /// Records of watched keys that their rows are gone: who comes back corrected is older than that.
  private func touchKeys(
    of shape: TargetShape, as alias: String, where condition: String, _ parameters: [Parameter]
  ) throws {
    guard let standing = standings[shape.name], standing.areKeysWatched else { return }
    for key in shape.uniqueKeys {
      guard
        let recorded = try RecordedKeys.find(
          scope: shape.name.identity, key: key, state: staged.server.state, on: connection)
      else { continue }
      try recorded.touch(
        key, of: shape, as: alias, where: condition, parameters, sequence: standing.lastSequence,
        chunk: EntityStanding.chunk, row: EntityStanding.row, on: connection)
    }
  }

  private func shape(of name: String) throws -> TargetShape {
    guard let shape = staged.shapes[name] else {
      throw SinkError.transient("table '\(name)' is being changed")
    }
    return shape
  }
}
