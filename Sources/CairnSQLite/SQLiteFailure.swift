import Cairn
import GRDB
import GRDBSQLite

/// An error of SQLite: its extended result code and message.
struct SQLiteFailure: Error, Equatable {
  /// The extended result code.
  var code: Int32
  /// SQLite's own message.
  var message: String

  /// The primary result code.
  var primary: Int32 { code & 0xFF }

  /// Takes the last error of a connection.
  init(of connection: OpaquePointer) {
    code = sqlite3_extended_errcode(connection)
    message = String(cString: sqlite3_errmsg(connection))
  }

  init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }

  /// Takes an error that GRDB raised.
  init(_ error: DatabaseError) {
    code = error.extendedResultCode.rawValue
    message = error.message ?? error.resultCode.description
  }

  /// Whether it says something about the row that a statement was to write, and nothing about the
  /// database: a constraint, a trigger's RAISE, a value of the wrong type or an expression that
  /// failed on it.
  var isAboutTheRow: Bool {
    switch primary {
    case SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_TOOBIG, SQLITE_ERROR: true
    default: false
    }
  }

  /// Whether the connection is better closed: what it believes about the file may be wrong.
  var condemnsConnection: Bool {
    switch primary {
    case SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_READONLY:
      true
    default: false
    }
  }

  /// The error by what follows from it.
  ///
  /// - Parameter path: The database file, for the message.
  func sinkError(path: String) -> SinkError {
    switch primary {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_SCHEMA, SQLITE_INTERRUPT:
      .transient("\(path) is busy: \(message)")
    case SQLITE_FULL:
      .unavailable(
        "the disk that holds \(path) is full (\(message)). Nothing of the chunk was written; make "
          + "room and resume.")
    case SQLITE_IOERR:
      .unavailable(
        "the operating system failed to read or write \(path): \(message) "
          + "(SQLite code \(code)). Nothing is lost; check the disk and resume.")
    case SQLITE_NOMEM:
      .unavailable("SQLite ran out of memory with \(path)")
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
      .fatal(
        "\(path) cannot be written: \(message)",
        remedy: "Make the file and its folder writable for this user (SQLite keeps two files of its"
          + " own beside the database).")
    case SQLITE_CANTOPEN:
      .fatal(
        "\(path) cannot be opened: \(message)",
        remedy: "Check that the folder exists and that this user may write in it.")
    case SQLITE_NOTADB:
      .fatal(
        "\(path) is not a SQLite database",
        remedy: "Give another path, or move that file away.")
    case SQLITE_CORRUPT:
      .fatal(
        "\(path) is damaged: \(message)",
        remedy:
          "Restore it from a backup, or save what can be read with: sqlite3 '\(path)' .recover"
      )
    default:
      .fatal("SQLite refused an operation on \(path): \(message) (code \(code))", remedy: "")
    }
  }
}
