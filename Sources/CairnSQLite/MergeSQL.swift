import Cairn

/// The statements that write a row, by mode. Parameter `i` is column `i` of the job, from 1.
struct MergeSQL {
  /// The table that is written to: the target or its shadow.
  var table: String
  /// The job's columns, in order.
  var columns: [String]
  /// The unique key of the job's key columns; nil when the mode is append.
  var key: UniqueKey?
  /// The column that says which of two states of a record is newer; a row is not changed to an older
  /// one. Only where it is among the columns.
  var version: String?
  /// Columns that the rows do not have and that must not be null: they stay as they are.
  var filled: [String] = []

  /// Called by the statements below: whether the key was there, and whether the row differs.
  static let conflictFunction = "cairn_conflict"
  /// See ``conflictFunction``.
  static let differsFunction = "cairn_differs"
  /// Called by an upsert with a ``version`` when the row there is of a newer state.
  static let newerFunction = "cairn_newer"

  private var insert: String {
    let names = (columns + filled).map(\.quotedIdentifier).joined(separator: ", ")
    let values = (1...columns.count).map { "?\($0)" } + filled.map(present)
    return """
      INSERT INTO main.\(table.quotedIdentifier) AS existing (\(names)) \
      VALUES (\(values.joined(separator: ", ")))
      """
  }

  /// What the row with the key has in a column. NOT NULL is checked before the key is looked for.
  private func present(_ column: String) -> String {
    let sameKey = (key?.columns ?? []).compactMap { part -> String? in
      guard let position = columns.firstIndex(where: { $0.isSameName(as: part.name) }) else {
        return nil
      }
      return "p.\(part.name.quotedIdentifier) COLLATE \(part.collation.quotedIdentifier) "
        + "= ?\(position + 1)"
    }
    return """
      (SELECT p.\(column.quotedIdentifier) FROM main.\(table.quotedIdentifier) AS p \
      WHERE \(sameKey.joined(separator: " AND ")))
      """
  }

  private var conflictTarget: String {
    // An INTEGER PRIMARY KEY must be named without a collation; a name alone fits any.
    (key?.columns ?? []).map { column in
      let name = column.name.quotedIdentifier
      return column.collation.asciiLowercased == "binary"
        ? name : "\(name) COLLATE \(column.collation.quotedIdentifier)"
    }.joined(separator: ", ")
  }

  /// Inserts, whatever is there.
  var append: String { insert }

  /// Inserts unless the key is there, which is reported.
  var insertIfNew: String {
    // Not DO NOTHING: that would not tell a key that is there from a row that a trigger ignored.
    // The function returns true.
    let name = (columns.first ?? "").quotedIdentifier
    return """
      \(insert) ON CONFLICT (\(conflictTarget)) DO UPDATE SET \(name) = excluded.\(name) \
      WHERE NOT \(Self.conflictFunction)()
      """
  }

  /// Inserts, or changes the row with the same key if that changes anything.
  var upsert: String {
    // A key that is equal but not the same (by its case, say) is written too.
    let changing = columns.filter { column in
      guard let key, key.columns.contains(where: { $0.name.isSameName(as: column) }) else {
        return true
      }
      return key.collation(of: column).asciiLowercased != "binary"
    }
    guard !changing.isEmpty else { return insertIfNew }
    let assignments = changing.map {
      "\($0.quotedIdentifier) = excluded.\($0.quotedIdentifier)"
    }.joined(separator: ", ")
    // Text that is equal by the column's collation may still be other text.
    let differences = changing.map {
      "existing.\($0.quotedIdentifier) IS NOT excluded.\($0.quotedIdentifier) COLLATE BINARY"
    }.joined(separator: " OR ")
    return """
      \(insert) ON CONFLICT (\(conflictTarget)) DO UPDATE SET \(assignments) \
      WHERE \(Self.conflictFunction)()\(isNotNewer) AND (\(differences)) \
      AND \(Self.differsFunction)()
      """
  }

  /// A condition that the row there is not of a newer state, which is reported. A state without a
  /// version is older than any with one.
  private var isNotNewer: String {
    guard let version = version?.quotedIdentifier else { return "" }
    return """
       AND NOT (coalesce(existing.\(version) > excluded.\(version) COLLATE BINARY, \
      existing.\(version) IS NOT NULL AND excluded.\(version) IS NULL) \
      AND \(Self.newerFunction)())
      """
  }
}
