import Cairn
import Testing

@testable import CairnConnectors

/// Answers that are not whole, as GitHub gives them with errors beside them: what is not told is not taken
/// for what is not there.
@Suite struct GitHubAnswersTests {
  private func page(
    _ script: ScriptedTransport, _ phase: String, token: String = #function
  ) async throws -> Page {
    var options = GitHubOptions(credentials: .bearer(Secret(token)), owners: ["o"])
    options.sweepsDeletions = true
    let source = try GitHubSource(
      options, environment: CursorSourceEnvironment(run: script.environment), transport: script)
    let isOwner = phase == "repository_discovery"
    return try await source.page(
      PageRequest(
        partition: Partition(phase: phase, name: isOwner ? "o" : "o/r"), cursor: nil, since: nil,
        limit: 50, context: script))
  }

  private func answer(_ repository: String, _ errors: String = "[]") -> ScriptedTransport.Step {
    .answer(
      200, [],
      #"{"data":{"repository":{"id":"R","nameWithOwner":"o/r",\#(repository)}},"errors":\#(errors)}"#
    )
  }

  private static let end = #""pageInfo":{"hasNextPage":false,"endCursor":null}"#

  /// Such a page would end its repository without a record, and the run would be done.
  @Test(arguments: [
    ("issue_extraction", "issues"), ("pr_extraction", "pullRequests"),
  ])
  func aListThatIsNotToldIsNotEmpty(_ phase: String, _ list: String) async throws {
    let script = ScriptedTransport(
      answer(
        #""\#(list)":{\#(Self.end),"edges":null}"#,
        #"[{"type":"FORBIDDEN","path":["repository","\#(list)","edges"],"message":"not for you"}]"#)
    )
    await #expect {
      _ = try await page(script, phase, token: "list \(phase)")
    } throws: { error in
      guard case CursorSourceError.transient(let message)? = error as? CursorSourceError
      else { return false }
      return message.contains("of o/r: not for you")
    }
  }

  /// GraphQL makes null of the repository when a part of it that must be there cannot be read.
  @Test func theReasonIsToldWhereItIsFurtherDown() async throws {
    let script = ScriptedTransport(
      .answer(
        200, [],
        """
        {"data":{"repository":null},"errors":[{"type":"FORBIDDEN","path":["repository","issues"],
        "message":"Resource not accessible by personal access token"}]}
        """))
    let page = try await page(script, "issue_extraction")
    #expect(
      page.next == .passedOver(reason: "Resource not accessible by personal access token"))
  }

  /// Reviews and links that are not told stay in the target; commits that are told to be none go.
  @Test func partsThatAreNotToldStay() async throws {
    let none = #"{\#(Self.end),"nodes":[]}"#
    let script = ScriptedTransport(
      answer(
        """
        "pullRequests":{\(Self.end),"edges":[{"cursor":"c","node":{"id":"PR_1","number":1,
        "commits":\(none),"reviewThreads":\(none),"reviews":null,
        "closingIssuesReferences":{\(Self.end),"nodes":null}}}]}
        """,
        #"[{"type":"FORBIDDEN","path":["repository","pullRequests","edges",0,"node","reviews"]}]"#))
    let page = try await page(script, "pr_extraction")
    #expect(page.records == 1)
    #expect(page.replacedChildren.map(\.table) == ["commits", "review_comments"])
    #expect(page.next == .finished)
  }

  /// Behind the last number all is deleted: where it is not told there is no last one.
  @Test func aSweepWithoutTheNewestDeletesNothing() async throws {
    let errors = (1...100).map {
      #"{"type":"NOT_FOUND","path":["repository","n\#($0)"],"message":"no"}"#
    }.joined(separator: ",")
    let numbers = (1...100).map { "\"n\($0)\":null" }.joined(separator: ",")
    let script = ScriptedTransport(
      answer(#""pullRequests":{"nodes":[]},"issues":{"nodes":null},\#(numbers)"#, "[\(errors)]"),
      answer(#""pullRequests":{"nodes":[]},"issues":{"nodes":[]},\#(numbers)"#, "[\(errors)]"))
    await #expect(throws: CursorSourceError.self) { _ = try await page(script, "sweep") }
    let whole = try await page(script, "sweep")
    #expect(whole.sweeps.map(\.through) == [nil, nil])
  }

  /// What is null without GitHub saying that it is not there is kept.
  @Test func aSweepDeletesOnlyWhatIsSaidToBeGone() async throws {
    let numbers = (1...100).map { "\"n\($0)\":null" }.joined(separator: ",")
    let script = ScriptedTransport(
      answer(
        #""pullRequests":{"nodes":[{"number":7}]},"issues":{"nodes":[]},\#(numbers)"#,
        """
        [{"type":"NOT_FOUND","path":["repository","n3"],"message":"no"},
        {"type":"FORBIDDEN","path":["repository","n4"],"message":"no"}]
        """))
    let page = try await page(script, "sweep")
    for sweep in page.sweeps {
      #expect(sweep.present == (1...100).filter { $0 != 3 })
      #expect(sweep.through == 100)
    }
  }

  /// GitHub does not show issues that a repository has switched off, and shows them again when it
  /// switches them on.
  @Test func aSweepLeavesIssuesThatAreSwitchedOff() async throws {
    let errors = (1...100).map {
      #"{"type":"NOT_FOUND","path":["repository","n\#($0)"],"message":"no"}"#
    }.joined(separator: ",")
    let numbers = (1...100).map { "\"n\($0)\":null" }.joined(separator: ",")
    let script = ScriptedTransport(
      answer(
        """
        "hasIssuesEnabled":false,"pullRequests":{"nodes":[{"number":7}]},"issues":{"nodes":[]},\(numbers)
        """, "[\(errors)]"))
    let page = try await page(script, "sweep")
    #expect(page.sweeps.map(\.table) == ["pull_requests"])
    #expect(page.sweeps.map(\.present) == [[]])
    #expect(
      page.notices == ["issues of o/r are switched off; those that were read before stay"])
    let asked = script.requests.map { String(decoding: $0.body ?? [], as: UTF8.self) }
    #expect(asked.allSatisfy { $0.contains("hasIssuesEnabled") })
  }

  /// A sweep's query that is too much is asked for fewer numbers.
  @Test func aSweepShrinks() async throws {
    let numbers = (1...33).map { "\"n\($0)\":null" }.joined(separator: ",")
    let script = ScriptedTransport(
      .answer(502, [], "{}"),
      answer(#""pullRequests":{"nodes":[{"number":50}]},"issues":{"nodes":[]},\#(numbers)"#))
    let page = try await page(script, "sweep")
    let asked = script.requests.map { String(decoding: $0.body ?? [], as: UTF8.self) }
    #expect(asked.map { $0.contains("n33:") } == [true, true])
    #expect(asked.map { $0.contains("n34:") } == [true, false])
    #expect(page.sweeps.map(\.through) == [33, 33])
    #expect(page.next == .after("33 R"))
  }
}
