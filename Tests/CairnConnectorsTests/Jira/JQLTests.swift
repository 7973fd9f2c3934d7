import Cairn
import Testing

@testable import CairnConnectors

@Suite struct JQLTests {
  @Test func asksForTheIssuesOfAProject() {
    #expect(
      JQL.issues(ofProject: "DO", filter: nil, since: nil, from: nil)
        == "project = \"DO\" ORDER BY key ASC")
  }

  /// Without its parentheses an OR of the user's would reach into other projects.
  @Test func keepsAFilterWithinItsProject() {
    #expect(
      JQL.issues(
        ofProject: "P", filter: "labels = a OR labels = b", since: "updated >= 5", from: "P-12")
        == "project = \"P\" AND (labels = a OR labels = b) AND updated >= 5 AND key >= \"P-12\""
        + " ORDER BY key ASC")
  }

  @Test func quotesWhatEndsAText() {
    #expect(JQL.quoted("a\"b\\c\nd") == #""a\"b\\c\nd""#)
  }

  /// To Jira a mark that combines with a quotation mark is a letter of its own.
  @Test func quotesWhatHasAMark() {
    #expect(JQL.quoted("a\"\u{301}\\\u{301}") == "\"a\\\"\u{301}\\\\\u{301}\"")
    #expect(JQL.quoted("a\r\nb") == #""a\r\nb""#)
    #expect(JiraSource.hasOrder("summary ~ \"a\"\u{301} ORDER BY key"))
    #expect(!JiraSource.hasOrder("summary ~ \"a \u{301}ORDER BY key\""))
  }

  /// 2025-03-02T10:15:59.999Z.
  private let instant: Int64 = 1_740_910_559_999_000_000

  @Test func writesInstantsWithoutAZone() {
    #expect(JiraDates.milliseconds.updated(since: instant) == "updated >= 1740910500000")
  }

  /// Whatever the account's time zone is, the date is not after the instant.
  @Test(arguments: [-12, -5, 0, 5, 14])
  func quotedDatesAreEarlyEnough(_ zone: Int64) throws {
    let clause = JiraDates.quoted.updated(since: instant)
    #expect(clause == "updated >= \"2025-03-01 22:15\"")
    let date = try #require(LocalDateTime("2025-03-01T22:15:00"))
    let asThere = date.microseconds * 1000 - zone * 3600 * 1_000_000_000
    #expect(asThere <= instant)
  }

  @Test func beforeTheEpochToo() {
    #expect(JiraDates.milliseconds.updated(since: -1) == "updated >= -60000")
  }

  @Test(arguments: [
    ("ABC-123", "ABC", 123 as Int64), ("A_B-1", "A_B", 1), ("X-Y-7", "X-Y", 7),
  ])
  func readsKeys(_ text: String, _ project: String, _ number: Int64) {
    #expect(IssueKey(text)?.project == project)
    #expect(IssueKey(text)?.number == number)
  }

  @Test(arguments: ["", "ABC", "-1", "ABC-", "ABC-x", "ABC-0"])
  func refusesWhatIsNoKey(_ text: String) {
    #expect(IssueKey(text) == nil)
  }
}
