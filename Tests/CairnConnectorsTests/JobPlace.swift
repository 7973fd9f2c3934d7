import CairnTesting
import CommandParts
import Foundation

@testable import CairnConnectors

/// A folder with a job file, and the server it names.
struct JobPlace {
  let workplace: Workplace
  let standin: Standin

  static func gitHub(_ more: String = "") async throws -> JobPlace {
    let standin = try await Standin.gitHub()
    let place = JobPlace(workplace: try Workplace(), standin: standin)
    try place.write(
      """
      job: github_sync
      type: github
      github:
        url: \(standin.url)
        organizations: [octo]
        token: "${TOKEN}"
      sink: { url: "sqlite:target.db" }
      checkpoint: { records: 5 }
      \(more)
      """)
    return place
  }

  static func jira(_ more: String = "", section: String = "") async throws -> JobPlace {
    let standin = try await Standin.jira(projects: 2, issues: 25)
    let place = JobPlace(workplace: try Workplace(), standin: standin)
    try place.write(
      """
      job: jira_sync
      type: jira
      jira:
        url: \(standin.url)
        deployment: cloud
        email: bot@example.com
        token: "${TOKEN}"
        \(section)
      sink: { url: "sqlite:target.db" }
      checkpoint: { records: 10 }
      \(more)
      """)
    return place
  }

  func write(_ yaml: String, to name: String = "job.yaml") throws {
    try workplace.write(yaml, to: name)
  }

  func command(
    _ arguments: [String], token: String? = "test-token", crash: String? = nil
  ) -> ChildCommand {
    workplace.command(arguments, environment: ["TOKEN": token, "CAIRN_CRASH_AT": crash])
  }

  func cairn(
    _ arguments: String..., token: String? = "test-token", crash: String? = nil
  ) async throws -> ChildOutcome {
    try await ChildProcess(command(arguments, token: token, crash: crash)).wait()
  }

  func json(_ outcome: ChildOutcome) throws -> JSONValue {
    try JSONValue(parsing: Array(outcome.standardOutput.utf8))
  }

  var gitHubDifferences: [String] {
    get async throws {
      let options = GitHubOptions(credentials: .anonymous, owners: ["octo"])
      let rows = try await LandedTables.sqlite(
        workplace.file("target.db"), try GitHubSource(options).tables)
      return try await GitHubTruth(standin).differences { Array((rows[$0] ?? [:]).values) }
    }
  }

  var jiraRows: [String: [[String]: Landing.Row]] {
    get async throws {
      try await LandedTables.sqlite(
        workplace.file("target.db"), try standin.source(.cloud).tables)
    }
  }

  var jiraDifferences: [String] {
    get async throws {
      try JiraTruth(try await standin.told("truth?accessible=true"), .cloud)
        .differences(from: try await jiraRows)
    }
  }

  /// Changes the target as its owner may.
  func change(_ sql: String) async throws {
    let script = """
      import sqlite3, sys
      with sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])
      """
    let outcome = try await ChildProcess(
      ChildCommand(try Standin.python(), ["-c", script, workplace.file("target.db"), sql])
    ).wait()
    guard outcome.exitCode == 0 else {
      throw Standin.Failure(description: outcome.standardError)
    }
  }
}
