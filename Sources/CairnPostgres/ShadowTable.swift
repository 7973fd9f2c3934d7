import Cairn

/// The table that a replacing run fills while the old rows stay visible. It is logged like any other,
/// and lies in the target's schema.
///
/// It has the target's columns, constraints, indexes, foreign keys and triggers, so that it refuses
/// what the target would refuse. In the end it takes the target's place (``TableSwap``); where
/// something depends on the target that would stay with the old table, the target is emptied and
/// filled from here instead.
struct ShadowTable {
  /// What the names of all shadow tables begin with.
  static let prefix = "cairn_shadow_"

  /// Its name.
  var name: QualifiedName

  init(of syncID: SyncID, beside target: QualifiedName) {
    name = QualifiedName(schema: target.schema, name: "\(Self.prefix)\(syncID)")
  }

  /// Whether it is there.
  func exists(on connection: Connection) throws -> Bool {
    try connection.query("SELECT to_regclass($1)", [.text(name.sql)]).text(0, 0) != nil
  }

  /// Creates it like the target.
  ///
  /// - Parameter mayTakeItsPlace: Whether it may become the target in the end. Otherwise its rows are
  ///   copied into the target, whose triggers speak then.
  func create(
    like shape: TargetShape, mayTakeItsPlace: Bool = true, on connection: Connection
  ) throws {
    try connection.execute(
      """
      CREATE TABLE \(name.sql) (
        LIKE \(shape.name.sql) INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)
      """)
    let takesItsPlace =
      try mayTakeItsPlace && TableSwap.obstacle(to: shape, on: connection) == nil
    for statement in try definitions(of: shape, withTriggers: takesItsPlace, on: connection) {
      try connection.execute(statement)
    }
  }

  /// The name here of an index of the target.
  func indexName(_ oid: Int64) -> String { "\(name.name)_\(oid)" }

  /// The statements that give this table the target's indexes, constraints and triggers.
  private func definitions(
    of shape: TargetShape, withTriggers: Bool, on connection: Connection
  ) throws -> [String] {
    // The server writes names in full when it searches no schema.
    let path = try connection.query("SELECT current_setting('search_path')").text(0, 0) ?? ""
    try connection.execute("SET LOCAL search_path = ''")
    defer { _ = try? connection.query("SELECT set_config('search_path', $1, true)", [.text(path)]) }
    let oid: [Parameter] = [.integer(shape.oid)]
    var statements: [String] = []
    let indexes = try connection.query(
      """
      SELECT x.indexrelid, pg_get_indexdef(x.indexrelid) AS definition,
        format('CREATE %sINDEX %I ON ', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END,
          i.relname) AS beginning,
        pg_get_constraintdef(c.oid) AS constrained
      FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
      LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.conrelid = x.indrelid
        AND c.contype IN ('p', 'u', 'x')
      WHERE x.indrelid = $1 AND x.indisvalid ORDER BY x.indexrelid
      """, oid)
    for row in indexes.namedRows {
      let own = indexName(try row.requiredInteger("indexrelid")).quotedIdentifier
      if let constraint = try row.text("constrained") {
        statements.append("ALTER TABLE \(name.sql) ADD CONSTRAINT \(own) \(constraint)")
        continue
      }
      // CREATE INDEX name ON [ONLY] table USING …
      let beginning = try row.required("beginning")
      let definition = try row.required("definition")
      guard definition.hasPrefix(beginning), let using = definition.firstRange(of: " USING ") else {
        throw SinkError.fatal("the index definition \(definition) is not understood", remedy: "")
      }
      let unique = beginning.hasPrefix("CREATE UNIQUE") ? "UNIQUE " : ""
      statements.append(
        "CREATE \(unique)INDEX \(own) ON \(name.sql)\(definition[using.lowerBound...])")
    }
    let others = try connection.query(
      """
      SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', $2::text, conname,
        replace(pg_get_constraintdef(oid), format(' REFERENCES %s(', conrelid::regclass),
          format(' REFERENCES %s(', $2::text)))
      FROM pg_constraint WHERE conrelid = $1 AND contype = 'f' ORDER BY oid
      """, oid + [.text(name.sql)])
    statements += (0..<others.rowCount).compactMap { others.text($0, 0) }
    guard withTriggers else { return statements }
    let triggers = try connection.query(
      """
      SELECT replace(pg_get_triggerdef(oid), format(' ON %s ', tgrelid::regclass),
          format(' ON %s ', $2::text)),
        CASE WHEN tgenabled <> 'O' THEN format('ALTER TABLE %s %s TRIGGER %I', $2::text,
          CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA'
            ELSE 'ENABLE ALWAYS' END, tgname) END
      FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal ORDER BY oid
      """, oid + [.text(name.sql)])
    for row in 0..<triggers.rowCount {
      statements += [triggers.text(row, 0), triggers.text(row, 1)].compactMap { $0 }
    }
    return statements
  }

  /// Drops it, if it is there.
  func drop(on connection: Connection) throws {
    try connection.execute("DROP TABLE IF EXISTS \(name.sql)")
  }

  /// Replaces the rows of the target by the ones loaded here. This table is gone then.
  func replace(
    _ shape: TargetShape, columns: [String], on connection: Connection
  ) throws {
    // Nobody reads or writes from here on to the commit.
    try connection.execute("LOCK TABLE \(shape.name.sql) IN ACCESS EXCLUSIVE MODE")
    let hasTriggers = try connection.query(
      """
      SELECT NOT EXISTS (
        SELECT tgname FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal
        EXCEPT SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass($2))
      """, [.integer(shape.oid), .text(name.sql)]
    ).isTrue(0, 0)
    if hasTriggers, try TableSwap.obstacle(to: shape, on: connection) == nil {
      try TableSwap(shape: shape, shadow: self).run(on: connection)
      return
    }
    try fill(shape, columns: columns, on: connection)
    try drop(on: connection)
  }

  /// Empties the target and fills it, in the transaction that is open.
  private func fill(
    _ shape: TargetShape, columns: [String], on connection: Connection
  ) throws {
    let target = shape.name.sql
    let list = columns.map(\.quotedIdentifier).joined(separator: ", ")
    let mayTruncate = try connection.query(
      """
      SELECT has_table_privilege($1::oid, 'TRUNCATE') AND NOT EXISTS (
        SELECT 1 FROM pg_constraint WHERE confrelid = $1 AND conrelid <> $1 AND contype = 'f')
      """, [.integer(shape.oid)]
    ).isTrue(0, 0)
    try connection.execute("SET CONSTRAINTS ALL DEFERRED")
    try connection.execute(mayTruncate ? "TRUNCATE \(target)" : "DELETE FROM \(target)")
    try connection.execute("INSERT INTO \(target) (\(list)) SELECT \(list) FROM \(name.sql)")
    try connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
  }
}
