import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// What cron does with job files: several at once, those that are due, limits, other tables.
@Suite(.serialized, .timeLimit(.minutes(20))) struct JobFileCommandTests {
  private struct Place {
    let workplace: Workplace
    let gitHub: Standin

    init(_ gitHub: Standin) throws {
      workplace = try Workplace()
      self.gitHub = gitHub
    }

    func write(prefix: String = "", every: String = "1h") throws {
      try workplace.write(
        """
        job: github_sync
        type: github
        github:
          url: \(gitHub.url)
          organizations: [octo]
          token: "${TOKEN}"
        sink: { url: "sqlite:target.db", prefix: "\(prefix)" }
        checkpoint: { records: 5 }
        schedule: { every: \(every) }
        """, to: "github.yaml")
    }

    func command(_ arguments: [String]) -> ChildCommand {
      workplace.command(arguments, environment: ["TOKEN": "test-token"])
    }

    func cairn(_ arguments: String...) async throws -> ChildOutcome {
      try await ChildProcess(command(arguments)).wait()
    }

    /// What the jobs' reports say, by the name of the job.
    func reports(_ outcome: ChildOutcome) throws -> [String: JSONValue] {
      let all = try JSONValue(parsing: Array(outcome.standardOutput.utf8)).elements
      return Dictionary(
        uniqueKeysWithValues: all.map { ($0["report"]["job"].string ?? "", $0["report"]) })
    }

    /// How many requests GitHub has refused, since the budget was used up.
    var refused: Int64 {
      get async throws {
        try await gitHub.told("counts")["faults"]["rate_limited"].integer ?? 0
      }
    }

    var differences: [String] {
      get async throws {
        let options = GitHubOptions(credentials: .anonymous, owners: ["octo"])
        let rows = try await LandedTables.sqlite(
          workplace.file("target.db"), try GitHubSource(options).tables)
        return try await GitHubTruth(gitHub).differences { Array((rows[$0] ?? [:]).values) }
      }
    }
  }

  /// Tables of another name are empty, whatever the checkpoint says.
  @Test func anotherPrefixIsReadAnew() async throws {
    let place = try Place(try await Standin.gitHub())
    try place.write()
    let first = try place.reports(try await place.cairn("job", "run", "github.yaml", "--json"))
    let rows = first["github_sync"]?["tables"]["pull_requests"]["inserted"].integer
    #expect(rows ?? 0 > 0)
    try place.write(prefix: "b_")
    let plan = try await place.cairn("job", "run", "github.yaml", "--plan")
    #expect(plan.standardOutput.contains("fresh_start: the job writes to 'b_"))
    let second = try await place.cairn("job", "run", "github.yaml", "--json")
    #expect(second.exitCode == 0, "\(second.standardError)")
    let report = try #require(try place.reports(second)["github_sync"])
    #expect(report["recovery"].string == "fresh_start")
    #expect(report["tables"]["b_pull_requests"]["inserted"].integer == rows)
    let history = try await place.cairn(
      "job", "history", "--into", "sqlite:target.db", "--kind", "began_anew")
    #expect(history.standardOutput.contains("so that everything is read"))
    #expect(try await place.differences == [])
  }

  /// From cron, every minute, with most of an hour to the end of the limit.
  @Test func aLimitBeyondTheDeadlineIsNotAskedAboutAgain() async throws {
    let place = try Place(try await Standin.gitHub())
    try place.write()
    try await place.gitHub.tell(
      "settings", #"{"rate_limit": {"limit": 5000, "remaining": 6, "reset_in": 3000}}"#)
    let stopped = try await place.cairn("job", "run", "github.yaml", "--deadline", "9m")
    #expect(stopped.exitCode == 75, "\(stopped.standardError)")
    #expect(stopped.standardOutput.contains("waiting for rate limit until"))
    let refused = try await place.refused
    let due = try await place.cairn(
      "job", "run", "--due", "--into", "sqlite:target.db", "--deadline", "9m")
    #expect(due.exitCode == 0)
    #expect(due.standardError.contains("no job is due"))
    // By its name it runs, and believes what it was told: what is left may do for a small request.
    let named = try await place.cairn("job", "run", "github.yaml", "--deadline", "9m")
    #expect(named.exitCode == 75)
    #expect(try await place.refused == refused)
    // Asked at once, the limit turns out to be gone.
    try await place.gitHub.tell(
      "settings", #"{"rate_limit": {"limit": 5000, "remaining": 5000, "reset_in": 3000}}"#)
    let resumed = try await place.cairn("job", "resume", "github.yaml", "--deadline", "9m")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(try await place.differences == [])
  }

  @Test func aSignalEndsAWaitAtOnce() async throws {
    let place = try Place(try await Standin.gitHub())
    try place.write()
    try await place.gitHub.tell(
      "settings", #"{"rate_limit": {"limit": 5000, "remaining": 6, "reset_in": 3000}}"#)
    let child = try ChildProcess(place.command(["job", "run", "github.yaml"]))
    while !child.standardError.contains("waiting for rate limit until") {
      if let end = child.poll() {
        throw Standin.Failure(description: "it ended (\(end)): \(child.standardError)")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    child.signal(SIGTERM)
    let outcome = try await child.wait()
    #expect(outcome.exitCode == 75, "\(outcome.standardError)")
    #expect(outcome.standardError.contains("SIGTERM"))
    // It waits no more, and is due at once.
    let status = try await place.cairn("job", "status", "--into", "sqlite:target.db")
    #expect(status.standardOutput.contains("PENDING  due"), "\(status.standardOutput)")
  }

  @Test func severalRunAtOnceAndThoseThatAreDue() async throws {
    let place = try Place(try await Standin.gitHub())
    let jira = try await Standin.jira(projects: 1, issues: 5)
    try place.write(every: "1h")
    try place.workplace.write(
      """
      job: jira_sync
      type: jira
      jira: { url: \(jira.url), deployment: cloud, email: bot@example.com, token: "${TOKEN}" }
      sink: { url: "sqlite:target.db" }
      schedule: { every: 1s }
      """, to: "jira.yaml")
    let both = try await place.cairn("job", "run", "github.yaml", "jira.yaml", "--json")
    #expect(both.exitCode == 0, "\(both.standardError)")
    #expect(Set(try place.reports(both).keys) == ["github_sync", "jira_sync"])
    #expect(try await place.differences == [])
    try await Task.sleep(for: .milliseconds(1100))
    let due = try await place.cairn("job", "run", "--due", "--into", "sqlite:target.db", "--json")
    #expect(due.exitCode == 0, "\(due.standardError)")
    #expect(Set(try place.reports(due).keys) == ["jira_sync"])
    #expect(try place.reports(due)["jira_sync"]?["recovery"].string == "normal")
  }

  /// Neither the logs nor the process list have a token.
  @Test func aTokenIsInNoLog() async throws {
    let place = try Place(
      try await Standin.gitHub(
        repositories: 1, pullRequests: 4, issues: 2, ["--token", "swordfish-4711"]))
    try place.write()
    try await place.gitHub.tell(
      "settings", #"{"faults": [{"kind": "502", "at": [2]}, {"kind": "cut_body", "at": [3]}]}"#)
    let command = place.workplace.command(
      ["job", "run", "github.yaml", "--logs", "logs", "--metrics-file", "cairn.prom"],
      environment: ["TOKEN": "swordfish-4711"])
    let outcome = try await ChildProcess(command).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(!command.arguments.joined().contains("swordfish"))
    var written = 0
    let root = URL(filePath: place.workplace.path)
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    while let file = files?.nextObject() as? URL {
      guard let data = try? Data(contentsOf: file) else { continue }
      written += 1
      #expect(data.range(of: Data("swordfish".utf8)) == nil, "\(file.lastPathComponent)")
    }
    #expect(written > 4, "job file, target, logs and figures")
    #expect(!(outcome.standardOutput + outcome.standardError).contains("swordfish"))
  }
}
