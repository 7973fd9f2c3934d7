internal import Cairn

/// The search for issues that were deleted: all keys of a project, in their order.
extension JiraSource {
  /// How many keys are asked for at once; without fields Jira gives more than a hundred.
  private static let keys = 1000

  func sweep(_ request: PageRequest) async throws -> Page {
    let project = request.partition.name
    let position = try SweepCursor(request.cursor)
    let id: Int64
    if let known = position?.project {
      id = known
    } else {
      // A project that cannot be seen has no issues, as far as a search tells: they are not to be
      // deleted.
      switch try await self.project(project, request.context) {
      case .absent(let reason): return Page(next: .passedOver(reason: reason))
      case .found(let answer):
        guard let number = answer["id"].integer else {
          throw CursorSourceError.fatal(
            "Jira gave the project \(project) without an id", remedy: "")
        }
        id = number
      }
    }
    let search = search(request, fields: ["key"], since: nil, withChangelog: false)
    let found: IssueSearch.Found
    switch try await search.after(
      position?.issue, limit: max(Self.keys, request.limit), context: request.context)
    {
    case .found(let issues): found = issues
    case .refused(let message): return try await refused(message, request)
    }
    let read = try found.issues.map(Self.anchor)
    let after = found.anchor.flatMap { IssueKey($0.key)?.number }
    let numbers = read.compactMap { IssueKey($0.key)?.number }
    let all = (after.map { [$0] } ?? []) + numbers
    guard numbers.count == read.count, (after == nil) == (found.anchor == nil),
      zip(all, all.dropFirst()).allSatisfy({ $0 < $1 })
    else {
      return Page(
        next: .passedOver(
          reason: "this Jira does not give the issues of \(project) in the order of their numbers; "
            + "deleted ones cannot be told"))
    }
    // An index that is being rebuilt answers with nothing, as does that of an empty project: then all
    // rows would go.
    if after == nil, numbers.isEmpty, found.isLast, try await !hasAnyIssue(request) {
      return Page(
        next: .finished,
        notices: [
          "Jira's search finds no issue at all in \(project), so none of its rows were deleted: an "
            + "index that is being rebuilt answers so, too. The next sweep looks again. If the "
            + "project really is empty, delete its rows (project_id \(id)) by hand."
        ])
    }
    // A stretch without an end reaches to the last issue there is: only the last page has one.
    let through = found.isLast ? nil : numbers.last
    var page = Page(next: .finished)
    if found.isLast || through != nil {
      page.sweeps = [
        KeySweep(
          table: set.issues.name, scope: ["project_id": String(id)], column: "number",
          after: after, through: through, present: numbers)
      ]
    }
    if !found.isLast,
      let next = IssueCursor(after: read, previous: position?.issue, offset: found.offset)
    {
      page.next = .after(SweepCursor(project: id, issue: next).text)
    }
    return page
  }
}

extension JiraSource {
  /// Whether a search finds an issue of the project that the filter of the job leaves out: then it is the
  /// filter that finds none.
  private func hasAnyIssue(_ request: PageRequest) async throws -> Bool {
    guard options.filter != nil else { return false }
    var search = search(request, fields: ["key"], since: nil, withChangelog: false)
    search.filter = nil
    guard case .found(let found) = try await search.after(nil, limit: 1, context: request.context)
    else { return false }
    return !found.issues.isEmpty
  }
}

/// Where a search for deleted issues goes on: `{"project":10000,"issue":{…}}`.
struct SweepCursor: Sendable, Hashable {
  /// The project's id.
  var project: Int64
  var issue: IssueCursor

  init(project: Int64, issue: IssueCursor) {
    self.project = project
    self.issue = issue
  }

  /// Reads a cursor; nil is the begin.
  init?(_ text: String?) throws {
    guard let text else { return nil }
    guard let value = try? JSONValue(parsing: Array(text.utf8)),
      let project = value["project"].integer,
      let issue = value["issue"].text.flatMap(IssueCursor.init(text:))
    else { throw CursorSourceError.cursorRefused("'\(text)' is not a cursor of a sweep") }
    self.init(project: project, issue: issue)
  }

  var text: String { "{\"project\":\(project),\"issue\":\(issue.text)}" }
}
