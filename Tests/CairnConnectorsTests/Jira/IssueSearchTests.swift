import Cairn
import Testing

@testable import CairnConnectors

/// The search against answers that the stand-in does not give.
@Suite struct IssueSearchTests {
  private func search(
    _ script: ScriptedTransport, _ deployment: JiraDeployment, token: String = #function,
    since: String? = nil
  ) throws -> IssueSearch {
    IssueSearch(
      api: JiraAPI(
        client: try script.client("https://jira.example.com", token: token),
        deployment: deployment, isAuthenticated: true),
      project: "P", filter: nil, since: since, fields: ["key"], withChangelog: false,
      sizes: PageSizes())
  }

  private func issues(_ numbers: [Int], _ more: String) -> String {
    let list = numbers.map { "{\"id\":\"\(10_000 + $0)\",\"key\":\"P-\($0)\"}" }
    return "{\"issues\":[\(list.joined(separator: ","))],\(more)}"
  }

  private func cursor(_ numbers: [Int], offset: Int) throws -> IssueCursor {
    try #require(
      IssueCursor(
        after: numbers.map { .init(key: "P-\($0)", id: Int64(10_000 + $0)) }, previous: nil,
        offset: offset))
  }

  private func found(_ outcome: IssueSearch.Outcome) throws -> IssueSearch.Found {
    guard case .found(let found) = outcome else {
      throw Standin.Failure(description: "\(outcome)")
    }
    return found
  }

  private func bodies(_ script: ScriptedTransport) -> [String] {
    script.requests.map { String(decoding: $0.body ?? [], as: UTF8.self) }
  }

  /// Cloud finds nothing after a key that is gone. That is not the end: the issue before it is tried.
  @Test func nothingAfterAKeyThatIsGoneIsNotTheEnd() async throws {
    let script = ScriptedTransport(
      .answer(200, [], #"{"issues":[],"isLast":true}"#),
      .answer(200, [], issues([9, 11, 12], #""isLast":true"#)))
    let found = try found(
      try await search(script, .cloud).after(
        try cursor([9, 10], offset: 10), limit: 10, context: script))
    #expect(found.issues.map { $0["key"].string } == ["P-11", "P-12"])
    #expect(found.anchor?.key == "P-9")
    #expect(found.isLast)
    #expect(bodies(script)[0].contains(#"key >= \"P-10\""#))
    #expect(bodies(script)[1].contains(#"key >= \"P-9\""#))
  }

  @Test func aKeyThatIsRefusedIsNotTheEnd() async throws {
    let script = ScriptedTransport(
      .answer(400, [], #"{"errorMessages":["An issue with key 'P-10' does not exist"]}"#),
      .answer(200, [], issues([12], #""isLast":true"#)),
      .answer(400, [], "{}"))
    await #expect {
      _ = try await search(script, .cloud).after(
        try cursor([8, 9, 10], offset: 10), limit: 10, context: script)
    } throws: { error in
      guard case CursorSourceError.cursorRefused(let message)? = error as? CursorSourceError
      else { return false }
      return message.contains("P-10") && message.contains("P-9")
    }
  }

  /// Jira may give fewer than it was asked for, and none at all, though more follow.
  @Test func anEmptyPageIsFollowed() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([10], #""nextPageToken":"a","isLast":false"#)),
      .answer(200, [], issues([], #""nextPageToken":"b","isLast":false"#)),
      .answer(200, [], issues([11], #""nextPageToken":"c","isLast":false"#)))
    let found = try found(
      try await search(script, .cloud).after(
        try cursor([10], offset: 10), limit: 10, context: script))
    #expect(found.issues.map { $0["key"].string } == ["P-11"])
    #expect(!found.isLast)
    #expect(found.offset == 11)
    #expect(bodies(script).map { $0.contains("nextPageToken") } == [false, true, true])
  }

  @Test func theSamePageAgainAndAgainIsAnError() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([], #""nextPageToken":"a""#)),
      .answer(200, [], issues([], #""nextPageToken":"a""#)))
    await #expect(throws: CursorSourceError.self) {
      _ = try await search(script, .cloud).after(nil, limit: 10, context: script)
    }
  }

  @Test func asksForFewerAfterAnOverload() async throws {
    let script = ScriptedTransport(
      .failure(.timeout(.seconds(1))), .answer(502, [], "{}"),
      .answer(200, [], issues([1], #""isLast":true"#)))
    _ = try await search(script, .cloud).after(nil, limit: 100, context: script)
    #expect(
      bodies(script).map { body in
        try? JSONValue(parsing: Array(body.utf8))["maxResults"].integer
      } == [100, 33, 11])
  }

  /// What was too much once is not asked for again with the next page; it grows back with good ones.
  @Test(arguments: JiraDeployment.allCases)
  func asksForFewerAfterwardsToo(_ deployment: JiraDeployment) async throws {
    let pages = (1...9).map { number in
      ScriptedTransport.Step.answer(
        200, [],
        issues([number, number + 1], #""isLast":false,"nextPageToken":"t","total":100"#))
    }
    let script = ScriptedTransport([.answer(504, [], "{}")] + pages)
    let search = try search(script, deployment, token: "afterwards \(deployment)")
    var wanted: [Int] = []
    for number in 1...9 {
      let cursor = number == 1 ? nil : try cursor([number], offset: number)
      _ = try found(try await search.after(cursor, limit: 90, context: script))
    }
    for request in script.requests {
      if let body = request.body {
        wanted.append(Int(try JSONValue(parsing: body)["maxResults"].integer ?? 0))
      } else {
        let part = request.url.split(separator: "&").first { $0.hasPrefix("maxResults=") } ?? ""
        wanted.append(Int(part.dropFirst("maxResults=".count)) ?? 0)
      }
    }
    // From the second page on one more is asked for: the issue that is known.
    #expect(wanted == [90, 30, 31, 31, 31, 46, 46, 46, 46, 68])
  }

  /// Issues before the place are gone: the rows there are others, and the known one is further up.
  @Test func anOffsetThatMovedIsFound() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([13, 14], #""startAt":9,"total":12"#)),
      .answer(200, [], issues([8, 9, 10, 11], #""startAt":5,"total":12"#)))
    let found = try found(
      try await search(script, .dataCenter).after(
        try cursor([9, 10], offset: 10), limit: 4, context: script))
    #expect(found.issues.map { $0["key"].string } == ["P-11"])
    #expect(found.offset == 9)
    #expect(!found.isLast)
    #expect(script.requests[0].url.contains("startAt=9&maxResults=5"))
    #expect(script.requests[1].url.contains("startAt=5"))
  }

  @Test func withoutAnyKnownIssueItBeginsAnew() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([13], #""total":5"#)),
      .answer(200, [], issues([1, 2], #""total":5"#)))
    let found = try found(
      try await search(script, .dataCenter).after(
        try cursor([9, 10], offset: 4), limit: 4, context: script))
    #expect(found.issues.count == 2)
    #expect(found.anchor == nil)
    #expect(found.offset == 2)
  }

  /// A server that does not say how many there are is read until nothing comes.
  @Test func aMissingTotalIsNotTheEnd() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([1], #""startAt":0"#)), .answer(200, [], issues([], #""startAt":0"#)))
    let search = try search(script, .dataCenter)
    #expect(try found(try await search.after(nil, limit: 4, context: script)).isLast == false)
    #expect(try found(try await search.after(nil, limit: 4, context: script)).isLast)
  }

  /// Its end comes after the last issue too, and not never.
  @Test func aMissingTotalHasAnEnd() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([10], #""startAt":9"#)),
      .answer(200, [], issues([], #""startAt":10"#)))
    let found = try found(
      try await search(script, .dataCenter).after(
        try cursor([9, 10], offset: 10), limit: 4, context: script))
    #expect(found.issues.isEmpty && found.isLast)
    #expect(found.anchor?.key == "P-10")
  }

  /// A server that does not know offsets, and does not say how many there are.
  @Test func theSameIssuesAgainAndAgainAreAnError() async throws {
    let script = ScriptedTransport(
      .answer(200, [], issues([9, 10], "\"a\":0")), .answer(200, [], issues([9, 10], "\"a\":0")))
    await #expect(throws: CursorSourceError.self) {
      _ = try await search(script, .dataCenter).after(
        try cursor([9, 10], offset: 10), limit: 4, context: script)
    }
  }

  @Test(arguments: JiraDeployment.allCases)
  func aProjectThatIsGoneIsRefused(_ deployment: JiraDeployment) async throws {
    let script = ScriptedTransport(
      .answer(400, [], #"{"errorMessages":["The value 'P' does not exist"],"errors":{}}"#))
    let outcome = try await search(script, deployment, token: "gone \(deployment)").after(
      nil, limit: 4, context: script)
    guard case .refused(let message) = outcome else { return #expect(Bool(false)) }
    #expect(message.contains("The value 'P' does not exist"))
  }

  @Test func aLongQueryIsPosted() async throws {
    let script = ScriptedTransport(.answer(200, [], issues([], #""total":0"#)))
    _ = try await search(
      script, .dataCenter, since: String(repeating: "x", count: 2000)
    ).after(nil, limit: 4, context: script)
    #expect(script.requests[0].method == "POST")
    #expect(bodies(script)[0].contains(#""startAt":0,"maxResults":4"#))
  }
}
