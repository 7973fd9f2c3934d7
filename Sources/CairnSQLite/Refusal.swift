/// Why a row cannot be in the table.
struct Refusal: Sendable, Hashable {
  /// The column at fault, when it is one.
  var column: String?
  /// The reason, in the database's words.
  var reason: String

  init(column: String?, reason: String) {
    self.column = column
    self.reason = reason
  }

  /// Takes what SQLite says about a row.
  ///
  /// - Parameter columns: The job's columns.
  init(_ failure: SQLiteFailure, columns: [String]) {
    reason = failure.message
    // "NOT NULL constraint failed: table.column", and likewise UNIQUE.
    let subject = failure.message.split(separator: "constraint failed: ").last ?? ""
    let name = subject.split(separator: ".").last.map(String.init) ?? ""
    column =
      subject.contains(",") || !subject.contains(".")
      ? nil : columns.first { $0.isSameName(as: name) }
  }
}

/// A row made the database roll the whole transaction back, or will not let it commit: the chunk is
/// to be tried again without it.
struct TransactionEnded: Error {
  /// The rows, and what the database said.
  var refused: [UInt32: Refusal]
}
