import CPostgres
import Cairn

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One connection to the server. Its calls block, so it lives on one thread; see ``Lane``.
///
/// Values are always bound, never pasted into SQL.
final class Connection {
  private let handle: OpaquePointer
  /// How many bytes of a copy go to libpq at once.
  private static let copyPiece = 64 << 10

  /// Connects.
  ///
  /// - Parameter address: A URL or `key=value` text as libpq reads it. `PG*` variables, service and
  ///   password files count too.
  /// - Throws: ``ConnectionFailure``.
  init(_ address: String) throws(ConnectionFailure) {
    try ConnectionFailure.checkForm(of: address)
    let parameters = ConnectionParameters(address)
    guard let handle = parameters.withCStrings({ PQconnectdbParams($0, $1, 1) }) else {
      throw ConnectionFailure(state: nil, message: "libpq is out of memory")
    }
    guard PQstatus(handle) == CONNECTION_OK else {
      let message = PostgresFailure.trimmed(PQerrorMessage(handle))
      let needsPassword = PQconnectionNeedsPassword(handle) == 1
      PQfinish(handle)
      if needsPassword {
        throw ConnectionFailure(
          state: "28P01", message: message,
          remedy: "Set PGPASSWORD, or add the server to the password file ~/.pgpass.")
      }
      throw ConnectionFailure(
        state: ConnectionFailure.diagnosedState(parameters), message: message)
    }
    self.handle = handle
    // Notices are meant for people at a prompt; the default prints them to standard error.
    PQsetNoticeProcessor(handle, { _, _ in }, nil)
  }

  deinit { PQfinish(handle) }

  /// Whether the connection can still be used.
  var isAlive: Bool {
    PQstatus(handle) == CONNECTION_OK && PQpipelineStatus(handle) == PQ_PIPELINE_OFF
  }

  /// Whether a transaction is open, failed or not.
  var isInTransaction: Bool {
    let status = PQtransactionStatus(handle)
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
  }

  /// The server's version, as 150002 for 15.2.
  var serverVersion: Int { Int(PQserverVersion(handle)) }

  // MARK: Statements

  /// Executes one or several statements without parameters.
  ///
  /// - Returns: The result of the last.
  @discardableResult
  func execute(_ sql: String) throws -> QueryResult {
    try checked(PQexec(handle, sql))
  }

  /// Executes a statement.
  ///
  /// - Parameters:
  ///   - sql: The statement, with `$1` and so on for its parameters.
  ///   - parameters: What is bound to them.
  ///   - binary: Whether values come back in their binary form.
  @discardableResult
  func query(
    _ sql: String, _ parameters: [Parameter] = [], binary: Bool = false
  ) throws -> QueryResult {
    try Parameter.withBound(parameters) { types, values, lengths, formats in
      try checked(
        PQexecParams(
          handle, sql, Int32(parameters.count), types, values, lengths, formats, binary ? 1 : 0))
    }
  }

  /// Executes a statement for several lots of parameters in turn. Each is sent before the answer to
  /// the one before it is looked at, so that the server goes on meanwhile.
  ///
  /// - Parameters:
  ///   - parameters: The parameters of a lot.
  ///   - body: Looks at the answer to a lot, values in binary form.
  func queryEach(
    _ sql: String, lots: Int, parameters: (Int) -> [Parameter],
    _ body: (Int, QueryResult) throws -> Void
  ) throws {
    guard PQenterPipelineMode(handle) == 1 else { throw lost() }
    var sent = 0
    var received = 0
    var thrown: (any Error)?
    do {
      for lot in 0..<lots {
        while sent < min(lot + 2, lots) {
          try send(sql, parameters(sent))
          sent += 1
        }
        let answer = receive()
        received += 1
        try body(lot, checked(answer))
      }
    } catch { thrown = error }
    // Nothing may be left before the next statement.
    while received < sent {
      PQclear(receive())
      received += 1
    }
    let isOver = PQexitPipelineMode(handle) == 1
    if let thrown { throw thrown }
    guard isOver else { throw lost() }
  }

  /// Sends a statement in a pipeline.
  private func send(_ sql: String, _ parameters: [Parameter]) throws {
    let isSent = Parameter.withBound(parameters) { types, values, lengths, formats in
      PQsendQueryParams(
        handle, sql, Int32(parameters.count), types, values, lengths, formats, 1) == 1
        && PQpipelineSync(handle) == 1
    }
    guard isSent else { throw lost() }
  }

  /// The answer to a statement in a pipeline; nil when the connection is gone.
  private func receive() -> OpaquePointer? {
    let answer = PQgetResult(handle)
    // The end of the answer, and the mark that the pipeline is in step.
    while let rest = PQgetResult(handle) { PQclear(rest) }
    PQclear(PQgetResult(handle))
    return answer
  }

  /// Commits the open transaction.
  ///
  /// - Throws: ``PostgresFailure``, also when the server rolled back instead.
  func commit() throws { try end(by: "COMMIT") }

  /// Commits the open transaction without waiting for the disk: a server that crashes within the next
  /// moments may forget the whole of it, and all that is later, until ``commitDurably()``.
  ///
  /// - Throws: ``PostgresFailure``, also when the server rolled back instead.
  func commitForNow() throws {
    // In one message: one round trip.
    try end(by: "SET LOCAL synchronous_commit = off; COMMIT")
  }

  /// Commits the open transaction, on disk when it returns, whatever the server's
  /// `synchronous_commit` is; and with it all that was committed before. Stricter settings stay.
  func commitDurably() throws {
    try execute(
      """
      SELECT set_config('synchronous_commit', 'on', true)
      WHERE current_setting('synchronous_commit') = 'off'
      """)
    try commit()
  }

  private func end(by sql: String) throws {
    let result = try execute(sql)
    guard result.tag == "COMMIT" else {
      throw PostgresFailure(
        state: "25P02", message: "the transaction had failed and is rolled back")
    }
  }

  /// Copies rows to the server.
  ///
  /// - Parameters:
  ///   - sql: `COPY … FROM STDIN`.
  ///   - body: Sends the data, piece by piece. When it throws the copy is called off.
  /// - Returns: How many rows the server took.
  func copy(
    _ sql: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws -> Int {
    guard let begun = PQexec(handle, sql) else { throw lost() }
    guard PQresultStatus(begun) == PGRES_COPY_IN else {
      _ = try checked(begun)
      throw PostgresFailure(state: "XX000", message: "the server did not begin to copy")
    }
    PQclear(begun)
    var thrown: (any Error)?
    do {
      try body { bytes in
        var rest = bytes
        while !rest.isEmpty {
          // libpq keeps a buffer as large as the largest piece.
          let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.copyPiece))
          guard
            PQputCopyData(
              self.handle, piece.baseAddress?.assumingMemoryBound(to: CChar.self),
              Int32(piece.count)) == 1
          else { throw CopyInterrupted() }
          rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(piece.count))
        }
      }
    } catch is CopyInterrupted {
      // The server's own words follow.
    } catch {
      thrown = error
    }
    PQputCopyEnd(handle, thrown == nil ? nil : "called off")
    guard let ended = PQgetResult(handle) else { throw lost() }
    // Nothing may be left before the next statement.
    while let rest = PQgetResult(handle) { PQclear(rest) }
    if let thrown {
      PQclear(ended)
      throw thrown
    }
    return try checked(ended).affectedRows
  }

  private func checked(_ pointer: OpaquePointer?) throws -> QueryResult {
    guard let pointer else { throw lost() }
    let result = QueryResult(pointer)
    switch PQresultStatus(pointer) {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
      return result
    default:
      // A lost connection has no SQLSTATE.
      throw PostgresFailure(pointer, isConnectionLost: !isAlive)
    }
  }

  private func lost() -> PostgresFailure {
    PostgresFailure(
      state: PostgresFailure.connectionLost,
      message: PostgresFailure.trimmed(PQerrorMessage(handle)))
  }
}

/// The server ended a copy; its result says why.
private struct CopyInterrupted: Error {}

/// What is told to libpq when connecting.
struct ConnectionParameters {
  private let keywords: [String]
  private let values: [String]

  /// Later ones win over earlier ones, so what the address says counts.
  init(_ address: String) {
    var named = [
      // A host that vanished is noticed within about a minute, not after hours.
      ("keepalives_idle", "20"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
      ("tcp_user_timeout", "60000"),
    ]
    if !Self.environmentSets("connect_timeout") { named.append(("connect_timeout", "15")) }
    named.append(("dbname", address))
    // PgBouncer accepts these two in its transaction mode; `options` it would refuse.
    named.append(("fallback_application_name", "cairn"))
    named.append(("client_encoding", "UTF8"))
    keywords = named.map(\.0)
    values = named.map(\.1)
  }

  func withCStrings<Value>(
    _ body: (
      UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>
    ) -> Value
  ) -> Value {
    let keys = keywords.map { strdup($0) }
    let texts = values.map { strdup($0) }
    defer { for pointer in keys + texts { free(pointer) } }
    return body(keys.map { UnsafePointer($0) } + [nil], texts.map { UnsafePointer($0) } + [nil])
  }

  private static func environmentSets(_ keyword: String) -> Bool {
    guard let options = PQconndefaults() else { return false }
    defer { PQconninfoFree(options) }
    var option = options
    while let name = option.pointee.keyword {
      if String(cString: name) == keyword { return option.pointee.val != nil }
      option += 1
    }
    return false
  }
}

/// Why no connection could be made.
struct ConnectionFailure: Error {
  /// The SQLSTATE, if it was the server that refused.
  var state: String?
  /// libpq's message; it names host and user, but no password.
  var message: String
  /// What to do, where nobody need try again.
  var remedy: String?

  /// The SQLSTATE with which the server refuses. libpq tells it of a failed attempt only in a verbose
  /// message, which cannot be asked for in ordinary blocking calls; so this makes another attempt.
  static func diagnosedState(_ parameters: ConnectionParameters) -> String? {
    guard let handle = parameters.withCStrings({ PQconnectStartParams($0, $1, 1) }) else {
      return nil
    }
    defer { PQfinish(handle) }
    PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
    PQsetNoticeProcessor(handle, { _, _ in }, nil)
    guard PQstatus(handle) != CONNECTION_BAD else { return nil }
    var wanted = Int16(POLLOUT)
    for _ in 0..<100 {
      var socket = pollfd(fd: PQsocket(handle), events: wanted, revents: 0)
      guard poll(&socket, 1, 3_000) > 0 else { return nil }
      switch PQconnectPoll(handle) {
      case PGRES_POLLING_READING: wanted = Int16(POLLIN)
      case PGRES_POLLING_WRITING: wanted = Int16(POLLOUT)
      case PGRES_POLLING_FAILED: return state(in: PostgresFailure.trimmed(PQerrorMessage(handle)))
      default: return nil
      }
    }
    return nil
  }

  /// The code in `FATAL:  28P01: password authentication failed…`, whatever the language.
  static func state(in message: String) -> String? {
    for word in message.split(whereSeparator: \.isWhitespace)
    where word.utf8.count == 6 && word.utf8.last == UInt8(ascii: ":") {
      let code = word.dropLast()
      let isCode = code.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
      if isCode, code.utf8.contains(where: { (0x30...0x39).contains($0) }) { return String(code) }
    }
    return nil
  }

  /// Refuses an address that libpq cannot read, since its message would show all of it.
  static func checkForm(of address: String) throws(ConnectionFailure) {
    // Anything else is the name of a database to libpq.
    guard address.contains("://") || address.contains("=") else { return }
    var text: UnsafeMutablePointer<CChar>?
    let options = PQconninfoParse(address, &text)
    defer {
      PQconninfoFree(options)
      PQfreemem(text)
    }
    var message = "its address is not understood"
    if let options {
      guard !hasPorts(options) else { return }
      message = "its port is none"
    }
    // Its words would show a password.
    if text != nil, URLSecrets.redacted(address) == address {
      message += ": " + PostgresFailure.trimmed(text)
    }
    throw ConnectionFailure(
      state: "08001", message: message, remedy: "Write it like postgres://user@host:5432/database")
  }

  /// Whether what is given as ports are ports. libpq notices only when it connects, and does not tell
  /// it from a server that is away.
  private static func hasPorts(_ options: UnsafeMutablePointer<PQconninfoOption>) -> Bool {
    var option = options
    while let name = option.pointee.keyword {
      if String(cString: name) == "port", let value = option.pointee.val {
        return String(cString: value).split(separator: ",", omittingEmptySubsequences: false)
          .allSatisfy { $0.isEmpty || (UInt16($0) ?? 0) > 0 }
      }
      option += 1
    }
    return true
  }

  /// What follows from it.
  func sinkError(location: String) -> SinkError {
    let text = "cannot connect to \(location): \(message)"
    if let remedy { return .fatal(text, remedy: remedy) }
    guard let state else { return .unreachable(text) }
    switch SQLState.consequence(of: state) {
    case .fatal(let remedy): return .fatal(text, remedy: remedy)
    case .transient, .data: return .unreachable(text)
    }
  }
}
