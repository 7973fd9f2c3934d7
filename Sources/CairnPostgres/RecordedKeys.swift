import Cairn

/// The keys that commits wrote while an earlier chunk was outstanding, so that a chunk that comes
/// late leaves them alone; and those of rejects that may come back corrected, which are watched: each
/// commit that writes one leaves its position there. For `insert_only` the keys also tell which rows
/// are the run's own.
///
/// `recorded_keys` has them as text, found by a hash that the server makes of the key: so keys of any
/// type are compared by their own equality, and nobody needs the right to create tables.
/// `recorded_key_sets` lists the targets and key columns. A key may be there several times; its last
/// position counts. One that is watched and was written by nobody since has no position.
struct RecordedKeys {
  let state: StateSchema
  let set: Int64

  /// The keys of a target and key columns; begins to keep them if there are none.
  ///
  /// - Parameter scope: The target's identity, or the shadow table's name.
  static func create(
    scope: String, key: UniqueKey, state: StateSchema, on connection: Connection
  ) throws -> RecordedKeys {
    if let found = try find(scope: scope, key: key, state: state, on: connection) { return found }
    let made = try connection.query(
      "INSERT INTO \(state.keySets) (scope, key_columns) VALUES ($1, $2) RETURNING id",
      [.text(scope), .text(columns(key))])
    return RecordedKeys(state: state, set: made.integer(0, 0) ?? 0)
  }

  /// The keys of a target and key columns, or nil when none are kept.
  static func find(
    scope: String, key: UniqueKey, state: StateSchema, on connection: Connection
  ) throws -> RecordedKeys? {
    let found = try connection.query(
      "SELECT id FROM \(state.keySets) WHERE scope = $1 AND key_columns = $2",
      [.text(scope), .text(columns(key))])
    guard found.rowCount == 1, let set = found.integer(0, 0) else { return nil }
    return RecordedKeys(state: state, set: set)
  }

  private static func columns(_ key: UniqueKey) -> String {
    key.columns.map(\.name.quotedIdentifier).joined(separator: ", ")
  }

  /// Whether keys of later runs are recorded for the target by another key than this one.
  static func hasLater(
    than sequence: Int64, scope: String, otherThan keys: RecordedKeys?, state: StateSchema,
    on connection: Connection
  ) throws -> Bool {
    try connection.query(
      """
      SELECT EXISTS (
        SELECT 1 FROM \(state.keySets) s JOIN \(state.keys) k ON k.set_id = s.id
        WHERE s.scope = $1 AND s.id <> $2 AND k.sequence > $3)
      """, [.text(scope), .integer(keys?.set ?? 0), .integer(sequence)]
    ).isTrue(0, 0)
  }

  /// Deletes the keys of a target that no outstanding chunk can ask for any more.
  static func prune(scope: String, state: StateSchema, on connection: Connection) throws {
    // The set first, which is cheap: most runs record nothing.
    let sets = try connection.query(
      "SELECT 1 FROM \(state.keySets) WHERE scope = $1 LIMIT 1", [.text(scope)])
    guard sets.rowCount > 0 else { return }
    let oldest = try connection.query(
      """
      SELECT min(m.sequence) FROM \(state.metadata) m
      WHERE m.table_identity = $1 AND \(RunTable.isOutstanding)
      """, [.text(scope)])
    let sequence = oldest.integer(0, 0)
    let isWatching = try connection.query(
      "SELECT \(RejectTable(state: state).areWatched(of: "$1"))", [.text(scope)]
    ).isTrue(0, 0)
    guard sequence != nil || isWatching else {
      try drop(scope: scope, state: state, on: connection)
      return
    }
    try connection.query(
      """
      DELETE FROM \(state.keys) k USING \(state.keySets) s
      WHERE s.scope = $1 AND k.set_id = s.id AND NOT (k.watched AND $3::boolean)
        AND (k.sequence IS NULL OR $2::bigint IS NULL OR k.sequence < $2::bigint)
      """, [.text(scope), .integer(sequence), .text(isWatching ? "t" : "f")])
  }

  /// Gives the keys of a shadow table to the target that it has become.
  static func move(
    from shadow: String, to scope: String, state: StateSchema, on connection: Connection
  ) throws {
    try drop(scope: scope, state: state, on: connection)
    try connection.query(
      "UPDATE \(state.keySets) SET scope = $2 WHERE scope = $1", [.text(shadow), .text(scope)])
  }

  /// Deletes all keys of a target or shadow table.
  static func drop(scope: String, state: StateSchema, on connection: Connection) throws {
    try connection.query(
      """
      WITH gone AS (DELETE FROM \(state.keySets) WHERE scope = $1 RETURNING id)
      DELETE FROM \(state.keys) k USING gone WHERE k.set_id = gone.id
      """, [.text(scope)])
  }

  // MARK: Keys

  /// The positions, among keys, of those that a later chunk or run recorded.
  func later(
    _ keys: KeyArrays, of rows: some Collection<UInt32>, than sequence: Int64, chunk: Int,
    on connection: Connection
  ) throws -> [Int] {
    let first = keys.parameterCount + 1
    return try positions(
      keys, rows,
      where: "(r.sequence > $\(first + 1) OR (r.sequence = $\(first + 1) "
        + "AND r.chunk_id > $\(first + 2)::integer))",
      [.integer(sequence), .integer(chunk)], on: connection)
  }

  /// The positions, among keys, of those that a run recorded.
  func own(
    _ keys: KeyArrays, of rows: some Collection<UInt32>, run sequence: Int64,
    on connection: Connection
  ) throws -> [Int] {
    try positions(
      keys, rows, where: "r.sequence = $\(keys.parameterCount + 2)", [.integer(sequence)],
      on: connection)
  }

  private func positions(
    _ keys: KeyArrays, _ rows: some Collection<UInt32>, where condition: String,
    _ parameters: [Parameter], on connection: Connection
  ) throws -> [Int] {
    let found = try connection.query(
      """
      SELECT k.ord FROM \(keys.source()) WHERE EXISTS (
        SELECT 1 FROM \(state.keys) r
        WHERE r.set_id = $\(keys.parameterCount + 1) AND r.hash = \(keys.hash)
          AND \(condition) AND \(keys.matches(texts: "r.key")))
      """, keys.parameters(for: rows) + [.integer(set)] + parameters, binary: true)
    return (0..<found.rowCount).map { Int(found.binaryInteger($0, 0)) - 1 }
  }

  /// Who wrote keys.
  struct Writer {
    /// The run's number, and the chunk's.
    var sequence: Int64
    var chunk: Int
    /// For a row its number in the source.
    var sourceRow: @Sendable (Int) -> UInt64
  }

  /// Records that rows wrote their keys.
  func record(
    _ keys: KeyArrays, of rows: some Collection<UInt32>, by writer: Writer,
    on connection: Connection
  ) throws {
    let first = keys.parameterCount + 1
    try connection.query(
      """
      INSERT INTO \(state.keys) (set_id, hash, sequence, chunk_id, row, key)
      SELECT $\(first), \(keys.hash), $\(first + 1), $\(first + 2), ($\(first + 3)::bigint[])[k.ord],
        \(keys.texts)
      FROM \(keys.source())
      """, keys.parameters(for: rows) + parameters(of: rows, writer))
  }

  /// Records that rows wrote their keys, for those keys that are watched.
  func touch(
    _ keys: KeyArrays, of rows: some Collection<UInt32>, by writer: Writer,
    on connection: Connection
  ) throws {
    let first = keys.parameterCount + 1
    try connection.query(
      """
      UPDATE \(state.keys) r SET sequence = $\(first + 1), chunk_id = $\(first + 2),
        row = ($\(first + 3)::bigint[])[k.ord]
      FROM \(keys.source())
      WHERE r.set_id = $\(first) AND r.watched AND r.hash = \(keys.hash)
        AND \(keys.matches(texts: "r.key"))
      """, keys.parameters(for: rows) + parameters(of: rows, writer))
  }

  /// Records of those keys that are watched that they were written, where a row of the table has them
  /// for which a condition holds.
  ///
  /// - Parameters:
  ///   - alias: How the condition calls the row.
  ///   - parameters: Those of the condition.
  func touch(
    _ key: UniqueKey, of shape: TargetShape, as alias: String = "t", where condition: String,
    _ parameters: [Parameter], sequence: Int64, chunk: Int, row: UInt64, on connection: Connection
  ) throws {
    let parts = try key.columns.enumerated().map { position, part in
      guard let found = shape.column(named: part.name) else {
        throw SinkError.transient("\(shape.name.sql) is being changed")
      }
      let collation = (part.otherCollation ?? found.inexactCollation).map { " COLLATE \($0)" } ?? ""
      return "\(alias).\(part.name.quotedIdentifier)\(collation) \(part.equality) "
        + "r.key[\(position + 1)]::\(found.base.sql)"
    }
    let first = parameters.count + 1
    try connection.query(
      """
      UPDATE \(state.keys) r
      SET sequence = $\(first + 1), chunk_id = $\(first + 2), row = $\(first + 3)
      WHERE r.set_id = $\(first) AND r.watched AND EXISTS (
        SELECT FROM \(shape.name.sql) AS \(alias)
        WHERE \(parts.joined(separator: " AND ")) AND (\(condition)))
      """,
      parameters + [
        .integer(set), .integer(sequence), .integer(chunk), .integer(LedgerTable.signed(row)),
      ])
  }

  /// The most watched keys that are held in memory, to tell which rows need not be looked up.
  private static let mostInMemory = 10_000

  /// Hashes of the watched keys; nil when there are too many, or when equal keys may have other bytes.
  func watchedHashes(_ keys: KeyArrays, on connection: Connection) throws -> Set<UInt64>? {
    // Jobs of other scales write 1.5 and 1.50, which are equal.
    guard !keys.parts.contains(where: { $0.shape.base.name == "numeric" }) else { return nil }
    let parts = keys.parts.enumerated().map { "r.key[\($0 + 1)]::\($1.shape.base.sql)" }
    let found = try connection.query(
      """
      SELECT \(parts.joined(separator: ", ")) FROM \(state.keys) r
      WHERE r.set_id = $1 AND r.watched LIMIT \(Self.mostInMemory + 1)
      """, [.integer(set)], binary: true)
    guard found.rowCount <= Self.mostInMemory else { return nil }
    return Set(
      (0..<found.rowCount).map { row in
        var hash = KeyHash()
        for part in parts.indices { hash.add(KeyHash.value(found.unsafeBytes(row, part))) }
        return hash.hash
      })
  }

  private func parameters(of rows: some Collection<UInt32>, _ writer: Writer) -> [Parameter] {
    [
      .integer(set), .integer(writer.sequence), .integer(writer.chunk),
      .integers(rows.map { LedgerTable.signed(writer.sourceRow(Int($0))) }),
    ]
  }

  /// Watches the keys of rows from now on. Whoever has written one before, as far as is known, stays
  /// its writer.
  func watch(
    _ keys: KeyArrays, of rows: some Collection<UInt32>, on connection: Connection
  ) throws {
    let first = keys.parameterCount + 1
    let same = """
      r.set_id = $\(first) AND r.hash = \(keys.hash) AND \(keys.matches(texts: "r.key"))
      """
    try connection.query(
      """
      INSERT INTO \(state.keys) (set_id, hash, sequence, chunk_id, row, watched, key)
      SELECT $\(first), \(keys.hash), w.sequence, w.chunk_id, w.row, true, \(keys.texts)
      FROM \(keys.source())
      LEFT JOIN LATERAL (
        SELECT r.sequence, r.chunk_id, r.row FROM \(state.keys) r WHERE \(same)
        ORDER BY r.sequence DESC NULLS LAST, r.row DESC LIMIT 1) w ON true
      WHERE NOT EXISTS (SELECT FROM \(state.keys) r WHERE \(same) AND r.watched)
      """, keys.parameters(for: rows) + [.integer(set)])
  }

  /// Whether a row after one of a run, or a later run, has written the key of a row; nil when nobody
  /// watched it.
  ///
  /// - Parameter sourceRow: The number that the run's row has in the source.
  func isNewer(
    _ keys: KeyArrays, of row: UInt32, than sequence: Int64, sourceRow: UInt64,
    on connection: Connection
  ) throws -> Bool? {
    let first = keys.parameterCount + 1
    let found = try connection.query(
      """
      SELECT bool_or(coalesce(
        r.sequence > $\(first + 1) OR (r.sequence = $\(first + 1) AND r.row > $\(first + 2)), false))
      FROM \(keys.source()) JOIN \(state.keys) r
        ON r.set_id = $\(first) AND r.hash = \(keys.hash) AND \(keys.matches(texts: "r.key"))
      """,
      keys.parameters(for: CollectionOfOne(row))
        + [.integer(set), .integer(sequence), .integer(LedgerTable.signed(sourceRow))])
    return found.isNull(0, 0) ? nil : found.isTrue(0, 0)
  }
}
