import AlertPeers
import Cairn
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// The command's alerts, sent to real servers.
@Suite(.timeLimit(.minutes(20))) struct AlertCommandTests {
  private let place: Workplace

  /// Rows of which `bad` have no number; their text must not leave the house.
  init() throws {
    place = try Workplace()
    try write(rows: 20, bad: 5, to: "rows.csv")
    try write(rows: 20, bad: 0, to: "good.csv")
  }

  private func write(rows: Int, bad: Int, to name: String) throws {
    let lines = (1...rows).map { "\($0),\($0 <= bad ? "Jane Doe" : "7")" }
    try place.write("id,amount\n" + lines.joined(separator: "\n") + "\n", to: name)
  }

  private func writeJob(_ alerts: String, errors: String = "max_rows: 2") throws {
    try place.write(
      """
      job: payments
      columns:
        - { name: id, type: integer }
        - { name: amount, type: integer }
      errors: { \(errors) }
      sink: { url: "sqlite:t.db", table: payments, key: [id] }
      retry: { attempts: 1, backoff: 1ms..1ms }
      alerts: \(alerts)
      """, to: "job.yaml")
  }

  private func load(
    _ file: String = "rows.csv", _ more: String..., environment: [String: String?] = [:]
  ) async throws -> ChildOutcome {
    try await ChildProcess(
      place.command(
        ["load", file, "--job", "job.yaml", "--quiet"] + more, environment: environment)
    ).wait()
  }

  private struct Message: Decodable { var text: String }

  private func messages(of peer: AlertPeer) throws -> [String] {
    try peer.requests.filter { $0.method == "POST" }
      .map { try JSONDecoder().decode(Message.self, from: Data($0.body.utf8)).text }
  }

  /// Every byte that the command left behind or wrote.
  private func everything(_ outcomes: ChildOutcome...) throws -> String {
    var text = outcomes.map { $0.standardOutput + $0.standardError }.joined()
    let files = FileManager.default.enumerator(atPath: place.path)?.compactMap { $0 as? String }
    for file in files ?? [] where file != "job.yaml" {
      if let bytes = FileManager.default.contents(atPath: place.file(file)) {
        text += String(decoding: bytes, as: UTF8.self)
      }
    }
    return text
  }

  @Test func `a load that fails tells webhook and mail, and ends with its own code`() async throws {
    let web = try await AlertPeer("http")
    let mail = try await AlertPeer(
      "smtp", "--certificate", place.path, "--starttls", "--login", "mailer:PASSW0RD")
    try FileManager.default.removeItem(atPath: place.file("key.pem"))
    try writeJob(
      """

        email: ops@example.com
        webhook: "\(web.address)/W3BHOOK"
        heartbeat: "\(web.address)/H3ARTBEAT"
        smtp:
          url: "smtp://127.0.0.1:\(mail.port)"
          user: mailer
          from: cairn@example.com
          starttls: required
          ca_file: certificate.pem
      """)
    let outcome = try await load(environment: ["CAIRN_SMTP_PASSWORD": "PASSW0RD"])
    #expect(outcome.exitCode == 65)
    #expect(!outcome.standardError.contains("alert not sent"), "\(outcome.standardError)")
    #expect(web.requests.map(\.path) == ["/W3BHOOK"])
    let text = try #require(try messages(of: web).first)
    #expect(text.hasPrefix("*FAILED: payments on "))
    #expect(text.contains("error: chunk 0: 5 rejected rows where 2 are allowed (data)"))
    #expect(text.contains("target: payments in sqlite:"))
    let known = try await DatabaseQueue(path: place.file("t.db")).read {
      try String.fetchOne($0, sql: "SELECT sync_id FROM cairn_sync_metadata")
    }
    let run = try #require(known)
    #expect(text.contains("run: \(run), attempt 1\n"))
    let command = "cairn resume \(run) --job \(place.path.replacing("//", with: "/"))/job.yaml"
    #expect(text.contains("next: `\(command)`"), "\(text)")
    let sent = try #require(mail.mails.first)
    #expect(mail.mails.count == 1 && sent.isLoggedIn && sent.overTLS)
    #expect(sent.text.contains(command))
    #expect(sent.header("Subject")?.hasPrefix("[cairn] FAILED: payments on ") == true)
    #expect(!text.contains("Jane") && !sent.text.contains("Jane"))

    // Resumed from the run alone: its job file still says whom to tell.
    let again = try await place.cairn(
      "resume", run, "--into", "sqlite:t.db", environment: ["CAIRN_SMTP_PASSWORD": "PASSW0RD"])
    #expect(again.exitCode == 65)
    #expect(try messages(of: web).last?.contains("attempt 2\n") == true)
    #expect(mail.mails.count == 2)

    let left = try everything(outcome, again)
    #expect(left.contains(run))
    for secret in ["W3BHOOK", "H3ARTBEAT", "PASSW0RD"] {
      #expect(!left.contains(secret), "\(secret)")
    }
  }

  @Test func `a webhook that is dead changes nothing but a warning`() async throws {
    let dead = try await AlertPeer.deadPort()
    try writeJob(#"{ webhook: "http://127.0.0.1:\#(dead)/W3BHOOK" }"#)
    let outcome = try await load()
    try writeJob(#"{ webhook: "http://127.0.0.1:\#(dead)/W3BHOOK", on: [partial_success] }"#)
    let other = try await load()
    #expect(outcome.exitCode == 65 && other.exitCode == 65)
    let warnings = outcome.standardError.split(separator: "\n").filter {
      $0.contains("warning")
    }
    #expect(
      warnings == [
        "cairn: warning: alert not sent: webhook: no connection: Connection refused"
      ])
    #expect(!other.standardError.contains("warning"))
    #expect(outcome.standardOutput == other.standardOutput)
  }

  @Test func `a success hits the heartbeat, and so does its repetition`() async throws {
    let web = try await AlertPeer("http")
    try writeJob("{ webhook: \(web.address)/hook, heartbeat: \(web.address)/beat }")
    #expect(try await load("good.csv").exitCode == 0)
    #expect(try await load("good.csv").exitCode == 0)
    #expect(web.requests.map(\.path) == ["/beat", "/beat"])
    #expect(web.requests.map(\.method) == ["GET", "GET"])
  }

  @Test func `of several files, one that fails keeps the heartbeat back`() async throws {
    let web = try await AlertPeer("http")
    try writeJob("{ webhook: \(web.address)/hook, heartbeat: \(web.address)/beat }")
    #expect(try await load("*.csv").exitCode == 65)
    #expect(web.requests.map(\.path) == ["/hook"])
    #expect(try messages(of: web).first?.contains("source: rows.csv") == true)
    try write(rows: 30, bad: 0, to: "rows.csv")
    #expect(try await load("*.csv").exitCode == 0)
    #expect(web.requests.map(\.path) == ["/hook", "/beat"])
  }

  @Test func `a file that fails before its run begins is not taken for the one before`()
    async throws
  {
    let web = try await AlertPeer("http")
    try FileManager.default.removeItem(atPath: place.file("rows.csv"))
    try place.write("", to: "nothing.csv")
    try writeJob("{ webhook: \(web.address)/hook, on: [success, failed] }")
    #expect(try await load("*.csv").exitCode == 1)
    let texts = try messages(of: web)
    #expect(texts.map { $0.hasPrefix("*SUCCESS: ") } == [true, false])
    #expect(texts.first?.contains("source: good.csv\n") == true)
    #expect(texts.last?.contains("source: nothing.csv\n") == true)
    #expect(texts.first?.contains("run: sync_") == true)
    #expect(texts.last?.contains("run: sync_") == false)
  }

  @Test func `a signal ends the sending, not the load's own code`() async throws {
    let dead = try await AlertPeer("http", "--hang")
    try writeJob(#"{ heartbeat: "http://127.0.0.1:\#(dead.port)/beat" }"#)
    let start = ContinuousClock.now
    let process = try ChildProcess(
      place.command(["load", "good.csv", "--job", "job.yaml", "--quiet"]))
    while !process.standardOutput.contains("SUCCESS") {
      try await Task.sleep(for: .milliseconds(5))
    }
    // Until somebody listens for it, a signal ends a process by itself.
    while process.poll() == nil, ContinuousClock.now - start < .seconds(60) {
      try await Task.sleep(for: .milliseconds(300))
      process.signal(SIGTERM)
    }
    #expect(try await process.wait().exitCode == 0)
    #expect(!process.standardError.contains("no answer"))
  }

  @Test func `a partial success is told as one`() async throws {
    let web = try await AlertPeer("http")
    try writeJob(
      "{ webhook: \(web.address)/hook, heartbeat: \(web.address)/beat }",
      errors: "max_rows: 9, on_rejects: partial")
    let outcome = try await load()
    #expect(outcome.exitCode == 2)
    #expect(web.requests.map(\.path) == ["/hook"])
    let text = try #require(try messages(of: web).first)
    #expect(text.hasPrefix("*PARTIAL_SUCCESS: payments on "))
    #expect(text.contains("rows: 20 = 15 inserted + 5 rejected (25.00 %)"))
    #expect(text.contains("next: `cairn rejects sync_"))
  }

  @Test func `an error before the run begins is told with the command to repeat`() async throws {
    let web = try await AlertPeer("http")
    let outcome = try await place.cairn(
      "load", "none.csv", "--into", "sqlite:t.db", "--key=id",
      environment: ["CAIRN_ALERT_WEBHOOK": web.address + "/hook"])
    #expect(outcome.exitCode == 1)
    let text = try #require(try messages(of: web).first)
    #expect(text.contains("error: there is no file 'none.csv'"))
    #expect(text.contains("&amp;&amp; cairn load none.csv --into sqlite:t.db --key=id`"), "\(text)")
  }

  @Test func `a disk that is full is told, as what may work later`() async throws {
    let web = try await AlertPeer("http")
    var numbers = SystemRandomNumberGenerator()
    let rows = (1...30_000).map { "\($0),\(numbers.next())\(numbers.next())" }
    try place.write("id,amount\n" + rows.joined(separator: "\n") + "\n", to: "large.csv")
    var command = place.command(
      [
        "load", "large.csv", "--into", "sqlite:t.db", "--compression", "none", "--chunk-rows",
        "30000", "--quiet",
      ], environment: ["CAIRN_ALERT_WEBHOOK": web.address + "/hook"])
    // No file may grow beyond 512 KB.
    command.arguments =
      ["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\"", command.executable]
      + command.arguments
    command.executable = "/bin/sh"
    let full = try await ChildProcess(command).wait()
    #expect(full.exitCode == 75, "\(full.standardError)")
    let text = try #require(try messages(of: web).first)
    #expect(text.hasPrefix("*FAILED: load_large on "))
    #expect(text.contains(" (transient)\n"))
    // The run had begun, though nothing of it was committed.
    #expect(text.contains("run: sync_"))
    #expect(text.contains("&amp;&amp; cairn resume sync_"), "\(text)")
  }

  @Test func `what is asked to stop, and what only looks, tells nobody`() async throws {
    let web = try await AlertPeer("http")
    try writeJob("{ webhook: \(web.address)/hook, heartbeat: \(web.address)/beat }")
    let stopped = try await load("good.csv", "--deadline", "0")
    #expect(stopped.exitCode == 75, "\(stopped.standardError)")
    let plan = try await place.cairn("resume", "--plan", "--job", "job.yaml")
    #expect(plan.exitCode == 0, "\(plan.standardError)")
    #expect(try await place.cairn("check", "job.yaml", "rows.csv").exitCode == 65)
    #expect(try await place.cairn("status", "--job", "job.yaml").exitCode == 0)
    #expect(web.requests == [])
    // The resume that ends it is a success.
    #expect(try await place.cairn("resume", "--job", "job.yaml").exitCode == 0)
    #expect(web.requests.map(\.path) == ["/beat"])
  }

  @Test func `a run of another process tells nobody`() async throws {
    let web = try await AlertPeer("http")
    try writeJob("{ webhook: \(web.address)/hook }")
    let killed = try await load("good.csv", environment: ["CAIRN_CRASH_AT": "commit-after"])
    #expect(killed.wasKilled, "\(killed)")
    // As if the owner were on another host, where nobody can see whether it lives.
    try await DatabaseQueue(path: place.file("t.db")).write {
      try $0.execute(sql: "UPDATE cairn_leases SET host = 'elsewhere'")
    }
    #expect(try await load("good.csv").exitCode == 69)
    #expect(web.requests == [])
  }

  @Test func `mails without a server are an error of the job`() async throws {
    try writeJob("{ email: ops@example.com }")
    let outcome = try await load("good.csv")
    #expect(outcome.exitCode == 64)
    #expect(outcome.standardError.contains("job.yaml:"))
    #expect(outcome.standardError.contains("CAIRN_SMTP_URL"))
    #expect(!place.exists("t.db"))
  }

  @Test func `init writes no secret of the environment into a job file`() async throws {
    let outcome = try await place.cairn(
      "init", "good.csv", "-o", "-",
      environment: ["CAIRN_ALERT_WEBHOOK": "https://hooks.example.com/W3BHOOK"])
    #expect(outcome.exitCode == 0)
    #expect(!outcome.standardOutput.contains("W3BHOOK"))
  }
}
