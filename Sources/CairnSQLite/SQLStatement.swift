import GRDBSQLite

/// A prepared statement used through SQLite's own interface, for the loops that go over rows.
final class SQLStatement {
  let handle: OpaquePointer
  private let connection: OpaquePointer

  /// Prepares the first statement of `sql`.
  ///
  /// - Throws: What SQLite says when it does not compile.
  init(_ sql: String, on connection: OpaquePointer) throws {
    var statement: OpaquePointer?
    let code = sqlite3_prepare_v3(
      connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard code == SQLITE_OK, let statement else { throw SQLiteFailure(of: connection) }
    handle = statement
    self.connection = connection
  }

  deinit { sqlite3_finalize(handle) }

  /// Binds an integer to parameter `position`, counted from 1.
  func bind(_ value: Int64, at position: Int32) { sqlite3_bind_int64(handle, position, value) }

  /// Binds a text, copied, to parameter `position`, counted from 1.
  func bind(_ value: String, at position: Int32) {
    let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    sqlite3_bind_text(handle, position, value, Int32(value.utf8.count), transient)
  }

  /// Runs the statement and makes it ready to run again.
  ///
  /// - Returns: Whether it yielded a row.
  @discardableResult
  func run() throws -> Bool {
    let code = sqlite3_step(handle)
    guard code == SQLITE_ROW || code == SQLITE_DONE else {
      let failure = SQLiteFailure(of: connection)
      sqlite3_reset(handle)
      throw failure
    }
    sqlite3_reset(handle)
    return code == SQLITE_ROW
  }

  /// Runs the statement and makes it ready to run again.
  ///
  /// - Returns: The integer in the first column of the first row, or nil when there is no row.
  func integer() throws -> Int64? {
    let code = sqlite3_step(handle)
    defer { sqlite3_reset(handle) }
    switch code {
    case SQLITE_ROW: return sqlite3_column_int64(handle, 0)
    case SQLITE_DONE: return nil
    default: throw SQLiteFailure(of: connection)
    }
  }
}
