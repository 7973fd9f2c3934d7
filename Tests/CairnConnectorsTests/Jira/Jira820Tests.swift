import CairnTesting
import Foundation
import Testing

@testable import Cairn
@testable import CairnConnectors

/// Against `jira820`, somebody else's Data Center: it gives issues in the order of their keys as texts,
/// knows no histories in searches, no offsets of users and no milliseconds in queries.
@Suite(.timeLimit(.minutes(20))) struct Jira820Tests {
  private func start() async throws -> (process: ChildProcess, url: String) {
    let python = try Standin.python()
    // The server takes no free port by itself.
    for _ in 0..<5 {
      let port = Int.random(in: 20_000..<60_000)
      let process = try ChildProcess(
        ChildCommand(
          python, ["-m", "jira820"],
          environment: [
            "JIRA820_PORT": "\(port)", "JIRA820_SEED": "7", "PYTHONDONTWRITEBYTECODE": "1",
          ]))
      let url = "http://127.0.0.1:\(port)"
      for _ in 0..<600 {
        if (try? await ask(url, "/rest/api/2/serverInfo")) != nil { return (process, url) }
        if process.poll() != nil { break }
        try await Task.sleep(for: .milliseconds(50))
      }
    }
    throw Standin.Failure(description: "jira820 does not start; is it in the venv of the tests?")
  }

  private func ask(_ url: String, _ path: String) async throws -> JSONValue {
    let answer = try await NetworkTransport().exchange(
      TransportRequest(method: "GET", url: url + path, headers: [], body: nil),
      timeout: .seconds(120), limit: 1 << 28)
    return try JSONValue(parsing: answer.body)
  }

  @Test func readsAllThatItHas() async throws {
    let (process, url) = try await start()
    defer { process.kill() }
    let source = JiraSource(
      address: try APIAddress(url), credentials: .anonymous,
      options: JiraOptions(keepsJSON: true, sweepsDeletions: true, dates: .quoted))
    #expect(source.api.deployment == .dataCenter)
    let landing = Landing(source)
    landing.limit = 25
    try await landing.run()
    let all = try await ask(url, "/rest/api/2/search?maxResults=100000")["issues"].elements
    #expect(all.count > 100)
    let rows = try #require(landing.tables["jira_issues"])
    #expect(rows.count == all.count)
    var histories = 0
    var worklogs = 0
    for issue in all {
      let id = try #require(issue["id"].string)
      let key = try #require(issue["key"].string)
      let row = try #require(rows[[id]], "\(key)")
      let fields = issue["fields"]
      #expect(row["key"] == key)
      #expect(row["summary"] == fields["summary"].string)
      #expect(row["status"] == fields["status"]["name"].string)
      #expect(row["assignee_id"] == fields["assignee"]["key"].string)
      #expect(row["labels"] == fields["labels"].text)
      #expect(row["customfield_10004"] == fields["customfield_10004"].double.map { "\($0)" })
      #expect(row["updated"] == fields["updated"].string.flatMap { Instant($0) }.map { "\($0)" })
      let whole = try await ask(url, "/rest/api/2/issue/\(key)?expand=changelog")
      for history in whole["changelog"]["histories"].elements {
        for item in history["items"].elements {
          histories += 1
          let landed = landing.tables["jira_changelog"]?[
            [id, try #require(history["id"].string), "0"]]
          #expect(landed?["to_text"] == item["toString"].string)
        }
      }
      worklogs +=
        try await ask(url, "/rest/api/2/issue/\(key)/worklog")["worklogs"].elements.count
    }
    #expect(landing.tables["jira_changelog"]?.count == histories)
    #expect(histories > 10)
    #expect(landing.tables["jira_worklogs"]?.count == worklogs)
    #expect(worklogs > 10)
    // Keys as texts: what is between two of them cannot be told, so nothing is deleted.
    #expect(landing.passedOver.keys.sorted() == ["dev_status JIRA820", "sweep JIRA820"])
  }
}
