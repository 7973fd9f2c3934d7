import Cairn
import Testing

@testable import CairnConnectors

/// Answers with an error somewhere in them: what it took away is kept in the target, and told of. And
/// lists that go on without an end.
@Suite struct GitHubPartialAnswersTests {
  private func page(
    _ script: ScriptedTransport, _ phase: String, cursor: String? = nil,
    token: String = #function
  ) async throws -> Page {
    let options = GitHubOptions(credentials: .bearer(Secret(token)), owners: ["o"])
    let source = try GitHubSource(
      options, environment: CursorSourceEnvironment(run: script.environment), transport: script)
    let isOwner = phase == "repository_discovery"
    return try await source.page(
      PageRequest(
        partition: Partition(phase: phase, name: isOwner ? "o" : "o/r"), cursor: cursor,
        since: nil, limit: 50, context: script))
  }

  private func answer(_ repository: String, _ errors: String = "[]") -> ScriptedTransport.Step {
    .answer(
      200, [],
      #"{"data":{"repository":{"id":"R","nameWithOwner":"o/r",\#(repository)}},"errors":\#(errors)}"#
    )
  }

  private static let end = #""pageInfo":{"hasNextPage":false,"endCursor":null}"#
  private static let none = #"{\#(end),"nodes":[]}"#

  private static func more(_ cursor: String) -> String {
    #""pageInfo":{"hasNextPage":true,"endCursor":\#(cursor)}"#
  }

  /// Pull requests, each with some of its parts; the others are empty.
  private func pullRequests(
    _ parts: [[String: String]], _ errors: String = "[]"
  ) -> ScriptedTransport.Step {
    let edges = parts.enumerated().map { position, parts in
      let all = GitHubQuery.Part.allCases.map { part in
        "\"\(part.rawValue)\":\(parts[part.rawValue] ?? Self.none)"
      }
      return #"{"cursor":"c\#(position)","node":{"id":"PR_\#(position)","number":\#(position + 1),"#
        + all.joined(separator: ",") + "}}"
    }
    return answer(
      #""pullRequests":{\#(Self.end),"edges":[\#(edges.joined(separator: ","))]}"#, errors)
  }

  private func claimed(_ page: Page) throws -> [String: [String]] {
    var claimed: [String: [String]] = [:]
    for replaced in page.replacedChildren {
      let column = try #require(replaced.values.columns.first)
      claimed[replaced.table] = (0..<replaced.values.rowCount).compactMap { row in
        column.valueIndex(atRow: row).map { column.values.text(at: $0, type: .text) }
      }
    }
    return claimed
  }

  // MARK: - Errors beside data

  /// A review that may not be read is not a review that is gone: those that the target has stay. The
  /// other parts, and the other pull requests, are replaced.
  @Test func aNestedErrorKeepsWhatThereIs() async throws {
    let script = ScriptedTransport(
      pullRequests(
        [["reviews": #"{\#(Self.end),"nodes":[{"id":"RV_1"},null]}"#], [:]],
        """
        [{"type":"FORBIDDEN","message":"not for you",
        "path":["repository","pullRequests","edges",0,"node","reviews","nodes",1]}]
        """))
    let page = try await page(script, "pr_extraction")
    let claimed = try claimed(page)
    #expect(claimed["reviews"] == ["PR_1"])
    for table in ["commits", "review_comments", "pr_linked_issues"] {
      #expect(claimed[table] == ["PR_0", "PR_1"], "\(table)")
    }
    #expect(page.rows.first { $0.table == "reviews" }?.batch.rowCount == 1)
    #expect(page.notices == ["some of the pull requests of o/r cannot be read: not for you"])
  }

  /// An error of a thread's comments, on the first page or on a further one, is one of the threads.
  @Test(arguments: [false, true])
  func anErrorOfAThreadKeepsItsComments(_ isFurther: Bool) async throws {
    let thread =
      #"{"id":"T","comments":{\#(isFurther ? Self.more("\"x\"") : Self.end),"nodes":\#(isFurther ? "[]" : "null")}}"#
    let threads = ["reviewThreads": #"{\#(Self.end),"nodes":[\#(thread)]}"#]
    let script = ScriptedTransport(
      pullRequests([threads]),
      .answer(
        200, [],
        #"{"data":{"node":null},"errors":[{"type":"FORBIDDEN","message":"no","path":["node"]}]}"#))
    let page = try await page(script, "pr_extraction", token: "thread \(isFurther)")
    #expect(page.records == 1)
    #expect(page.replacedChildren.map(\.table) == ["commits", "reviews", "pr_linked_issues"])
    #expect(page.notices.count == (isFurther ? 1 : 0))
  }

  /// What came with the pull request is kept, though its further pages may not be read.
  @Test func aFurtherPageThatIsForbiddenIsNotTheEnd() async throws {
    let script = ScriptedTransport(
      pullRequests([
        ["commits": #"{\#(Self.more("\"a\"")),"nodes":[{"commit":{"oid":"1"}}]}"#]
      ]),
      .answer(
        200, [],
        #"{"data":{"node":null},"errors":[{"type":"FORBIDDEN","message":"no","path":["node"]}]}"#))
    let page = try await page(script, "pr_extraction")
    #expect(page.records == 1)
    #expect(try claimed(page)["commits"] == nil)
    #expect(try claimed(page)["reviews"] == ["PR_0"])
    #expect(page.notices.count == 1)
  }

  /// A pull request that is deleted meanwhile is left to the sweep.
  @Test func aPullRequestThatIsGoneIsNoRow() async throws {
    let script = ScriptedTransport(
      pullRequests([["commits": #"{\#(Self.more("\"a\"")),"nodes":[]}"#]]),
      .answer(
        200, [],
        #"{"data":{"node":null},"errors":[{"type":"NOT_FOUND","message":"no","path":["node"]}]}"#))
    let page = try await page(script, "pr_extraction")
    #expect(page.records == 0 && page.notices.isEmpty && page.replacedChildren.isEmpty)
  }

  /// One that may not be read is told of, and not more than once for a reason.
  @Test(arguments: [
    ("pr_extraction", "pullRequests", "pull requests"), ("issue_extraction", "issues", "issues"),
  ])
  func whatMayNotBeReadIsTold(_ phase: String, _ list: String, _ words: String) async throws {
    let errors = [0, 1].map {
      #"{"type":"FORBIDDEN","message":"SAML","path":["repository","\#(list)","edges",\#($0),"node"]}"#
    }
    let edges = #"{"cursor":"a","node":null},{"cursor":"b","node":null}"#
    let script = ScriptedTransport(
      answer(
        #""\#(list)":{\#(Self.end),"edges":[\#(edges)]}"#, "[\(errors.joined(separator: ","))]"))
    let page = try await page(script, phase, token: "told \(phase)")
    #expect(page.records == 0)
    #expect(page.notices.count == 1)
    #expect(page.notices.first?.hasPrefix("some of the \(words) of o/r cannot be read") == true)
  }

  // MARK: - Lists without an end

  @Test(arguments: [
    ("pr_extraction", "pullRequests", "edges"), ("issue_extraction", "issues", "edges"),
  ])
  func aListMustMove(_ phase: String, _ list: String, _ member: String) async throws {
    for cursor in ["null", "\"a\""] {
      let script = ScriptedTransport(
        answer(#""\#(list)":{\#(Self.more(cursor)),"\#(member)":[]}"#))
      await expectTransient {
        _ = try await page(script, phase, cursor: "a R", token: "moves \(phase) \(cursor)")
      }
    }
  }

  @Test func theListOfRepositoriesMustMove() async throws {
    for cursor in ["null", "\"a\""] {
      let script = ScriptedTransport(
        .answer(
          200, [],
          #"{"data":{"repositoryOwner":{"repositories":{\#(Self.more(cursor)),"nodes":[]}}}}"#))
      await expectTransient {
        _ = try await page(script, "repository_discovery", cursor: "a", token: "owner \(cursor)")
      }
    }
  }

  @Test func partsMustMove() async throws {
    let commits = #"{\#(Self.more("\"a\"")),"nodes":[]}"#
    let script = ScriptedTransport(
      pullRequests([["commits": commits]]),
      .answer(200, [], #"{"data":{"node":{"id":"PR_0","commits":\#(commits)}}}"#))
    await expectTransient { _ = try await page(script, "pr_extraction") }
  }

  @Test func commentsOfAThreadMustMove() async throws {
    let comments = #"{\#(Self.more("\"a\"")),"nodes":[]}"#
    let script = ScriptedTransport(
      pullRequests([
        ["reviewThreads": #"{\#(Self.end),"nodes":[{"id":"T","comments":\#(comments)}]}"#]
      ]),
      .answer(200, [], #"{"data":{"node":{"id":"T","comments":\#(comments)}}}"#))
    await expectTransient { _ = try await page(script, "pr_extraction") }
  }

  /// Numbers of which GitHub says nothing are kept, but they are no reason to ask for the next hundred.
  @Test func aSweepEndsAfterTheNewest() async throws {
    let numbers = (101...200).map { "\"n\($0)\":null" }.joined(separator: ",")
    let script = ScriptedTransport(
      answer(
        #""pullRequests":{"nodes":[{"number":100}]},"issues":{"nodes":[]},\#(numbers)"#,
        #"[{"type":"FORBIDDEN","message":"no","path":["repository","n101"]}]"#))
    let options = GitHubOptions(credentials: .bearer(Secret(#function)), owners: ["o"])
    let source = try GitHubSource(
      options, environment: CursorSourceEnvironment(run: script.environment), transport: script)
    let page = try await source.page(
      PageRequest(
        partition: Partition(phase: "sweep", name: "o/r"), cursor: "100 R", since: nil, limit: 50,
        context: script))
    #expect(page.next == .finished)
    #expect(page.sweeps.map(\.through) == [nil, nil])
    #expect(page.sweeps.map(\.present) == [Array(101...200), Array(101...200)])
  }

  private func expectTransient(_ body: () async throws -> Void) async {
    await #expect {
      try await body()
    } throws: { error in
      guard case CursorSourceError.transient? = error as? CursorSourceError else { return false }
      return true
    }
  }
}
