/// A transaction that is open on the sink's database, in a client of the program's own: so that the
/// mark of a batch joins the program's own statements.
///
/// Mark and statements are committed together, and only while the lease holds. Of the rows themselves
/// Cairn knows nothing: they wait for no load into their table, and one that is resumed, or a corrected
/// reject, may overwrite them. Where a table has loads too, return the rows of a batch instead.
///
/// ```swift
/// struct Mark: MarkTransaction {
///   let db: Database                                       // GRDB, in a write transaction
///   func execute(_ statement: MarkStatement) throws -> Int {
///     let arguments = StatementArguments(statement.parameters.map(databaseValue))
///     return try Row.fetchAll(db, sql: statement.sql, arguments: arguments).count
///   }
/// }
/// ```
public protocol MarkTransaction {
  /// Executes a statement in the open transaction.
  ///
  /// - Returns: How many rows it yielded.
  nonisolated(nonsending) func execute(_ statement: MarkStatement) async throws -> Int
}

/// A statement for ``MarkTransaction``.
public struct MarkStatement: Sendable, Hashable {
  /// The statement. Its parameters are `?1`, `?2`… for SQLite and `$1`, `$2`… for PostgreSQL, where
  /// each has a cast.
  public var sql: String
  /// The values of its parameters, in order.
  public var parameters: [MarkValue]

  /// Makes a statement.
  public init(sql: String, parameters: [MarkValue]) {
    self.sql = sql
    self.parameters = parameters
  }
}

/// The value of a statement's parameter.
public enum MarkValue: Sendable, Hashable {
  /// NULL.
  case null
  /// A text.
  case text(String)
  /// A 64-bit number.
  case integer(Int64)
  /// A floating-point number.
  case real(Double)
  /// Bytes: a BLOB or bytea.
  case bytes([UInt8])

  /// A text, or NULL.
  public static func optional(_ text: String?) -> MarkValue { text.map(MarkValue.text) ?? .null }
}
