import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// The command with job files, as people use it, against the stand-ins.
@Suite(.serialized, .timeLimit(.minutes(20))) struct ConnectorCommandTests {
  @Test func aGitHubJobIsKilledAndGoneOnWith() async throws {
    let place = try await JobPlace.gitHub()
    let plan = try await place.cairn("job", "run", "job.yaml", "--plan")
    #expect(plan.exitCode == 0)
    #expect(plan.standardOutput.contains("github_sync  fresh_start: there is no checkpoint"))
    #expect(try await place.standin.told("counts")["requests"].integer == 0)

    let killed = try await place.cairn(
      "job", "run", "job.yaml", crash: "\(FaultPoint.jobAfter.rawValue):4")
    #expect(killed.wasKilled)
    let status = try place.json(
      try await place.cairn("job", "status", "--into", "sqlite:target.db", "--json")
    ).elements.first
    #expect(status?["job_name"].string == "github_sync")
    #expect(status?["job_type"].string == "github")
    #expect(status?["status"].string == "RUNNING")
    #expect(status?["phase"].string == "pr_extraction")
    let next = try await place.cairn("job", "run", "job.yaml", "--plan")
    #expect(next.standardOutput.contains("github_sync  checkpoint_resume:"))
    #expect(next.standardOutput.contains("generation 4 (unfinished)"))

    let resumed = try await place.cairn(
      "job", "resume", "github_sync", "--into", "sqlite:target.db")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(resumed.standardOutput.contains("attempt 2"))
    #expect(resumed.standardOutput.contains("checkpoint_resume"))
    #expect(resumed.standardOutput.contains("target and marks agree"))
    #expect(try await place.gitHubDifferences == [])
    let again = try await place.standin.told("counts")["pages"].members
      .filter { ($0.value.integer ?? 0) > 1 && !$0.name.contains("#") }
    // Four partitions are asked at once by default.
    #expect(again.count <= 4, "\(again.map(\.name))")

    let history = try place.json(
      try await place.cairn("job", "history", "--into", "sqlite:target.db", "--json"))
    let kinds = Set(history.elements.compactMap { $0["kind"].string })
    #expect(kinds.isSuperset(of: ["started", "checkpoint", "crashed", "recovered", "finished"]))
    let metrics = try place.json(
      try await place.cairn("job", "metrics", "--into", "sqlite:target.db", "--json")
    ).elements.first?["metrics"]
    #expect(metrics?["recovery_success_rate"].double == 1)
    #expect(metrics?["data_consistency_rate"].double == 1)
    #expect(try await place.cairn("health", "job.yaml").exitCode == 0)
    // All is done: what changed since is read.
    let later = try await place.cairn("job", "run", "job.yaml", "--json")
    #expect(later.exitCode == 0)
    let report = try place.json(later).elements.first?["report"]
    #expect(report?["recovery"].string == "normal")
    #expect(try await place.gitHubDifferences == [])
  }

  /// What people read who gave a wrong token, none, or the name of nobody.
  @Test func aGitHubJobSaysWhatIsWrong() async throws {
    let place = try await JobPlace.gitHub()
    let wrong = try await place.cairn("job", "run", "job.yaml", token: "ghp_swordfish")
    #expect(wrong.exitCode == 1)
    #expect(wrong.standardError.contains("401: Bad credentials"))
    #expect(wrong.standardError.contains("A token needs the scope 'repo'"))
    #expect(wrong.standardError.contains("Then go on with: cairn job resume job.yaml"))
    #expect(!(wrong.standardError + wrong.standardOutput).contains("swordfish"))
    let status = try await place.cairn("job", "status", "--into", "sqlite:target.db")
    #expect(status.standardOutput.contains("FAILED"))
    #expect(status.standardOutput.contains("Bad credentials"))
    let unset = try await place.cairn("job", "run", "job.yaml", token: nil)
    #expect(unset.exitCode == 64)
    #expect(unset.standardError.contains("job.yaml:6:10: github.token: the environment variable"))
    // The right one, at once.
    let right = try await place.cairn("job", "resume", "job.yaml")
    #expect(right.exitCode == 0, "\(right.standardError)")
    #expect(try await place.gitHubDifferences == [])
  }

  @Test func aForbiddenRepositoryMakesTheExitCodeTwo() async throws {
    let place = try await JobPlace.gitHub()
    try await place.standin.tell(
      "do", #"{"action": "forbid", "repository": "octo/repo-0001", "after": 2}"#)
    let outcome = try await place.cairn("job", "run", "job.yaml")
    #expect(outcome.exitCode == 2, "\(outcome.standardError)")
    #expect(outcome.standardOutput.contains("octo/repo-0001"))
    #expect(outcome.standardOutput.contains("single sign-on"))
  }

  @Test func aServerThatIsAwayIsNamed() async throws {
    let place = try await JobPlace.gitHub()
    try place.write(
      """
      job: away
      type: github
      github: { url: "http://127.0.0.1:1", organizations: [octo], token: x }
      sink: { url: "sqlite:target.db" }
      retry: { attempts: 2, backoff: 10ms..20ms }
      """)
    let outcome = try await place.cairn("job", "run", "job.yaml")
    #expect(outcome.exitCode == 75)
    #expect(
      outcome.standardError.contains("no connection to http://127.0.0.1:1: Connection refused"),
      "\(outcome.standardError)")
    #expect(outcome.standardError.contains("cairn job resume job.yaml"))
  }

  @Test(arguments: ["restart", "resume"])
  func aJiraJobIsKilledAndGoneOnWith(_ recovery: String) async throws {
    let place = try await JobPlace.jira(section: "recovery: \(recovery)")
    let plan = try await place.cairn("job", "run", "job.yaml", "--plan")
    #expect(plan.standardOutput.contains("jira_sync  fresh_start: there is no checkpoint"))
    let killed = try await place.cairn(
      "job", "run", "job.yaml", crash: "\(FaultPoint.jobAfter.rawValue):4")
    #expect(killed.wasKilled)
    let status = try await place.cairn("job", "status", "--into", "sqlite:target.db")
    #expect(status.standardOutput.contains("jira_sync  jira  RUNNING"), "\(status.standardOutput)")
    #expect(status.standardOutput.contains("progress   issues"), "\(status.standardOutput)")
    let resumed = try await place.cairn("job", "resume", "job.yaml", "--json")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    let report = try place.json(resumed).elements.first?["report"]
    #expect(report?["attempt"].integer == (recovery == "resume" ? 2 : 1))
    #expect(try await place.jiraDifferences == [])
    let history = try place.json(
      try await place.cairn("job", "history", "--into", "sqlite:target.db", "--json"))
    #expect(history.elements.contains { $0["kind"].string == "crashed" })
    let metrics = try await place.cairn("job", "metrics", "--into", "sqlite:target.db")
    #expect(metrics.standardOutput.contains("checkpoint_frequency"))
    #expect(try await place.cairn("health", "job.yaml").exitCode == 0)
  }

  @Test func aJiraJobSaysThatItsTokenIsWrong() async throws {
    let place = try await JobPlace.jira()
    let wrong = try await place.cairn("job", "run", "job.yaml", token: "swordfish")
    #expect(wrong.exitCode == 1)
    #expect(wrong.standardError.contains("Jira does not accept the credentials"))
    #expect(wrong.standardError.contains("Check e-mail address and API token"))
    #expect(!(wrong.standardError + wrong.standardOutput).contains("swordfish"))
    #expect(try await place.cairn("job", "resume", "job.yaml").exitCode == 0)
    #expect(try await place.jiraDifferences == [])
  }

  // MARK: Custom fields

  private static let custom = "customfield_10016"

  @Test func customFieldsThatAreIgnoredLeaveTheTableAsItIs() async throws {
    let place = try await JobPlace.jira("fields: ignore")
    #expect(try await place.cairn("job", "run", "job.yaml").exitCode == 0)
    let rows = try #require(try await place.jiraRows["jira_issues"])
    #expect(rows.count > 10)
    #expect(!rows.values.contains { $0.keys.contains { $0.hasPrefix("customfield_") } })
  }

  /// A column that is there already is filled, whoever added it.
  @Test func aCustomFieldThatIsIgnoredFillsTheColumnThatThereIs() async throws {
    let place = try await JobPlace.jira("fields: evolve")
    #expect(try await place.cairn("job", "run", "job.yaml").exitCode == 0)
    let all = try #require(try await place.jiraRows["jira_issues"])
    let filled = all.values.count { $0[Self.custom] != nil }
    #expect(filled > 0)
    for column in all.values.reduce(into: Set<String>(), { $0.formUnion($1.keys) })
    where column.hasPrefix("customfield_") && column != Self.custom {
      try await place.change("ALTER TABLE jira_issues DROP COLUMN \(column)")
    }
    try await place.change("UPDATE jira_issues SET \(Self.custom) = NULL")
    let yaml = String(decoding: try place.workplace.read("job.yaml"), as: UTF8.self)
    try place.write(yaml.replacing("fields: evolve", with: "fields: ignore"))
    #expect(
      try await place.cairn("job", "reset", "jira_sync", "--into", "sqlite:target.db").exitCode == 0
    )
    let outcome = try await place.cairn("job", "run", "job.yaml")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let rows = try #require(try await place.jiraRows["jira_issues"])
    #expect(rows.values.count { $0[Self.custom] != nil } == filled)
    let columns = rows.values.reduce(into: Set<String>()) { $0.formUnion($1.keys) }
    #expect(columns.filter { $0.hasPrefix("customfield_") } == [Self.custom])
  }

  @Test func aFrozenTableRefusesACustomField() async throws {
    let place = try await JobPlace.jira("fields: freeze")
    let refused = try await place.cairn("job", "run", "job.yaml")
    #expect(refused.exitCode == 65)
    #expect(
      refused.standardError.contains(
        "table 'jira_issues' has no column for the field 'customfield_"),
      "\(refused.standardError)")
    #expect(refused.standardError.contains("set fields: evolve or ignore"))
    #expect(try await place.jiraRows["jira_issues"]?.isEmpty ?? true)
    // Once the columns are there it goes on, and stays frozen.
    let yaml = String(decoding: try place.workplace.read("job.yaml"), as: UTF8.self)
    try place.write(yaml.replacing("fields: freeze", with: "fields: evolve"))
    #expect(try await place.cairn("job", "resume", "job.yaml").exitCode == 0)
    try place.write(yaml)
    #expect(
      try await place.cairn("job", "reset", "jira_sync", "--into", "sqlite:target.db").exitCode == 0
    )
    let frozen = try await place.cairn("job", "run", "job.yaml")
    #expect(frozen.exitCode == 0, "\(frozen.standardError)")
    #expect(try await place.jiraDifferences == [])
  }
}
