import Cairn
import CairnTesting
import CommandParts
import Foundation
import Synchronization
import Testing

/// What a server does to a load: it goes away, comes back, cuts connections, fills up, refuses.
///
/// The servers are the suite's own, since others would notice.
@Suite(.serialized) struct CommandServerTests {
  /// Commits are on disk when they are acknowledged.
  private static let durable = Task { try await PostgresServer(isDurable: true) }
  /// Commits are acknowledged long before they are on disk.
  private static let forgetful = Task {
    try await PostgresServer(
      isDurable: true,
      settings: ["synchronous_commit=off", "wal_writer_delay=10000", "wal_writer_flush_after=1GB"])
  }

  private func server(_ isDurable: Bool = true) async throws -> PostgresServer {
    try await (isDurable ? Self.durable : Self.forgetful).value
  }

  private func load(
    on server: PostgresServer, rows: Int = 1_500, seed: UInt64, mode: LoadMode = .append
  ) async throws -> SampleLoad {
    try SampleLoad(
      rows: rows, seed: seed, mode: mode,
      into: PostgresDestination(place: try await PostgresPlace(on: server)))
  }

  /// Runs a load to its end while `disturb` happens now and then, at least once.
  private func run(
    _ load: SampleLoad, seed: UInt64, times: Int, _ disturb: @Sendable () async throws -> Void
  ) async throws -> [ChildOutcome] {
    var random = SplitMix(seed: seed)
    var outcomes: [ChildOutcome] = []
    var left = times
    while outcomes.count < 30 {
      let child = try ChildProcess(load.command())
      while child.poll() == nil, left > 0 {
        try await Task.sleep(for: .milliseconds(Int(random.next() % 400)))
        guard child.poll() == nil else { break }
        try await disturb()
        left -= 1
      }
      let outcome = try await child.wait()
      outcomes.append(outcome)
      switch outcome.end {
      case .exited(0):
        #expect(left < times, "seed \(seed): the load was done before anything happened to it")
        return outcomes
      // Away for too long, or chunks failed: go on.
      case .exited(75), .exited(2): continue
      default:
        Issue.record("seed \(seed): \(outcome.end) \(outcome.standardError)")
        return outcomes
      }
    }
    Issue.record("seed \(seed): never done; \(outcomes.last?.standardError ?? "")")
    return outcomes
  }

  @Test(
    "the server crashes at random moments", arguments: [true, false], [LoadMode.upsert, .append])
  func crashes(_ isDurable: Bool, _ mode: LoadMode) async throws {
    let server = try await server(isDurable)
    let seed: UInt64 = isDurable ? 101 : 102
    let load = try await load(on: server, seed: seed, mode: mode)
    _ = try await run(load, seed: seed, times: 4) { try await server.crash() }
    try await load.prove("seed \(seed)")
  }

  @Test("a crash right after the load is done loses nothing", arguments: [true, false])
  func crashAfterwards(_ isDurable: Bool) async throws {
    let server = try await server(isDurable)
    let load = try await load(on: server, seed: 103)
    let outcome = try await load.run()
    try await server.crash()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
  }

  @Test(
    "a machine dies whole, and the server forgets chunks that it had acknowledged",
    arguments: [LoadMode.upsert, .append, .replace])
  func machine(_ mode: LoadMode) async throws {
    let server = try await server(false)
    let destination = PostgresDestination(place: try await PostgresPlace(on: server))
    let load = try SampleLoad(rows: 1_500, seed: 107, mode: mode, into: destination)
    let killed = try await load.course.attempt(
      load.command(), .crash(at: .commitAfter, count: 8))
    #expect(killed.wasKilled, "\(killed.standardError)")
    let before = try await destination.chunks()
    try await server.crash()
    let after = try await destination.chunks()
    #expect(after.count < before.count, "nothing was forgotten")
    let resumed = try await load.run()
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    try await load.prove()
  }

  @Test("backends are terminated at random moments")
  func terminated() async throws {
    let server = try await server()
    let load = try await load(on: server, seed: 104)
    let probe = PostgresProbe(url: server.url())
    _ = try await run(load, seed: 104, times: 12) {
      try await probe.execute(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cairn'
        """)
    }
    try await load.prove("seed 104")
  }

  @Test("connections are cut, in the middle of rows and of answers", arguments: 0..<6)
  func cut(_ number: Int) async throws {
    let server = try await server()
    let place = try await PostgresPlace(on: server)
    let proxy = try CuttingProxy(to: server.port)
    let seed = 200 + UInt64(number)
    let load = try SampleLoad(
      rows: 900, seed: seed, mode: number % 2 == 0 ? .append : .upsert,
      into: PostgresDestination(place: place, address: proxy.redirect(place.url)))
    let random = Mutex(SplitMix(seed: seed))
    _ = try await run(load, seed: seed, times: 6) {
      let bytes = random.withLock { Int($0.next() % 60_000) }
      if bytes % 3 == 0 { proxy.cutAfterCommit() } else { proxy.cutAfter(bytes: bytes) }
    }
    #expect(proxy.cuts > 0, "seed \(seed): nothing was cut")
    try await load.prove("seed \(seed)")
  }

  @Test("a server that is read-only for a while")
  func readOnly() async throws {
    let server = try await server()
    let probe = PostgresProbe(url: server.url())
    let load = try await load(on: server, rows: 900, seed: 105)
    func set(_ value: String) async throws {
      try await probe.execute("ALTER SYSTEM SET default_transaction_read_only = \(value)")
      try await probe.execute("SELECT pg_reload_conf()")
    }
    let stopped = try ChildProcess(
      load.command(environment: ["CAIRN_STOP_AT": "commit-after:2", "CAIRN_RETRY_ATTEMPTS": "2"]))
    while !stopped.isStopped, stopped.poll() == nil { try await Task.sleep(for: .milliseconds(5)) }
    try await set("on")
    stopped.wake()
    let refused = try await stopped.wait()
    #expect(refused.exitCode == 75, "\(refused.standardError)")
    #expect(refused.standardError.contains("read-only"), "\(refused.standardError)")
    try await probe.execute("SET default_transaction_read_only = off")
    try await set("off")
    #expect(try await load.run().exitCode == 0)
    try await load.prove()
  }

  @Test("every statement takes too long: the run stops and says so")
  func statementTimeout() async throws {
    let server = try await server()
    let place = try await PostgresPlace(on: server)
    let role = try await place.role(on: server)
    let load = try SampleLoad(
      rows: 900, seed: 106, mode: .append,
      into: PostgresDestination(place: place, address: role))
    try await place.probe.execute("GRANT ALL ON SCHEMA \(place.schema) TO \(place.roleName)")
    try await place.probe.execute("GRANT CREATE ON DATABASE postgres TO \(place.roleName)")
    let first = try await load.course.attempt(
      load.command(), .crash(at: .commitBefore, count: 3))
    #expect(first.wasKilled, "\(first.standardError)")
    // A trigger that takes longer than a statement may.
    try await place.probe.execute(
      """
      CREATE FUNCTION \(place.schema).slow() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END';
      CREATE TRIGGER slow BEFORE INSERT ON \(place.schema).\(SampleLoad.table)
        FOR EACH ROW EXECUTE FUNCTION \(place.schema).slow();
      ALTER ROLE \(place.roleName) SET statement_timeout = '300ms'
      """)
    let refused = try await load.run(environment: ["CAIRN_RETRY_ATTEMPTS": "1"])
    #expect(refused.exitCode == 75, "\(refused.standardError)")
    #expect(refused.standardError.contains("57014"), "\(refused.standardError)")
    try await place.probe.execute(
      "DROP TRIGGER slow ON \(place.schema).\(SampleLoad.table)")
    let outcome = try await load.run()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
  }

  /// Whether a small file system can be mounted here: by root, unless a container forbids it.
  static func canMount() async throws -> Bool {
    guard getuid() == 0 else { return false }
    let place = NSTemporaryDirectory() + "/cairn-mount-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: place) }
    return try await ChildProcess(
      ChildCommand(
        "/bin/sh", ["-c", "mount -t tmpfs -o size=64k tmpfs '\(place)' && umount '\(place)'"])
    ).wait().exitCode == 0
  }

  @Test(
    "a full disk under the table stops the run, and room lets it go on",
    .enabled("a small file system can be mounted") {
      try await CommandServerTests.canMount()
    })
  func fullDisk() async throws {
    let server = try await server()
    let place = try await PostgresPlace(on: server)
    let mounted = NSTemporaryDirectory() + "/cairn-disk-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
    func run(_ command: String) async throws -> ChildOutcome {
      try await ChildProcess(ChildCommand("/bin/sh", ["-c", command])).wait()
    }
    try #require(
      try await run(
        "mount -t tmpfs -o size=1500k tmpfs '\(mounted)' && chown postgres '\(mounted)'"
      ).exitCode == 0)
    let space = "\(place.schema)_space"
    try await place.probe.execute("CREATE TABLESPACE \(space) LOCATION '\(mounted)'")
    let load = try SampleLoad(
      rows: 6_000, seed: 107, mode: .append,
      into: PostgresDestination(
        place: place,
        address: place.url.replacing(
          "options=", with: "options=-cdefault_tablespace%3D\(space)%20")))
    let full = try await load.run(environment: ["CAIRN_RETRY_ATTEMPTS": "2"])
    #expect(full.exitCode == 75, "\(full.standardError)")
    #expect(full.standardError.contains("53100"), "\(full.standardError)")
    _ = try await run("mount -o remount,size=60m '\(mounted)'")
    let outcome = try await load.run()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
    try await place.probe.execute(
      """
      DROP SCHEMA \(place.schema) CASCADE; DROP SCHEMA \(place.stateSchema) CASCADE
      """)
    try await place.probe.execute("DROP TABLESPACE \(space)")
    _ = try await run("umount '\(mounted)'; rmdir '\(mounted)'")
  }

  @Test(
    "a process that is stopped amid its commit is overtaken, and commits nothing once woken",
    arguments: [
      FaultPoint.commitFenceChecked, .commitMarked, .commitRejected, .commitHalfMerged,
      .commitBefore,
    ])
  func stopped(_ point: FaultPoint) async throws {
    let load = try await SampleLoad(rows: 900, seed: 108, mode: .append)
    let stopped = try ChildProcess(
      load.command(["--lease", "2s"], environment: ["CAIRN_STOP_AT": "\(point.rawValue):2"]))
    while !stopped.isStopped {
      if let end = stopped.poll() { Issue.record("ended by \(end)") }
      try await Task.sleep(for: .milliseconds(5))
    }
    let refused = try await load.run()
    // Its lease may have run out meanwhile.
    #expect(refused.exitCode == 69 || refused.exitCode == 0, "\(refused.standardError)")
    let successor = try await load.run("--take-over")
    #expect(successor.exitCode == 0, "\(successor.standardError)")
    stopped.wake()
    let woken = try await stopped.wait()
    #expect(woken.exitCode != 0, "\(woken.standardOutput)")
    try await load.prove()
  }
}
