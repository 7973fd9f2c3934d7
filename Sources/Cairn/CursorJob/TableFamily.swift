/// A table and those whose rows belong to its rows, directly or through others.
package struct TableFamily: Sendable {
  /// A table of the family.
  package struct Member: Sendable {
    /// The table.
    package var table: RecordTable
    /// Its name in the target.
    package var name: String
    /// The position of the table that its rows belong to; nil for the first.
    package var parent: Int?
  }

  /// The first table, then the others, each behind the one that it belongs to.
  package private(set) var members: [Member]

  /// Finds the family of a table among others.
  package init(
    of table: RecordTable, named name: String, among others: [(table: RecordTable, name: String)]
  ) {
    members = [Member(table: table, name: name, parent: nil)]
    var position = 0
    while position < members.count {
      for other in others
      where other.table.parent?.table == members[position].table.name
        && !members.contains(where: { $0.table.name == other.table.name })
      {
        members.append(Member(table: other.table, name: other.name, parent: position))
      }
      position += 1
    }
  }

  /// For each table SQL that is true of its rows to be deleted, called `t<position>`: of those of the
  /// first table what is given, of the others that their parent's is.
  ///
  /// - Parameters:
  ///   - first: SQL that is true of rows `t0` of the first table.
  ///   - quoted: A name for SQL.
  ///   - sql: A table's name in the target, for SQL.
  package func conditions(
    first: String, quoted: (String) -> String, sql: (Member) throws -> String
  ) rethrows -> [String] {
    var conditions = [first]
    for (position, member) in members.enumerated().dropFirst() {
      guard let parent = member.parent, let columns = member.table.parent?.columns else { continue }
      let pairs = columns.sorted { $0.key < $1.key }
      let own = pairs.map { "t\(position).\(quoted($0.value))" }.joined(separator: ", ")
      let theirs = pairs.map { "t\(parent).\(quoted($0.key))" }.joined(separator: ", ")
      conditions.append(
        """
        (\(own)) IN (
          SELECT \(theirs) FROM \(try sql(members[parent])) AS t\(parent)
          WHERE \(conditions[parent]))
        """)
    }
    return conditions
  }
}

extension JobWork {
  /// The rows, those of a table behind those of the table that they belong to.
  package var parentsFirst: [Rows] {
    let parents = Dictionary(
      rows.map { ($0.table.name, $0.table.parent?.table) }, uniquingKeysWith: { first, _ in first })
    func depth(_ name: String) -> Int {
      var depth = 0
      var next = parents[name] ?? nil
      // A table may belong to itself.
      while let parent = next, parent != name, depth < parents.count {
        depth += 1
        next = parents[parent] ?? nil
      }
      return depth
    }
    return rows.enumerated().sorted {
      (depth($0.element.table.name), $0.offset) < (depth($1.element.table.name), $1.offset)
    }.map(\.element)
  }
}
