internal import Cairn

/// Issues with their histories and worklogs.
extension JiraSource {
  func issues(_ request: PageRequest) async throws -> Page {
    let cursor = try issueCursor(request.cursor)
    let search = search(
      request, fields: wantedFields, since: since(request),
      withChangelog: options.readsChangelog)
    let found: IssueSearch.Found
    switch try await search.after(cursor, limit: request.limit, context: request.context) {
    case .found(let issues): found = issues
    case .refused(let message): return try await refused(message, request)
    }
    var rows = IssueRows(
      set, keepsJSON: options.keepsJSON,
      fields: try await catalog.customFields(
        named: Self.customFields(of: found.issues), request.context))
    var read: [IssueCursor.Anchor] = []
    for issue in found.issues {
      // Histories and worklogs of a page may take long; what is there is committed in time.
      if !read.isEmpty, ContinuousClock.now >= request.context.commitBy { break }
      let anchor = try Self.anchor(issue)
      rows.add(issue: issue, id: anchor.id, key: anchor.key)
      if options.readsChangelog {
        rows.add(histories: try await histories(of: issue, anchor, request.context), of: anchor.id)
      }
      if options.readsWorklogs {
        let worklogs = try await worklogs(of: issue, anchor, request.context)
        if let worklogs { rows.add(worklogs: worklogs, of: anchor.id) }
      }
      read.append(anchor)
    }
    return Page(
      rows: try rows.rows(), next: Self.next(after: read, of: found, previous: cursor),
      records: read.count, replacedChildren: try rows.replacedChildren())
  }

  /// The fields that are asked for: those of the options, and what rows cannot do without.
  var wantedFields: [String] {
    guard !options.fields.contains("*all") else { return options.fields }
    let needed = ["project", "updated"] + (options.readsWorklogs ? ["worklog", "timespent"] : [])
    return options.fields + needed.filter { !options.fields.contains($0) }
  }

  // MARK: - Parts that other phases use

  func search(
    _ request: PageRequest, fields: [String], since: String?, withChangelog: Bool
  ) -> IssueSearch {
    IssueSearch(
      api: api, project: request.partition.name, filter: options.filter, since: since,
      fields: fields, withChangelog: withChangelog, sizes: sizes)
  }

  func issueCursor(_ text: String?) throws -> IssueCursor? {
    guard let text else { return nil }
    guard let cursor = IssueCursor(text: text) else {
      throw CursorSourceError.cursorRefused("'\(text)' is not a cursor of issues")
    }
    return cursor
  }

  static func anchor(_ issue: JSONValue) throws -> IssueCursor.Anchor {
    guard let id = issue["id"].integer, let key = issue["key"].string else {
      throw CursorSourceError.fatal(
        "Jira gave an issue without id or key: \((issue.text ?? "").prefix(200))", remedy: "")
    }
    return IssueCursor.Anchor(key: key, id: id)
  }

  /// Where a partition goes on when so many issues of those found were read.
  static func next(
    after read: [IssueCursor.Anchor], of found: IssueSearch.Found, previous: IssueCursor?
  ) -> Page.Next {
    let rest = found.issues.count - read.count
    guard rest > 0 || !found.isLast else { return .finished }
    let cursor = IssueCursor(after: read, previous: previous, offset: found.offset - rest)
    return cursor.map { .after($0.text) } ?? .finished
  }

  private static func customFields(of issues: [JSONValue]) -> Set<String> {
    var names: Set<String> = []
    for issue in issues {
      for member in issue["fields"].members where CustomField.isOne(member.name) {
        names.insert(member.name)
      }
    }
    return names
  }

  // MARK: - Nested pages

  /// All histories of an issue: those that came with it, if these are all; else they are asked for.
  private func histories(
    of issue: JSONValue, _ anchor: IssueCursor.Anchor, _ context: any PageContext
  ) async throws -> [JSONValue] {
    let inline = issue["changelog"]
    let histories = inline["histories"].elements
    if let total = inline["total"].integer, histories.count >= total { return histories }
    switch api.deployment {
    case .cloud:
      return try await nested("/issue/\(anchor.id)/changelog", "values", context) ?? histories
    case .dataCenter:
      // Data Center has no pages of histories; it gives all of them with the issue.
      let response = try await api.answer(
        "/issue/\(APIAddress.encoded(anchor.key))",
        query: [("fields", "updated"), ("expand", "changelog")], context: context)
      if response.status == 404 { return histories }
      let answer = try api.success(response, path: "/issue/\(anchor.key)").json ?? .missing
      return try JiraAPI.list(answer["changelog"], "histories", of: "/issue/\(anchor.key)")
    }
  }

  /// All worklogs of an issue; nil where they cannot be told.
  private func worklogs(
    of issue: JSONValue, _ anchor: IssueCursor.Anchor, _ context: any PageContext
  ) async throws -> [JSONValue]? {
    let inline = issue["fields"]["worklog"]
    let worklogs = inline["worklogs"].elements
    if let total = inline["total"].integer, worklogs.count >= total { return worklogs }
    // Not every server sends them along. Where no time was spent there are none; where time is not
    // tracked nothing is said of it.
    if inline.isMissing {
      let spent = issue["fields"]["timespent"]
      if spent.isMissing { return nil }
      if (spent.integer ?? 0) == 0 { return [] }
    }
    let issue = api.deployment == .cloud ? String(anchor.id) : APIAddress.encoded(anchor.key)
    return try await nested("/issue/\(issue)/worklog", "worklogs", context)
  }

  /// All elements of a list of an issue; nil if the issue is gone meanwhile, or has no such list.
  private func nested(
    _ path: String, _ member: String, _ context: any PageContext
  ) async throws -> [JSONValue]? {
    var all: [JSONValue] = []
    var known: Set<String> = []
    var start = 0
    while true {
      let response = try await api.answer(
        path, query: [("startAt", String(start)), ("maxResults", "1000")], context: context)
      if response.status == 404 { return nil }
      let answer = try api.success(response, path: path).json ?? .missing
      let elements = try JiraAPI.list(answer, member, of: path)
      let new = elements.filter { known.insert($0["id"].text ?? $0.text ?? "").inserted }
      // A server that does not know offsets gives the same elements for ever.
      guard !new.isEmpty || elements.isEmpty else {
        throw CursorSourceError.transient("Jira gives the same page of \(path) again and again")
      }
      all += new
      start += elements.count
      let isWhole =
        answer["isLast"].boolean == true
        || answer["total"].integer.map { start >= $0 } ?? false
      if elements.isEmpty || isWhole { return all }
    }
  }
}
