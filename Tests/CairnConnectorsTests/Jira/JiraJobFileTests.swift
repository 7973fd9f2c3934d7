import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// The section `jira` of a job file.
@Suite struct JiraJobFileTests {
  private func file(_ section: String, _ more: String = "") throws -> CursorJobFile {
    let indented = section.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    return try CursorJobFile.parse(
      """
      job: j
      type: jira
      jira:
      \(indented)
      sink: { url: "sqlite:j.db" }
      \(more)
      """, path: "jobs/j.yaml", types: [JiraSource.jobType], environment: ["TOKEN": "swordfish"])
  }

  private func source(_ section: String, _ more: String = "") throws -> JiraSource {
    let file = try file(section, more)
    let job = try file.job(
      into: SQLiteSink(path: "unused.db"), options: file.options,
      environment: CursorSourceEnvironment())
    return try #require(job.source as? JiraSource)
  }

  private func problem(_ section: String) -> String {
    do {
      _ = try file(section)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test func whatIsNotSaidIsAsDocumented() throws {
    let source = try source("url: https://example.atlassian.net/")
    #expect(source.options == JiraOptions())
    #expect("\(source.api.client.address)" == "https://example.atlassian.net")
    #expect(source.api.deployment == .cloud)
    #expect(!source.api.isAuthenticated)
    #expect(source.recovery == .restart)
    #expect(
      source.tables.map(\.name) == [
        "jira_projects", "jira_fields", "jira_issues", "jira_changelog", "jira_worklogs",
        "jira_dev_status", "jira_users",
      ])
  }

  @Test func everyKeyIsRead() throws {
    let source = try source(
      """
      url: https://jira.example.com/jira
      email: bot@example.com
      token: ${TOKEN}
      deployment: data_center
      projects: [ABC, DEF]
      jql: labels = "a b"
      issue_fields: ["*all", "-comment"]
      changelog: false
      worklogs: false
      dev_status: all
      users: false
      recovery: resume
      dates: quoted
      """, "raw: true\ndeletions: sweep")
    #expect(
      source.options
        == JiraOptions(
          deployment: .dataCenter, projects: ["ABC", "DEF"], filter: #"labels = "a b""#,
          fields: ["*all", "-comment"], readsChangelog: false, readsWorklogs: false,
          development: .all, readsUsers: false, keepsJSON: true, sweepsDeletions: true,
          recovery: .resume, dates: .quoted))
    #expect(source.api.deployment == .dataCenter)
    #expect(source.api.isAuthenticated)
    #expect(source.recovery == .resume)
    #expect(source.phases == ["project_discovery", "issues", "dev_status", "sweep"])
    #expect(
      source.tables.map(\.name) == [
        "jira_projects", "jira_fields", "jira_issues", "jira_dev_status",
      ])
    #expect(source.tables.allSatisfy { $0.columns.contains { $0.name == "raw" } })
    #expect(!"\(source) \(source.scope)".contains("swordfish"))
    #expect(
      try self.source("url: https://jira.example.com\ndev_status: none").phases == [
        "project_discovery", "issues", "users",
      ])
  }

  /// What the request says of who asks.
  @Test(arguments: [
    ("email: bot@example.com\ntoken: ${TOKEN}", "Basic Ym90QGV4YW1wbGUuY29tOnN3b3JkZmlzaA=="),
    ("token: ${TOKEN}", "Bearer swordfish"), ("token_file: FILE", "Bearer from-a-file"),
    ("users: true", nil as String?),
  ])
  func whoAsks(_ keys: String, _ header: String?) async throws {
    let place = try Workplace()
    try place.write("from-a-file\n", to: "token")
    let path = place.file("token")
    let standin = try await Standin.jira(projects: 1, issues: 1)
    let source = try source(
      "url: \(standin.url)\n" + keys.replacing("FILE", with: path))
    _ = try? await source.page(
      PageRequest(
        partition: source.firstPartitions[0], cursor: nil, since: nil, limit: 10,
        context: TestContext()))
    let seen = try await standin.told("authorizations")["seen"].members.map(\.name)
    #expect(seen == (header.map { [$0] } ?? []))
  }

  @Test(arguments: [
    (
      "url: https://e.atlassian.net\nchangelogs: true",
      "5:3: unknown key 'changelogs' in jira; did you mean 'changelog'?"
    ),
    ("url: https://e.atlassian.net\nprojects: [A B]", "'A B' is not a project's key"),
    ("url: ftp://e.atlassian.net", "4:8: jira.url: 'ftp://e.atlassian.net' is not the address"),
    ("projects: [ABC]", "4:3: jira needs 'url'"),
    ("url: https://e.atlassian.net\nemail: a@b.c", "5:10: jira.email: an e-mail address needs a"),
    ("url: https://e.atlassian.net\nemail: 'a:b'\ntoken: x", "a name with a colon cannot be sent"),
    ("url: https://e.atlassian.net\njql: project = A order  by key", "leave ORDER BY out"),
    ("url: https://e.atlassian.net\ndeployment: server", "5:15: jira.deployment:"),
    ("url: https://e.atlassian.net\ndev_status: true", "5:15: jira.dev_status:"),
    ("url: https://e.atlassian.net\nrecovery: anew", "5:13: jira.recovery:"),
    ("url: https://e.atlassian.net\ndates: local", "5:10: jira.dates:"),
    ("url: https://e.atlassian.net\nusers: perhaps", "5:10: jira.users:"),
    ("url: https://e.atlassian.net\ntoken: ${NOT_SET}", "5:10: jira.token: the environment"),
  ])
  func whatIsWrongIsNamedWithItsLine(_ section: String, _ expected: String) {
    let found = problem(section)
    #expect(found.contains(expected), "\(found)")
    #expect(found.contains("jobs/j.yaml:"))
  }
}
