/// The statements that write and compare rows of a table.
struct MergeSQL {
  /// The table that is written to: the target or its shadow.
  let shape: TargetShape
  /// The job's columns, in order.
  let columns: [String]
  /// How keys are compared; nil when rows are only appended.
  let keys: KeyArrays?
  /// The column that says which of two states of a record is newer; a row is not changed to an older
  /// one. Only where it is among the columns.
  let version: String?
  /// Rows as parameters.
  let rows: RowArrays

  init(shape: TargetShape, columns: [String], keys: KeyArrays?, version: String? = nil) {
    self.shape = shape
    self.columns = columns
    self.keys = keys
    self.version = version
    rows = RowArrays(shape, columns: columns)
  }

  private var list: String { columns.map(\.quotedIdentifier).joined(separator: ", ") }

  /// Copies rows into the table.
  var copy: String { "COPY \(shape.name.sql) (\(list)) FROM STDIN (FORMAT binary)" }

  /// Inserts rows of parameter 1.
  var insert: String {
    """
    INSERT INTO \(shape.name.sql) (\(list))
    SELECT \(columns.map(rows.name(of:)).joined(separator: ", ")) FROM \(rows.source())
    """
  }

  /// Inserts rows of parameter 1 whose key is not there.
  var insertIfNew: String {
    let key = keys?.parts.map { part in
      let name = part.key.name.quotedIdentifier
      return part.key.otherCollation.map { "\(name) COLLATE \($0)" } ?? name
    }
    return "\(insert) ON CONFLICT (\((key ?? []).joined(separator: ", "))) DO NOTHING"
  }

  /// Finds rows of the table by the keys of the array parameters: the position of the key, and all of
  /// the row's columns as one record if they are asked for, which libpq takes apart quicker than 40
  /// values.
  ///
  /// Each key looks for its one row, so that the unique index is used whatever the server knows of
  /// the table's size.
  func lookUp(withColumns: Bool) -> String {
    guard let keys else { return "" }
    let wanted = withColumns ? list : ""
    return """
      SELECT k.ord\(withColumns ? ", record_send(ROW(t.*))" : "") FROM \(keys.source())
      CROSS JOIN LATERAL (
        SELECT \(wanted) FROM \(shape.name.sql) t WHERE \(keys.matches("t")) LIMIT 1) t
      """
  }

  /// Columns that an update writes; key columns only where equal keys may differ.
  private var changing: [ShapeColumn] {
    columns.compactMap { name in
      guard let column = shape.column(named: name) else { return nil }
      let part = keys?.parts.first { $0.key.name == name }
      if let part, !part.key.isInexact, column.hasExactEquality { return nil }
      return column
    }
  }

  /// Whether the row of parameter 1 differs from the table's.
  private var differs: String {
    let differences = changing.map { column in
      let own = "t.\(column.name.quotedIdentifier)"
      let other = rows.name(of: column.name)
      return column.hasExactEquality && column.inexactCollation == nil
        ? "\(own) IS DISTINCT FROM \(other)"
        // Without an equality, or with one under which different values are equal.
        : "\(own)::text COLLATE \"C\" IS DISTINCT FROM \(other)::text COLLATE \"C\""
    }
    return differences.isEmpty ? "false" : differences.joined(separator: " OR ")
  }

  /// Whether the table's row is of a newer state than that of parameter 1. A state without a version is
  /// older than any with one.
  private var isNewer: String {
    guard let version, let column = shape.column(named: version) else { return "false" }
    let own = "t.\(version.quotedIdentifier)"
    let other = rows.name(of: version)
    let order = column.isText ? "::text COLLATE \"C\"" : ""
    return "coalesce(\(own)\(order) > \(other)\(order), \(own) IS NOT NULL AND \(other) IS NULL)"
  }

  private var sameKey: String {
    (keys?.parts ?? []).map { part in
      let collation = part.key.otherCollation.map { " COLLATE \($0)" } ?? ""
      return "t.\(part.key.name.quotedIdentifier)\(collation) \(part.key.equality) "
        + rows.name(of: part.key.name)
    }.joined(separator: " AND ")
  }

  /// Changes the rows of the table that differ from those of parameter 1, and tells which; nil when
  /// there is nothing to change but keys.
  var update: String? {
    guard !changing.isEmpty else { return nil }
    let assignments = changing.map {
      "\($0.name.quotedIdentifier) = \(rows.name(of: $0.name))"
    }
    return """
      UPDATE \(shape.name.sql) t SET \(assignments.joined(separator: ", "))
      FROM \(rows.source()) WHERE \(sameKey) AND (\(differs)) AND NOT \(isNewer) RETURNING s.ord
      """
  }

  /// For rows of parameter 1 whose key is there: their position, and 0 where they are equal, 1 where
  /// they differ, 2 where the table's row is of a newer state.
  var comparison: String {
    """
    SELECT s.ord, CASE WHEN \(isNewer) THEN 2 WHEN \(differs) THEN 1 ELSE 0 END::integer
    FROM \(rows.source()) JOIN \(shape.name.sql) t ON \(sameKey)
    """
  }
}

extension ShapeColumn {
  /// Whether values that are equal by `=` are as good as the same.
  var hasExactEquality: Bool {
    base.kind == "e" || (base.isBuiltIn && Self.exactTypes.contains(base.name))
  }

  /// Whether it holds text, which servers order in their own ways.
  var isText: Bool { base.isBuiltIn && ["text", "varchar", "bpchar"].contains(base.name) }

  private static let exactTypes: Set<String> = [
    "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar",
    "date", "time", "timestamp", "timestamptz", "uuid", "bytea", "jsonb", "inet", "cidr",
  ]
}
