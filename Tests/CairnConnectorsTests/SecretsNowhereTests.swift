import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// Tokens and keys are where they were given, and nowhere else: not in what a job prints, logs, counts
/// and stores, whether it is killed, finished or refused, nor in the list of processes.
@Suite(.serialized, .timeLimit(.minutes(20))) struct SecretsNowhereTests {
  /// How a job is told a secret.
  enum Credential: String, Sendable {
    case token, tokenFile, appKey, appKeyFile

    var isApp: Bool { self == .appKey || self == .appKeyFile }
  }

  /// A job that has a secret.
  struct Case: Sendable, CustomTestStringConvertible {
    var type: String
    var credential: Credential
    var isPostgres = false

    var testDescription: String {
      "\(type), \(credential.rawValue), \(isPostgres ? "PostgreSQL" : "SQLite")"
    }
  }

  static let cases = [
    Case(type: "github", credential: .token),
    Case(type: "github", credential: .tokenFile),
    Case(type: "github", credential: .appKey),
    Case(type: "github", credential: .appKeyFile),
    Case(type: "github", credential: .token, isPostgres: true),
    Case(type: "github", credential: .appKeyFile, isPostgres: true),
    Case(type: "jira", credential: .token),
    Case(type: "jira", credential: .tokenFile),
    Case(type: "jira", credential: .token, isPostgres: true),
  ]

  private static let server = Task { try await PostgresServer() }
  private static let token = "swordfish-4711"

  /// A job file, and beside its folder the files that its secrets are in.
  private struct Place {
    let standin: Standin
    let workplace: Workplace
    let safe: Workplace
    let into: String
    let environment: [String: String?]
    /// The lines of the private key, if there is one.
    let key: [String]

    init(_ one: Case) async throws {
      workplace = try Workplace()
      safe = try Workplace()
      let token = ["--token", SecretsNowhereTests.token]
      standin =
        one.type == "github"
        ? try await Standin.gitHub(repositories: 2, pullRequests: 6, issues: 3, token)
        : try await Standin.jira(projects: 1, issues: 12, token)
      try safe.write(SecretsNowhereTests.token + "\n", to: "token")
      var environment = ["TOKEN": SecretsNowhereTests.token]
      var secret =
        one.credential == .tokenFile ? "token_file: \(safe.file("token"))" : "token: \"${TOKEN}\""
      if one.credential.isApp {
        let app = try await standin.told("app")
        let pem = try #require(app["private_key"].string)
        try safe.write(pem, to: "key.pem")
        environment = ["KEY": pem]
        let way =
          one.credential == .appKey
          ? "private_key: \"${KEY}\"" : "private_key_file: \(safe.file("key.pem"))"
        secret =
          "app: { id: \(app["app_id"].integer ?? 0),"
          + " installation: \(app["installation_id"].integer ?? 0), \(way) }"
        key = pem.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("-----") }
      } else {
        key = []
      }
      self.environment = environment
      if one.isPostgres {
        let server = try await SecretsNowhereTests.server.value
        let name = "secrets_" + UUID().uuidString.lowercased().replacing("-", with: "")
        _ = try await server.run(
          "psql", ["-X", "-q", "-d", server.url(), "-c", "create database \(name)"])
        into = server.url(database: name)
      } else {
        into = "sqlite:target.db"
      }
      let section =
        one.type == "github"
        ? "organizations: [octo]" : "deployment: cloud\n  email: bot@example.com"
      try workplace.write(
        """
        job: sync
        type: \(one.type)
        \(one.type):
          url: \(standin.url)
          \(section)
          \(secret)
        sink: { url: "\(into)" }
        checkpoint: { records: 5, recovery: resume }
        raw: true
        """, to: "job.yaml")
    }

    /// What must be nowhere: what was given, and what was sent and made of it.
    func secrets() async throws -> [String] {
      let told = try await standin.told("authorizations")
      let sent = told["seen"].members.compactMap { $0.name.split(separator: " ").last }
      let made = told["given"].elements.compactMap(\.string)
      // A signed token without its signature is worth nothing, and the signature alone is no secret.
      let signed = sent.compactMap { $0.split(separator: ".").last }
      return [SecretsNowhereTests.token] + key + sent.map(String.init) + made
        + signed.map(String.init)
    }

    /// All bytes that are left in the job's folder and in its database.
    func left() async throws -> [(name: String, bytes: Data)] {
      var found: [(name: String, bytes: Data)] = []
      let names = FileManager.default.enumerator(atPath: workplace.path)
      while let name = names?.nextObject() as? String {
        guard let bytes = FileManager.default.contents(atPath: workplace.file(name)) else {
          continue
        }
        found.append((name, bytes))
      }
      if into.hasPrefix("postgres") {
        let dump = try await SecretsNowhereTests.server.value.run("pg_dump", ["-d", into])
        found.append(("the dump", Data(dump.utf8)))
      }
      return found
    }

    /// Runs the command to its end, and looks at it as `ps` does.
    func run(crash: String? = nil) async throws -> (ChildOutcome, shown: String) {
      var environment = environment
      environment["CAIRN_CRASH_AT"] = crash
      let child = try ChildProcess(
        workplace.command(
          ["job", "run", "job.yaml", "--logs", "logs", "--metrics-file", "cairn.prom"],
          environment: environment))
      var shown = ""
      while child.poll() == nil {
        for name in ["cmdline", "comm"] {
          let bytes = FileManager.default.contents(atPath: "/proc/\(child.id)/\(name)") ?? Data()
          shown += String(decoding: bytes, as: UTF8.self).replacing("\0", with: " ") + "\n"
        }
        try await Task.sleep(for: .milliseconds(5))
      }
      return (try await child.wait(), shown)
    }

    func expectNowhere(_ outcome: ChildOutcome, shown: String) async throws {
      let secrets = try await secrets()
      var all = try await left()
      all.append(("what it wrote", Data((outcome.standardOutput + outcome.standardError).utf8)))
      all.append(("the list of processes", Data(shown.utf8)))
      for secret in secrets where secret.count > 8 {
        for (name, bytes) in all {
          #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret) is in \(name)")
        }
      }
    }
  }

  @Test(arguments: cases)
  func aSecretIsNowhere(_ one: Case) async throws {
    let place = try await Place(one)
    try await place.standin.tell(
      "settings",
      #"{"latency": 0.01, "faults": [{"kind": "502", "at": [3]}, {"kind": "cut_body", "at": [5]}]}"#
    )
    let (killed, shown) = try await place.run(crash: "\(FaultPoint.jobAfter.rawValue):4")
    #expect(killed.wasKilled, "\(killed.standardError)")
    #if os(Linux)
      #expect(shown.contains(" job run job.yaml "), "\(shown)")
    #endif
    let names = place.workplace.names()
    #expect(names.contains("logs"))
    // What is not in the database's file yet is looked at, too.
    #expect(one.isPostgres || names.contains("target.db-wal"), "\(names)")
    try await place.expectNowhere(killed, shown: shown)

    let (done, shownThen) = try await place.run()
    #expect(done.exitCode == 0, "\(done.standardError)")
    try await place.expectNowhere(done, shown: shownThen)

    try await place.standin.tell("settings", #"{"faults": [{"kind": "401", "every": 1}]}"#)
    let (refused, shownLast) = try await place.run()
    #expect(refused.exitCode == 1, "\(refused.standardError)")
    #expect(refused.standardError.contains("401"), "\(refused.standardError)")
    try await place.expectNowhere(refused, shown: shownLast)

    // What was looked for was in use, and what was looked at has what the job knows.
    let secrets = try await place.secrets()
    #expect(secrets.count { $0.count > 8 } > (one.credential.isApp ? 20 : 1))
    let told = try await place.standin.told("authorizations")
    #expect(told["given"].elements.isEmpty != one.credential.isApp)
    let left = try await place.left()
    let known = Data((one.type == "github" ? "pull_requests" : "jira_issues").utf8)
    #expect(left.contains { $0.bytes.range(of: known) != nil })
    let logged = left.filter { $0.name.hasPrefix("logs/") }
    #expect(logged.contains { $0.bytes.range(of: Data("401".utf8)) != nil })
    #expect(left.contains { $0.name == "cairn.prom" })
  }
}
