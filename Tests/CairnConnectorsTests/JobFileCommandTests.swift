import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// What cron does with job files: several at once, those that are due, limits, other tables.
@Suite(.serialized, .timeLimit(.minutes(20))) struct JobFileCommandTests {
  /// Tables of another name are empty, whatever the checkpoint says.
  @Test func anotherPrefixIsReadAnew() async throws {
    let place = JobPlace(workplace: try Workplace(), standin: try await Standin.gitHub())
    try place.writeGitHub()
    let first = try place.reports(try await place.cairn("job", "run", "github.yaml", "--json"))
    let rows = first["github_sync"]?["tables"]["pull_requests"]["inserted"].integer
    #expect(rows ?? 0 > 0)
    try place.writeGitHub(prefix: "b_")
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
    #expect(try await place.gitHubDifferences == [])
  }

  /// From cron, every minute, with most of an hour to the end of the limit.
  @Test func aLimitBeyondTheDeadlineIsNotAskedAboutAgain() async throws {
    let place = JobPlace(workplace: try Workplace(), standin: try await Standin.gitHub())
    try place.writeGitHub()
    try await place.standin.tell(
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
    try await place.standin.tell(
      "settings", #"{"rate_limit": {"limit": 5000, "remaining": 5000, "reset_in": 3000}}"#)
    let resumed = try await place.cairn("job", "resume", "github.yaml", "--deadline", "9m")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(try await place.gitHubDifferences == [])
  }

  @Test func aSignalEndsAWaitAtOnce() async throws {
    let place = JobPlace(workplace: try Workplace(), standin: try await Standin.gitHub())
    try place.writeGitHub()
    try await place.standin.tell(
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
    let place = JobPlace(workplace: try Workplace(), standin: try await Standin.gitHub())
    let jira = try await Standin.jira(projects: 1, issues: 5)
    try place.writeGitHub(every: "1h")
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
    #expect(try await place.gitHubDifferences == [])
    try await Task.sleep(for: .milliseconds(1100))
    let due = try await place.cairn("job", "run", "--due", "--into", "sqlite:target.db", "--json")
    #expect(due.exitCode == 0, "\(due.standardError)")
    #expect(Set(try place.reports(due).keys) == ["jira_sync"])
    #expect(try place.reports(due)["jira_sync"]?["recovery"].string == "normal")
  }
}

extension JobPlace {
  fileprivate func writeGitHub(prefix: String = "", every: String = "1h") throws {
    try write(
      """
      job: github_sync
      type: github
      github:
        url: \(standin.url)
        organizations: [octo]
        token: "${TOKEN}"
      sink: { url: "sqlite:target.db", prefix: "\(prefix)" }
      checkpoint: { records: 5 }
      schedule: { every: \(every) }
      """, to: "github.yaml")
  }

  /// What the jobs' reports say, by the name of the job.
  fileprivate func reports(_ outcome: ChildOutcome) throws -> [String: JSONValue] {
    let all = try JSONValue(parsing: Array(outcome.standardOutput.utf8)).elements
    return Dictionary(
      uniqueKeysWithValues: all.map { ($0["report"]["job"].string ?? "", $0["report"]) })
  }

  /// How many requests GitHub has refused, since the budget was used up.
  fileprivate var refused: Int64 {
    get async throws {
      try await standin.told("counts")["faults"]["rate_limited"].integer ?? 0
    }
  }
}
