import Cairn

/// The statements that write a row, by mode. Parameter `i` is column `i` of the job, from 1.
struct MergeSQL {
  /// The table that is written to: the target or its shadow.
  var table: String
  /// The job's columns, in order.
  var columns: [String]
  /// The unique key of the job's key columns; nil when the mode is append.
  var key: UniqueKey?

  /// Called by the statements below: whether the key was there, and whether the row differs.
  static let conflictFunction = "cairn_conflict"
  /// See ``conflictFunction``.
  static let differsFunction = "cairn_differs"

  private var insert: String {
    """
    INSERT INTO main.\(table.quotedIdentifier) AS existing \
    (\(columns.map(\.quotedIdentifier).joined(separator: ", "))) \
    VALUES (\((1...columns.count).map { "?\($0)" }.joined(separator: ", ")))
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
      WHERE \(Self.conflictFunction)() AND (\(differences)) AND \(Self.differsFunction)()
      """
  }
}

extension String {
  /// Whether SQLite takes the two names for the same.
  func isSameName(as other: String) -> Bool { asciiLowercased == other.asciiLowercased }
}
