internal import Cairn

/// What version control knows of issues: commits, branches, pull requests. Jira's own pages read it from
/// an API that is not documented, and that not every Jira answers.
extension JiraSource {
  private static let path = "/rest/dev-status/1.0/issue"

  func development(_ request: PageRequest) async throws -> Page {
    let cursor = try issueCursor(request.cursor)
    let search = search(
      request, fields: ["key"], since: options.development == .all ? nil : since(request),
      withChangelog: false)
    let found: IssueSearch.Found
    switch try await search.after(cursor, limit: request.limit, context: request.context) {
    case .found(let issues): found = issues
    case .refused(let message): return try await refused(message, request)
    }
    var rows = DevelopmentRows(set.development, keepsJSON: options.keepsJSON)
    var untold: [String] = []
    var read: [IssueCursor.Anchor] = []
    for issue in found.issues {
      if !read.isEmpty, ContinuousClock.now >= request.context.commitBy { break }
      let anchor = try Self.anchor(issue)
      switch try await add(anchor, to: &rows, request.context) {
      case .whole, .gone: break
      case .partial(let reason): untold.append("\(anchor.key): \(reason)")
      case .unknown(let reason): return Page(next: .passedOver(reason: reason))
      }
      read.append(anchor)
    }
    var page = Page(
      rows: try rows.rows(), next: Self.next(after: read, of: found, previous: cursor),
      records: read.count, replacedChildren: try rows.replacedChildren())
    if let first = untold.first {
      let others = untold.count > 1 ? ", and of \(untold.count - 1) others" : ""
      page.notices = [
        "Jira does not tell all of the development status of \(first)\(others): what the table has "
          + "of it stays"
      ]
    }
    return page
  }

  /// What came of asking for an issue's development status.
  private enum Answer {
    /// All of it is there.
    case whole
    /// Some of it is missing, in words: no row may count as gone.
    case partial(String)
    /// The issue is gone meanwhile.
    case gone
    /// Nothing can be told of any issue, in words.
    case unknown(String)
  }

  /// Adds what is known of an issue.
  private func add(
    _ issue: IssueCursor.Anchor, to rows: inout DevelopmentRows, _ context: any PageContext
  ) async throws -> Answer {
    let response = try await api.answer(
      Self.path + "/summary", query: [("issueId", String(issue.id))], context: context)
    guard (200..<300).contains(response.status) else {
      // The issue may be gone meanwhile.
      if [400, 404].contains(response.status) {
        let known = try await api.answer(
          "/issue/\(APIAddress.encoded(issue.key))", query: [("fields", "updated")],
          context: context)
        if known.status == 404 { return .gone }
      }
      guard [400, 403, 404, 405, 410].contains(response.status) else {
        _ = try api.success(response, path: Self.path + "/summary")
        return .partial("status \(response.status)")
      }
      return .unknown(
        "this Jira does not tell of development status (status \(response.status)"
          + (response.message.isEmpty ? ")" : ": \(response.message))"))
    }
    var problem = Self.problem(response.json ?? .missing, "summary")
    let summary = response.json?["summary"] ?? .missing
    for type in DevelopmentRows.Kind.allCases {
      let told = summary[type.rawValue]
      guard (told["overall"]["count"].integer ?? 0) > 0 else { continue }
      for application in told["byInstanceType"].members.map(\.name) {
        let detail = try await api.json(
          Self.path + "/detail",
          query: [
            ("issueId", String(issue.id)), ("applicationType", application),
            ("dataType", type.rawValue),
          ], context: context)
        problem = problem ?? Self.problem(detail, "detail")
        for instance in detail["detail"].elements {
          rows.add(instance, type, of: issue.id, application: application)
        }
      }
    }
    if let problem { return .partial(problem) }
    rows.claim(issue.id)
    return .whole
  }

  /// Why an answer does not have all that there is, though its status is 200: version control may not
  /// answer Jira, or want somebody to sign in.
  private static func problem(_ answer: JSONValue, _ member: String) -> String? {
    if let error = (answer["errors"].elements + answer["configErrors"].elements).first {
      let words =
        error.string ?? error["message"].string ?? error["error"].string ?? error.text ?? "an error"
      return String(words.prefix(200))
    }
    let isThere = answer[member].isArray || answer[member].isObject
    return isThere ? nil : "the answer has no '\(member)'"
  }
}

/// Rows of development status.
struct DevelopmentRows {
  private let keepsJSON: Bool
  private var builder: TableRowsBuilder
  private var seen: Set<[String]> = []
  private var issues: [Int64] = []

  /// The kinds of data, by the names that Jira has for them.
  enum Kind: String, CaseIterable {
    case pullRequest = "pullrequest"
    case branch
    /// Commits, below their repositories.
    case repository
  }

  init(_ table: RecordTable, keepsJSON: Bool) {
    self.keepsJSON = keepsJSON
    builder = TableRowsBuilder(table)
  }

  /// Says that all of an issue is here: what the table has of it beside is gone.
  mutating func claim(_ issue: Int64) { issues.append(issue) }

  mutating func add(_ instance: JSONValue, _ kind: Kind, of issue: Int64, application: String) {
    switch kind {
    case .pullRequest:
      for pull in instance["pullRequests"].elements {
        add(
          pull, type: "pullrequest", id: pull["id"].string, name: pull["name"].string,
          repository: pull["repositoryName"].string ?? pull["source"]["repository"]["name"].string,
          repositoryURL: pull["repositoryUrl"].string
            ?? pull["source"]["repository"]["url"].string,
          updated: pull["lastUpdate"], author: pull["author"]["name"].string, of: issue, application
        )
      }
    case .branch:
      for branch in instance["branches"].elements {
        add(
          branch, type: "branch", id: branch["id"].string ?? branch["name"].string,
          name: branch["name"].string, repository: branch["repository"]["name"].string,
          repositoryURL: branch["repository"]["url"].string,
          updated: branch["lastCommit"]["authorTimestamp"],
          author: branch["lastCommit"]["author"]["name"].string, of: issue, application)
      }
    case .repository:
      for repository in instance["repositories"].elements {
        for commit in repository["commits"].elements {
          add(
            commit, type: "commit", id: commit["id"].string, name: commit["message"].string,
            repository: repository["name"].string, repositoryURL: repository["url"].string,
            updated: commit["authorTimestamp"], author: commit["author"]["name"].string, of: issue,
            application)
        }
      }
    }
  }

  private mutating func add(
    _ item: JSONValue, type: String, id: String?, name: String?, repository: String?,
    repositoryURL: String?, updated: JSONValue, author: String?, of issue: Int64,
    _ application: String
  ) {
    // The numbers of pull requests repeat from repository to repository, addresses do not.
    let url = item["url"].string ?? "\(repositoryURL ?? repository ?? "")#\(id ?? name ?? "")"
    guard seen.insert([String(issue), type, url]).inserted else { return }
    builder.beginRow()
    builder.set("issue_id", issue)
    builder.set("type", type)
    builder.set("url", url)
    builder.set("id", id)
    builder.set("name", name)
    builder.set("status", item["status"].string)
    builder.set("author_name", author)
    builder.set("repository", repository)
    builder.set("repository_url", repositoryURL)
    builder.set("source_branch", item["source"]["branch"].string)
    builder.set("target_branch", item["destination"]["branch"].string)
    builder.set("updated", IssueRows.instant(updated))
    builder.set("application", application)
    if keepsJSON { builder.set(JiraTables.raw, item.text) }
  }

  func rows() throws(RecordBatchError) -> [TableRows] {
    builder.rowCount > 0 ? [try builder.rows()] : []
  }

  func replacedChildren() throws(RecordBatchError) -> [ReplacedChildren] {
    guard !issues.isEmpty else { return [] }
    return [
      ReplacedChildren(
        table: "jira_dev_status", parent: "issue_id",
        values: try RecordBatch(columns: [
          Column(name: "issue_id", type: .bigint, values: .bigint(issues))
        ]))
    ]
  }
}
