#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A PostgreSQL server of the tests' own: a fresh cluster on a free port of the loopback interface,
/// with a password, gone when the process that started it is.
///
/// As root the server runs as the user `postgres`, since it refuses to run as root.
public final class PostgresServer: Sendable {
  /// The superuser.
  public static let user = "postgres"

  /// The port it listens on.
  public let port: Int
  /// The superuser's password.
  public let password: String
  private let folder: String
  private let programs: Programs
  private let settings: [String]
  /// Held open as long as this process lives: its end tells the guard to stop the server.
  private let guardInput: Int32

  /// Starts a server.
  ///
  /// - Parameters:
  ///   - isDurable: Whether commits survive a crash of the server; without it tests are quicker.
  ///   - settings: Settings of the server, like `max_connections=50`.
  /// - Throws: ``PostgresServerError``.
  public init(isDurable: Bool = false, settings: [String] = []) async throws(PostgresServerError) {
    programs = try Programs.find()
    password = UUID().uuidString
    var own = [
      "listen_addresses=127.0.0.1", "unix_socket_directories=", "password_encryption=scram-sha-256",
      "max_connections=300", "shared_buffers=64MB", "max_wal_size=1GB",
      "max_prepared_transactions=0", "autovacuum_naptime=1h",
    ]
    if !isDurable { own += ["fsync=off", "full_page_writes=off", "synchronous_commit=off"] }
    self.settings = own + settings
    folder = try await programs.makeFolder()
    guardInput = try programs.guardServer(in: folder)
    let data = folder + "/data"
    // Nobody else may look into the folder.
    let passwordFile = folder + "/password"
    guard FileManager.default.createFile(atPath: passwordFile, contents: Data(password.utf8)) else {
      throw .failed("\(passwordFile) cannot be written")
    }
    try await programs.run(
      programs.folder + "/initdb",
      [
        "-D", data, "-U", Self.user, "--auth=scram-sha-256", "--pwfile=\(passwordFile)",
        "--no-sync", "--encoding=UTF8", "--locale=C",
      ])
    var started: Int?
    var failure = PostgresServerError.failed("no port was free")
    // Somebody may take a port between our asking and the server's.
    for _ in 0..<5 where started == nil {
      let port = try Self.freePort()
      do throws(PostgresServerError) {
        try await Self.start(programs, folder: folder, port: port, settings: self.settings)
        started = port
      } catch { failure = error }
    }
    guard let started else { throw failure }
    port = started
  }

  deinit { close(guardInput) }

  /// The URL of a database for the superuser.
  public func url(database: String = "postgres") -> String {
    url(user: Self.user, password: password, database: database)
  }

  /// The URL of a database for a role.
  public func url(user: String, password: String, database: String = "postgres") -> String {
    "postgres://\(user):\(password)@127.0.0.1:\(port)/\(database)"
  }

  /// Kills every process of the server at once, as a crash would, and starts it again: commits that
  /// were not yet on disk are lost.
  public func crash() async throws(PostgresServerError) {
    try await stop(mode: "immediate")
    try await start()
  }

  /// Stops it.
  ///
  /// - Parameter mode: `fast` ends sessions in an orderly way, `immediate` is a crash.
  public func stop(mode: String = "fast") async throws(PostgresServerError) {
    try await programs.run(
      programs.folder + "/pg_ctl", ["-D", folder + "/data", "-m", mode, "-w", "stop"])
  }

  /// Starts it again after it was stopped.
  public func start() async throws(PostgresServerError) {
    try await Self.start(programs, folder: folder, port: port, settings: settings)
  }

  private static func start(
    _ programs: Programs, folder: String, port: Int, settings: [String]
  ) async throws(PostgresServerError) {
    let options = (["port=\(port)"] + settings).map { "-c '\($0)'" }.joined(separator: " ")
    try await programs.run(
      programs.folder + "/pg_ctl",
      [
        "-D", folder + "/data", "-l", folder + "/log", "-o", options, "-w", "-t", "60", "start",
      ])
  }

  /// Starts a PgBouncer in transaction mode before the server; it ends with it.
  ///
  /// - Parameter users: Roles that may go through it, with their passwords.
  /// - Returns: The port it listens on, on the loopback interface.
  public func startBouncer(users: [String: String]) async throws(PostgresServerError) -> Int {
    let bouncer = try Self.freePort()
    let files = [
      "users.txt": users.map { "\"\($0.key)\" \"\($0.value)\"\n" }.joined(),
      "bouncer.ini": """
      [databases]
      * = host=127.0.0.1 port=\(port)
      [pgbouncer]
      listen_addr = 127.0.0.1
      listen_port = \(bouncer)
      unix_socket_dir =
      auth_type = plain
      auth_file = \(folder)/users.txt
      pool_mode = transaction
      default_pool_size = 3
      max_client_conn = 1000
      logfile = \(folder)/bouncer.log
      pidfile = \(folder)/bouncer.pid

      """,
    ]
    for (name, text) in files {
      guard FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: Data(text.utf8))
      else { throw .failed("\(folder)/\(name) cannot be written") }
    }
    try await programs.run("pgbouncer", ["-d", "-q", "\(folder)/bouncer.ini"])
    // It goes into the background before it listens.
    let deadline = ContinuousClock.now + .seconds(60)
    while !Self.isListening(bouncer) {
      guard ContinuousClock.now < deadline, !Task.isCancelled else {
        throw .failed("PgBouncer does not listen on port \(bouncer); see \(folder)/bouncer.log")
      }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return bouncer
  }

  private static func isListening(_ port: Int) -> Bool {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { return false }
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  /// Runs one of PostgreSQL's programs, like `pg_dump`; what it wrote to standard output.
  public func run(
    _ program: String, _ arguments: [String]
  ) async throws(PostgresServerError) -> String {
    try await programs.run(programs.folder + "/" + program, arguments)
  }

  /// What the server has logged.
  public var log: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

  private static func freePort() throws(PostgresServerError) -> Int {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard socket >= 0 else { throw .failed("no socket can be made") }
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 ? getsockname(socket, $0, &length) : -1
      }
    }
    guard status == 0 else { throw .failed("no port is free on 127.0.0.1") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

/// Why no server could be started.
public enum PostgresServerError: Error, CustomStringConvertible {
  /// No PostgreSQL server is installed.
  case notInstalled
  /// A program failed.
  case failed(String)

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .notInstalled:
      "no PostgreSQL server found under /usr/lib/postgresql/*/bin or in PATH; install one with: "
        + "make setup"
    case .failed(let reason): "the tests' PostgreSQL server: \(reason)"
    }
  }
}

/// The programs of a PostgreSQL server.
private struct Programs {
  /// The folder they are in.
  var folder: String

  static func find() throws(PostgresServerError) -> Programs {
    let versions =
      (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
    let newest = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
      .map { "/usr/lib/postgresql/\($0)/bin" }
    let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map(String.init)
    for folder in newest + path
    where FileManager.default.isExecutableFile(atPath: folder + "/initdb") {
      return Programs(folder: folder)
    }
    throw .notInstalled
  }

  /// Makes an empty folder that the server's user owns.
  func makeFolder() async throws(PostgresServerError) -> String {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-postgres-\(UUID().uuidString)").path
    try await run("mkdir", ["-m", "700", path])
    return path
  }

  /// Runs a program to its end, as the server's user.
  @discardableResult
  func run(
    _ program: String, _ arguments: [String]
  ) async throws(PostgresServerError) -> String {
    let outcome: ChildOutcome
    do {
      outcome = try await ChildProcess(
        ChildCommand("/usr/bin/env", serverCommand([program] + arguments), directory: "/")
      ).wait()
    } catch {
      throw .failed("\(error)")
    }
    guard outcome.end == .exited(0) else {
      throw .failed("\(program) failed: \(outcome.standardError)\(outcome.standardOutput)")
    }
    return outcome.standardOutput
  }

  private func serverCommand(_ command: [String]) -> [String] {
    geteuid() == 0 ? ["runuser", "-u", PostgresServer.user, "--"] + command : command
  }

  /// Starts a shell that stops the server and deletes its folder once this process is gone, however
  /// it ends.
  ///
  /// - Returns: The end of the pipe by which the shell knows that this process lives.
  func guardServer(in path: String) throws(PostgresServerError) -> Int32 {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw .failed("no pipe can be made") }
    // No other child may hold it open.
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    // PgBouncer inherits which signals are blocked from the thread that starts it: only KILL is sure.
    let script = """
      read _; [ -f '\(path)/bouncer.pid' ] && kill -KILL "$(cat '\(path)/bouncer.pid')"
      '\(folder)/pg_ctl' -D '\(path)/data' -m immediate stop; rm -rf '\(path)'
      """
    let command = serverCommand(["sh", "-c", script])
    // What ends the tests at the terminal must not end the guard first.
    let spawn = Spawn(command: command, input: ends[0], hasOwnGroup: true)
    let started = spawn.start()
    close(ends[0])
    if case .failure(let failure) = started {
      throw .failed("the guard of the server cannot be started: \(failure.reason)")
    }
    return ends[1]
  }
}
