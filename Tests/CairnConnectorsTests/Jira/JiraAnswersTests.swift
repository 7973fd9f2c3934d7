import Cairn
import Testing

@testable import CairnConnectors

/// The source against answers that the stand-in does not give: successes that tell less than they seem
/// to, and lists without an end.
@Suite struct JiraAnswersTests {
  private func source(
    _ script: ScriptedTransport, _ deployment: JiraDeployment, token: String = #function,
    isAuthenticated: Bool = true
  ) throws -> JiraSource {
    JiraSource(
      client: try script.client("https://jira.example.com", token: "\(token) \(deployment)"),
      isAuthenticated: isAuthenticated, options: JiraOptions(deployment: deployment))
  }

  private func page(
    _ source: JiraSource, _ phase: String, _ script: ScriptedTransport, cursor: String? = nil,
    limit: Int = 50
  ) async throws -> Page {
    try await source.page(
      PageRequest(
        partition: Partition(phase: phase, name: "P"), cursor: cursor, since: nil, limit: limit,
        context: script))
  }

  private func expectTransient(
    _ source: JiraSource, _ phase: String, _ script: ScriptedTransport, _ word: String
  ) async {
    await #expect {
      _ = try await page(source, phase, script)
    } throws: { error in
      guard case CursorSourceError.transient(let message)? = error as? CursorSourceError
      else { return false }
      return message.contains(word)
    }
  }

  private static let issue =
    #"{"id":"10001","key":"P-1","fields":{"updated":"2025-01-16T10:00:00.000+0000","#
    + #""worklog":{"total":3,"worklogs":[]}},"changelog":{"total":0,"histories":[]}}"#

  // MARK: - Successes without what they should have

  @Test(arguments: JiraDeployment.allCases, ["project_discovery", "users", "sweep"])
  func aSuccessWithoutItsListIsNoEmptyList(
    _ deployment: JiraDeployment, _ phase: String
  ) async throws {
    let before: [ScriptedTransport.Step] =
      switch phase {
      // Who asks, and the fields.
      case "project_discovery": [.answer(200, [], "{}"), .answer(200, [], "[]")]
      case "sweep": [.answer(200, [], #"{"id":"10000"}"#)]
      default: deployment == .dataCenter ? [.answer(404, [], "{}")] : []
      }
    let script = ScriptedTransport(before + [.answer(200, [], #"{"message":"try again"}"#)])
    await expectTransient(
      try source(script, deployment, token: "list \(phase)"), phase, script, "list")
  }

  @Test func fieldsThatAreNoListAreAskedForAgain() async throws {
    let script = ScriptedTransport(
      .answer(200, [], "{}"), .answer(200, [], #"{"errorMessages":[]}"#))
    await expectTransient(try source(script, .cloud), "project_discovery", script, "fields")
  }

  /// Worklogs that the table has would count as deleted.
  @Test(arguments: JiraDeployment.allCases)
  func worklogsThatAreNotToldAreNotGone(_ deployment: JiraDeployment) async throws {
    let script = ScriptedTransport(
      .answer(200, [], #"{"issues":[\#(Self.issue)],"isLast":true,"total":1}"#),
      .answer(200, [], "[]"), .answer(200, [], #"{"startAt":0}"#))
    await expectTransient(try source(script, deployment), "issues", script, "worklogs")
  }

  /// A server that does not know offsets, and does not tell how many there are.
  @Test(arguments: JiraDeployment.allCases)
  func theSameWorklogsAgainAndAgainAreAnError(_ deployment: JiraDeployment) async throws {
    let worklogs = #"{"worklogs":[{"id":"1"},{"id":"2"}]}"#
    let script = ScriptedTransport(
      .answer(200, [], #"{"issues":[\#(Self.issue)],"isLast":true,"total":1}"#),
      .answer(200, [], "[]"), .answer(200, [], worklogs), .answer(200, [], worklogs))
    await expectTransient(try source(script, deployment), "issues", script, "again and again")
  }

  // MARK: - Development status

  private func development(_ summary: String, _ details: String...) async throws -> Page {
    let script = ScriptedTransport(
      [
        .answer(200, [], #"{"issues":[{"id":"10001","key":"P-1"}],"isLast":true}"#),
        .answer(200, [], summary),
      ] + details.map { .answer(200, [], $0) })
    return try await page(
      try source(script, .cloud, token: summary + details.joined()), "dev_status", script)
  }

  private static let summary =
    #"{"errors":[],"summary":{"branch":{"overall":{"count":1},"byInstanceType":{"GitHub":{}}}}}"#
  private static let detail =
    #"{"errors":[],"detail":[{"branches":[{"name":"main","url":"https://x/main"}]}]}"#

  @Test func allOfAnIssueReplacesWhatThereIs() async throws {
    let page = try await development(Self.summary, Self.detail)
    #expect(page.notices == [])
    #expect(page.replacedChildren.map(\.values.rowCount) == [1])
    #expect(page.rows.map(\.batch.rowCount) == [1])
  }

  /// What is missing because of an error is not gone: what the table has of it stays.
  @Test(arguments: [
    (#"{"errors":[{"error":"GitHub is away"}],"summary":{}}"#, [], "GitHub is away"),
    (#"{"errors":[],"configErrors":[{"message":"Sign in"}],"summary":{}}"#, [], "Sign in"),
    ("{}", [], "summary"), (summary, [#"{"errors":["no answer"],"detail":[]}"#], "no answer"),
    (summary, [#"{"errors":[]}"#], "detail"),
  ])
  func anErrorBesideIsNotTheEndOfRows(
    _ summary: String, _ details: [String], _ word: String
  ) async throws {
    let page =
      details.isEmpty
      ? try await development(summary) : try await development(summary, details[0])
    #expect(page.replacedChildren.isEmpty)
    #expect(page.notices.count == 1)
    #expect(page.notices.first?.contains(word) == true && page.notices[0].contains("P-1"))
    #expect(page.records == 1)
    #expect(page.next == .finished)
  }

  // MARK: - Users

  private func users(_ names: String...) -> String {
    names.map { #"{"accountId":"\#($0)","key":"\#($0)"}"# }.joined(separator: ",")
  }

  /// A thousand are given at once, however many are asked for, and perhaps fewer: none is passed over.
  @Test func usersFollowOnWhatCame() async throws {
    let script = ScriptedTransport(
      .answer(200, [], "[" + users("a", "b") + "]"), .answer(200, [], "[" + users("c") + "]"),
      .answer(200, [], "[]"))
    let source = try source(script, .cloud)
    var cursor: String?
    for _ in 0..<2 {
      let page = try await page(source, "users", script, cursor: cursor, limit: 5000)
      guard case .after(let next) = page.next else { return #expect(Bool(false)) }
      cursor = next
    }
    #expect(try await page(source, "users", script, cursor: cursor, limit: 5000).next == .finished)
    #expect(
      script.requests.map { $0.url.split(separator: "?").last.map(String.init) } == [
        "startAt=0&maxResults=1000", "startAt=2&maxResults=1000", "startAt=3&maxResults=1000",
      ])
  }

  /// Jira 10 ends a search for users with the hundredth; it has a list of all.
  @Test func dataCenterListsItsUsers() async throws {
    let script = ScriptedTransport(
      .answer(200, [], #"{"values":[\#(users("a", "b"))],"nextCursor":"7","isLast":false}"#),
      .answer(200, [], #"{"values":[\#(users("c"))],"isLast":true}"#))
    let source = try source(script, .dataCenter)
    let first = try await page(source, "users", script, limit: 2)
    guard case .after(let cursor) = first.next else { return #expect(Bool(false)) }
    let second = try await page(source, "users", script, cursor: cursor, limit: 2)
    #expect(first.records == 2 && second.records == 1 && second.next == .finished)
    #expect(
      script.requests.map(\.url) == [
        "https://jira.example.com/rest/api/2/user/list?maxResults=2",
        "https://jira.example.com/rest/api/2/user/list?maxResults=2&cursor=7",
      ])
  }

  @Test func aListOfUsersThatDoesNotMoveIsAnError() async throws {
    let script = ScriptedTransport(
      .answer(200, [], #"{"values":[\#(users("a"))],"nextCursor":"7"}"#))
    await #expect(throws: CursorSourceError.self) {
      _ = try await page(
        try source(script, .dataCenter), "users", script,
        cursor: ListCursor(offset: 0, next: "7").text)
    }
  }

  /// Where there is no such list they are searched for, and a search that ends with the hundredth is told
  /// of.
  @Test func dataCenterSearchesWhereThereIsNoList() async throws {
    let script = ScriptedTransport(
      .answer(404, [], "{}"), .answer(200, [], "[" + users("a") + "]"), .answer(200, [], "[]"))
    let source = try source(script, .dataCenter)
    let first = try await page(source, "users", script)
    #expect(first.next == .after(ListCursor(offset: 1, first: "a").text))
    let end = try await page(
      source, "users", script, cursor: ListCursor(offset: 100, first: "a").text)
    #expect(end.next == .finished)
    #expect(end.notices.first?.contains("100 users") == true)
  }

  // MARK: - Fields

  /// A field that Jira does not tell of is asked for once, not with every project.
  @Test func anUnknownFieldIsAskedForOnce() async throws {
    let fields = #"[{"id":"customfield_2","schema":{"type":"number"}}]"#
    let script = ScriptedTransport(.answer(200, [], fields), .answer(200, [], fields))
    let catalog = FieldCatalog(
      api: JiraAPI(
        client: try script.client("https://jira.example.com", token: #function),
        deployment: .cloud, isAuthenticated: true))
    _ = try await catalog.customFields(named: ["customfield_1"], script)
    _ = try await catalog.list(script)
    let found = try await catalog.customFields(named: ["customfield_1", "customfield_2"], script)
    #expect(script.requests.count == 2)
    #expect(found["customfield_2"]?.type == .double)
    #expect(found["customfield_1"]?.type == .json)
  }
}
