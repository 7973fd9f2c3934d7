import GRDBSQLite

/// A savepoint that is set again and again.
struct Savepoint {
  private let begin: SQLStatement
  private let end: SQLStatement
  private let rollback: SQLStatement

  init(_ name: String, on connection: OpaquePointer) throws {
    begin = try SQLStatement("SAVEPOINT \(name)", on: connection)
    end = try SQLStatement("RELEASE \(name)", on: connection)
    rollback = try SQLStatement("ROLLBACK TO \(name)", on: connection)
  }

  /// Sets it.
  func set() throws { try begin.run() }

  /// Keeps what was written since.
  func release() throws { try end.run() }

  /// Takes back what was written since.
  func undo() throws {
    try rollback.run()
    try end.run()
  }
}
