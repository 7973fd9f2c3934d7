import Cairn

/// Why a row cannot be in the table.
struct Refusal: Error, Sendable, Hashable {
  /// The column at fault, when it is one.
  var column: String?
  /// The reason, in the database's words.
  var reason: String

  init(column: String?, reason: String) {
    self.column = column
    self.reason = reason
  }

  /// Takes what the server says about a row.
  ///
  /// - Parameter columns: The job's columns.
  init(_ failure: PostgresFailure, columns: [String]) {
    reason = failure.message
    column = failure.column.flatMap { columns.contains($0) ? $0 : nil }
  }
}
