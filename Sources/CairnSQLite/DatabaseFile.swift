import Cairn
import Dispatch
import GRDB
import GRDBSQLite

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The database file and the one connection to it, on a queue of its own so that waiting for the
/// disk or for another process never holds up Swift's cooperative threads.
final class DatabaseFile: @unchecked Sendable {
  // @unchecked: `connection` and `writing` are only touched on `queue`, which is serial, and in
  // `deinit`, when nothing is left on it; everything else is constant.

  /// The file.
  let path: String
  /// How long to wait for another process that is writing.
  let busyTimeout: Duration
  /// What is known of the tables in it.
  let shapes = ShapeCache()

  private let queue = DispatchQueue(label: "cairn.sqlite")
  private let asideQueue = DispatchQueue(label: "cairn.sqlite.aside")
  private var connection: DatabaseQueue?
  private var writing: PreparedForWriting?

  /// What is kept with a connection that writes.
  private struct PreparedForWriting {
    var signals: UpsertSignals
    var statements: [String: SQLStatement] = [:]
  }

  init(path: String, busyTimeout: Duration) {
    self.path = path
    self.busyTimeout = busyTimeout
  }

  deinit { disconnect() }

  /// Reads; nil when the file does not exist.
  func read<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(SinkError) -> Value? {
    try await perform {
      guard FileManager.default.fileExists(atPath: self.path) else { return nil }
      return try self.opened().writeWithoutTransaction(body)
    }
  }

  /// Reads on a connection of its own, as of one moment: for what may take long, so that it holds up
  /// nothing that is to be written meanwhile, such as the renewal of a lease.
  func readAside<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(SinkError) -> Value {
    let result: Result<Value, SinkError> = await withCheckedContinuation { continuation in
      asideQueue.async {
        do {
          var configuration = self.configuration
          configuration.readonly = true
          let connection = try DatabaseQueue(path: self.path, configuration: configuration)
          defer { try? connection.close() }
          continuation.resume(returning: .success(try connection.read(body)))
        } catch {
          continuation.resume(returning: .failure(self.classify(error)))
        }
      }
    }
    return try result.get()
  }

  /// Writes, outside of any transaction; creates the file when it does not exist.
  func write<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(SinkError) -> Value {
    try await perform {
      let connection = try self.opened()
      return try connection.writeWithoutTransaction { db in
        if self.writing == nil { self.writing = try self.prepareForWriting(db) }
        try self.checkFileIsStillThere(db)
        return try body(db)
      }
    }
  }

  /// Writes in one transaction that holds the write lock from its start; creates the file when it
  /// does not exist.
  func transaction<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(SinkError) -> Value {
    try await write { db in
      try self.begin(db)
      return try self.finishing(db) {
        let value = try body(db)
        try db.execute(sql: "COMMIT")
        return value
      }
    }
  }

  /// Begins a transaction that holds the write lock; waits for it, and then says who has it.
  func begin(_ db: Database) throws {
    do {
      try db.execute(sql: "BEGIN IMMEDIATE")
    } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
      let holder = WriteLockHolder.find(path: path).map { ", by \($0)" } ?? ""
      throw SinkError.transient(
        "\(path) has been locked for writing for \(busyTimeout)\(holder)")
    }
  }

  /// The signals of upserts on the connection. Only to be asked for within ``write(_:)``.
  var signals: UpsertSignals? { writing?.signals }

  /// A statement on the connection, which is kept for the next time. Only to be asked for within
  /// ``write(_:)``; nobody else uses it meanwhile.
  func statement(_ sql: String, on connection: OpaquePointer) throws -> SQLStatement {
    if let known = writing?.statements[sql] { return known }
    let statement = try SQLStatement(sql, on: connection)
    // A load needs one or two, a job three for each of its tables; many in one process shall not heap
    // them up.
    if writing?.statements.count ?? 0 >= 64 { writing?.statements.removeAll() }
    writing?.statements[sql] = statement
    return statement
  }

  /// Runs `body` in the open transaction, and rolls back when it throws.
  func finishing<Value>(_ db: Database, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch {
      // The error that counts is the first; one of ROLLBACK itself leaves nothing committed.
      try? rollBack(db)
      throw error
    }
  }

  /// Rolls back the open transaction, if SQLite has not done so by itself.
  func rollBack(_ db: Database) throws {
    // What was read amid it may be taken back too.
    shapes.clear()
    if db.isInsideTransaction { try db.execute(sql: "ROLLBACK") }
  }

  /// Moves the log's pages into the database and shortens it, unless somebody is in the way. Every
  /// commit is durable without.
  func emptyLog(_ db: Database) {
    let milliseconds = Int(busyTimeout.inSeconds * 1_000)
    try? db.execute(sql: "PRAGMA busy_timeout = 0")
    _ = try? db.checkpoint(.truncate)
    try? db.execute(sql: "PRAGMA busy_timeout = \(milliseconds)")
  }

  // MARK: Connection

  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws(SinkError) -> Value {
    let result: Result<Value, SinkError> = await withCheckedContinuation { continuation in
      queue.async {
        do {
          continuation.resume(returning: .success(try body()))
        } catch {
          continuation.resume(returning: .failure(self.classified(error)))
        }
      }
    }
    return try result.get()
  }

  private func classified(_ error: any Error) -> SinkError {
    switch error {
    case is FileMoved: disconnect()
    case let error as DatabaseError where SQLiteFailure(error).condemnsConnection: disconnect()
    case let error as SQLiteFailure where error.condemnsConnection: disconnect()
    default: break
    }
    return classify(error)
  }

  /// An error by what follows from it.
  func classify(_ error: any Error) -> SinkError {
    switch error {
    case let error as SinkError: error
    case let error as DatabaseError: SQLiteFailure(error).sinkError(path: path)
    case let error as SQLiteFailure: error.sinkError(path: path)
    case is FileMoved:
      .unavailable(
        "\(path) was deleted or replaced while it was open. Resume to go on with the file that is "
          + "there now.")
    default: .fatal("\(error)", remedy: "")
    }
  }

  private func disconnect() {
    // Statements first: a connection stays open as long as it has some.
    writing = nil
    try? connection?.close()
    connection = nil
    // The next connection may find another file.
    shapes.clear()
  }

  private func opened() throws -> DatabaseQueue {
    if let connection { return connection }
    var isFolder = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder {
      throw SinkError.fatal("\(path) is a folder", remedy: "Give the path of a database file.")
    }
    let opened = try DatabaseQueue(path: path, configuration: configuration)
    connection = opened
    return opened
  }

  private var configuration: Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(busyTimeout.inSeconds)
    // The rules that the tables have for every other program hold for Cairn too.
    configuration.foreignKeysEnabled = true
    configuration.acceptsDoubleQuotedStringLiterals = true
    configuration.label = "cairn"
    return configuration
  }

  /// Sees to it that a mark that was committed stays committed: a write-ahead log that is synced at
  /// every commit.
  private func prepareForWriting(_ db: Database) throws -> PreparedForWriting {
    if let kind = NetworkFileSystem.holding(path: path) {
      throw SinkError.fatal(
        "\(path) is on a network file system (\(kind)), where SQLite's write-ahead log does not work",
        remedy: "Load into a database on a local disk, and copy it afterwards.")
    }
    let mode = try switchToLog(db)
    guard mode == "wal" else {
      throw SinkError.fatal(
        "\(path) cannot be switched to a write-ahead log (its journal mode stays \(mode ?? "unknown"))",
        remedy: "Load into a database file on a local disk.")
    }
    try db.execute(
      sql: """
        PRAGMA synchronous = FULL;
        PRAGMA fullfsync = ON;
        PRAGMA checkpoint_fullfsync = ON;
        PRAGMA cache_size = -8192;
        PRAGMA wal_autocheckpoint = 4096;
        PRAGMA temp_store = MEMORY;
        """)
    guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
      throw SinkError.fatal("\(path) cannot be opened with synchronous=FULL", remedy: "")
    }
    guard let handle = db.sqliteConnection else {
      throw SinkError.transient("the connection to \(path) is closed")
    }
    return PreparedForWriting(signals: try UpsertSignals(handle))
  }

  /// Switches to a write-ahead log. SQLite does not wait while others switch at the same moment.
  ///
  /// - Returns: The mode by then.
  private func switchToLog(_ db: Database) throws -> String? {
    let end = ContinuousClock.now + busyTimeout
    while true {
      do {
        return try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
      } catch let error as DatabaseError
        where error.resultCode == .SQLITE_BUSY && ContinuousClock.now < end
      {
        sqlite3_sleep(10)
      }
    }
  }

  /// Notices that the file was deleted or replaced while it was open: what is written now would be
  /// lost.
  private func checkFileIsStillThere(_ db: Database) throws {
    var moved: Int32 = 0
    let code = sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_HAS_MOVED, &moved)
    if code == SQLITE_OK, moved != 0 { throw FileMoved() }
  }
}

/// The open file is no longer the one at its path.
private struct FileMoved: Error {}
