import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

/// The command on a PostgreSQL server, where that differs from a SQLite file.
struct CommandPostgresTests {
  private let place: Workplace
  private let server: PostgresPlace

  init() async throws {
    place = try Workplace()
    server = try await TestServer.place()
    let rows = (1...400).map { "\($0),\($0 % 7)" }
    try place.write("id,amount\n" + rows.joined(separator: "\n") + "\n", to: "rows.csv")
  }

  private var url: String { server.url + "&state_schema=\(server.stateSchema)" }

  private func load(
    _ more: String..., into url: String? = nil, environment: [String: String?] = [:]
  ) async throws -> ChildOutcome {
    try await ChildProcess(
      place.command(
        [
          "load", "rows.csv", "--into", url ?? self.url, "--table", "payments", "--key", "id",
          "--chunk-rows", "50", "--quiet",
        ] + more, environment: environment)
    ).wait()
  }

  private func count(_ table: String = "payments") async throws -> String? {
    try await server.probe.value("SELECT count(*) FROM \(table)")
  }

  // MARK: Secrets

  @Test func `a password is in no output, file or list of processes`() async throws {
    let password = try await TestServer.shared.password
    let child = try ChildProcess(
      place.command(
        ["load", "rows.csv", "--into", url, "--table", "payments", "--chunk-rows", "50"],
        environment: ["CAIRN_STOP_AT": "commit-after:2"]))
    while !child.isStopped {
      try #require(child.poll() == nil, "\(child.standardError)")
      try await Task.sleep(for: .milliseconds(5))
    }
    #if os(Linux)
      let shown = try Data(contentsOf: URL(filePath: "/proc/\(child.id)/cmdline"))
      let arguments = String(decoding: shown, as: UTF8.self)
      #expect(arguments.contains("postgres://postgres:xxx") && !arguments.contains(password))
    #endif
    child.kill()
    let killed = try await child.wait()
    // From the manifest alone; the password comes from the environment.
    let wrong = try await place.cairn("resume", environment: ["PGPASSWORD": "wr0ng-s3cret"])
    #expect(wrong.exitCode == 1)
    let done = try await place.cairn("resume", environment: ["PGPASSWORD": password])
    #expect(done.exitCode == 0, "\(done.standardError)")
    #expect(try await count() == "400")
    var everything = ""
    for outcome in [killed, wrong, done] {
      everything += outcome.standardOutput + outcome.standardError
    }
    let files = FileManager.default.enumerator(atPath: place.path)?.compactMap { $0 as? String }
    for file in files ?? [] {
      everything += String(
        decoding: FileManager.default.contents(atPath: place.file(file)) ?? Data(), as: UTF8.self)
    }
    let state = try await server.probe.query(
      "SELECT m::text FROM \(server.stateSchema).sync_metadata m")
    everything += "\(state)"
    #expect(everything.contains("postgres@127.0.0.1"))
    #expect(!everything.contains(password) && !everything.contains("wr0ng-s3cret"))
  }

  @Test func `a wrong password says what to check, and names no password`() async throws {
    let outcome = try await load(into: url.replacing(/:[^:@]*@/, with: ":wr0ng-s3cret@"))
    #expect(outcome.exitCode == 1)
    #expect(outcome.standardError.contains("password authentication failed"))
    #expect(outcome.standardError.contains("pg_hba.conf"))
    #expect(!outcome.standardError.contains("wr0ng"))
  }

  // MARK: Elsewhere

  @Test func `any machine sees the runs, by the URL alone`() async throws {
    #expect(try await load().exitCode == 0)
    let elsewhere = try Workplace()
    let runs = try await elsewhere.cairn("runs", "--into", url)
    #expect(runs.standardOutput.contains("SUCCESS") && runs.standardOutput.contains("payments"))
    let fresh = try await elsewhere.cairn("status", "--into", url, "--max-age", "1h")
    #expect(fresh.exitCode == 0, "\(fresh.standardOutput)")
    try await server.probe.execute(
      "UPDATE \(server.stateSchema).sync_metadata SET completed_at = now() - interval '2 hours'")
    let stale = try await elsewhere.cairn("status", "--into", url, "--max-age", "1h")
    #expect(stale.exitCode == 1)
    #expect(stale.standardOutput.contains("TOO OLD"))
  }

  // MARK: Roles

  @Test func `a role that may only read and write rows is told what to have made`() async throws {
    let role = try await server.role() + "&state_schema=\(server.stateSchema)"
    let without = try await load(into: role)
    #expect(without.exitCode == 1)
    #expect(without.standardError.contains("cairn schema --print-sql"), "\(without.standardError)")

    let printed = try await place.cairn(
      "schema", "--print-sql", "--state-schema", server.stateSchema)
    try await server.probe.execute(printed.standardOutput)
    try await server.probe.execute(
      """
      GRANT USAGE ON SCHEMA \(server.stateSchema) TO \(server.roleName);
      GRANT SELECT, INSERT, UPDATE, DELETE
        ON ALL TABLES IN SCHEMA \(server.stateSchema) TO \(server.roleName)
      """)
    let noTable = try await load(into: role)
    #expect(noTable.exitCode == 1)
    // The statement itself, to be run by somebody else.
    let lines = noTable.standardError.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("CREATE TABLE") })
    let end = try #require(lines.firstIndex { $0.hasPrefix("GRANT") })
    try await server.probe.execute(lines[start..<end].joined(separator: "\n"))
    try await server.probe.execute(String(lines[end]).replacing("the role", with: server.roleName))
    let outcome = try await load(into: role)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try await count() == "400")
  }

  @Test func `the state tables can be made beforehand`() async throws {
    let made = try await place.cairn("schema", "--create", "--into", url)
    #expect(made.exitCode == 0, "\(made.standardError)")
    let tables = try await server.probe.value(
      "SELECT count(*) FROM pg_tables WHERE schemaname = '\(server.stateSchema)'")
    #expect(tables != "0")
    let sqlite = try await place.cairn("schema", "--print-sql", "--into", "sqlite:x.db")
    #expect(sqlite.exitCode == 64)
  }

  // MARK: Targets

  @Test func `a key that is missing is created where that is asked for`() async throws {
    try await server.probe.execute("CREATE TABLE payments (id bigint NOT NULL, amount bigint)")
    let refused = try await load()
    #expect(refused.exitCode == 1)
    #expect(refused.standardError.contains("CREATE UNIQUE INDEX"), "\(refused.standardError)")
    let outcome = try await load("--create-key")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try await count() == "400")
  }

  @Test func `a view that cannot be refreshed is refreshed by a resume, and it alone`() async throws
  {
    try await server.probe.execute(
      """
      CREATE TABLE payments (id bigint PRIMARY KEY, amount bigint);
      CREATE MATERIALIZED VIEW totals AS SELECT sum(amount) AS total, now() AS made FROM payments;
      CREATE MATERIALIZED VIEW shares AS SELECT id, 1 / (amount - 3) AS share FROM payments
      """)
    try place.write(
      """
      job: payments
      sink:
        url: "\(url)"
        table: payments
        key: [id]
        refresh: [totals, shares]
      """, to: "job.yaml")
    let partial = try await place.cairn("load", "rows.csv", "--job", "job.yaml", "--quiet")
    #expect(partial.exitCode == 2, "\(partial.standardError)")
    #expect(partial.standardOutput.contains("not refreshed  shares"))
    #expect(try await server.probe.value("SELECT total FROM totals") != nil)
    let made = try await server.probe.value("SELECT made FROM totals")
    try await server.probe.execute("DELETE FROM payments WHERE amount = 3")
    let run = try #require(
      try await server.probe.value("SELECT sync_id FROM \(server.stateSchema).sync_metadata"))
    let resumed = try await place.cairn("resume", run, "--job", "job.yaml", "--quiet")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(try await server.probe.value("SELECT count(*) FROM shares") != "0")
    #expect(try await server.probe.value("SELECT made FROM totals") == made)
  }

  // MARK: Rejects

  @Test func `rejects come back corrected`() async throws {
    try place.write("id,amount\n1,10\n2,x\n3,30\n", to: "bad.csv")
    try place.write(
      """
      job: payments
      columns:
        - { name: id, type: bigint, required: true }
        - { name: amount, type: bigint }
      errors: { max_rate: 1 }
      sink: { url: "\(url)", table: payments, key: [id] }
      """, to: "job.yaml")
    let loaded = try await place.cairn("load", "bad.csv", "--job", "job.yaml", "--quiet")
    #expect(loaded.exitCode == 0, "\(loaded.standardError)")
    let run = try #require(
      try await server.probe.value("SELECT sync_id FROM \(server.stateSchema).sync_metadata"))
    let listed = try await place.cairn("rejects", run, "--job", "job.yaml", "--format", "csv")
    try place.write(listed.standardOutput.replacing("2,x", with: "2,20"), to: "corrected.csv")
    let replayed = try await place.cairn(
      "rejects", "replay", run, "corrected.csv", "--job", "job.yaml")
    #expect(replayed.exitCode == 0, "\(replayed.standardError)\(listed.standardOutput)")
    #expect(
      try await server.probe.query("SELECT id, amount FROM payments ORDER BY id")
        == [["1", "10"], ["2", "20"], ["3", "30"]])
  }

  /// The second run writes the key otherwise than the first one read it.
  @Test(arguments: [
    ("char(5)", "text", "text", "ab"), ("numeric", "numeric(9,2)", "numeric(9,3)", "1.50"),
    ("numeric(12,4)", "numeric(9,2)", "numeric(9,3)", "1.50"),
    ("bigint", "integer", "bigint", "7"),
    ("timestamptz", "timestamptz", "timestamptz", "2025-01-29T14:30:22+01:00"),
  ])
  func `a corrected row overwrites no newer one, however its key is written`(
    _ column: String, _ first: String, _ second: String, _ key: String
  ) async throws {
    try await server.probe.execute(
      "CREATE TABLE payments (id \(column) PRIMARY KEY, amount bigint)")
    func load(_ name: String, type: String, amount: String) async throws -> ChildOutcome {
      try place.write("id,amount\n\(key),\(amount)\n", to: "\(name).csv")
      try place.write(
        """
        job: \(name)
        columns:
          - { name: id, type: "\(type)", required: true }
          - { name: amount, type: bigint }
        errors: { max_rate: 1 }
        sink: { url: "\(url)", table: payments, key: [id] }
        """, to: "\(name).yaml")
      return try await place.cairn("load", "\(name).csv", "--job", "\(name).yaml", "--quiet")
    }
    let monday = try await load("monday", type: first, amount: "x")
    #expect(monday.exitCode == 0, "\(monday.standardError)")
    let tuesday = try await load("tuesday", type: second, amount: "7")
    #expect(tuesday.exitCode == 0, "\(tuesday.standardError)")
    let run = try #require(
      try await server.probe.value(
        "SELECT sync_id FROM \(server.stateSchema).sync_metadata WHERE job = 'monday'"))
    let listed = try await place.cairn("rejects", run, "--job", "monday.yaml", "--format", "csv")
    #expect(listed.standardOutput.contains("\(key),x"), "\(listed.standardOutput)")
    try place.write(
      listed.standardOutput.replacing("\(key),x", with: "\(key),5"), to: "corrected.csv")
    let replayed = try await place.cairn(
      "rejects", "replay", run, "corrected.csv", "--job", "monday.yaml")
    #expect(replayed.standardOutput.contains("superseded"), "\(replayed.standardOutput)")
    #expect(try await server.probe.query("SELECT amount FROM payments") == [["7"]])
  }

  @Test func `the server's words about a row are in the reject and nowhere else`() async throws {
    try await server.probe.execute(
      """
      CREATE TABLE payments (id bigint PRIMARY KEY,
        amount bigint CONSTRAINT small CHECK (amount < 6))
      """)
    let outcome = try await load("--profile")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try await count() == "343")
    let reasons = try await server.probe.query(
      "SELECT DISTINCT reason FROM \(server.stateSchema).rejects")
    #expect(reasons.count == 1 && reasons[0][0]?.contains("small") == true)
    let shown = outcome.standardOutput + outcome.standardError
    #expect(!shown.contains("Failing row") && !shown.contains("small"))
  }
}
