internal import Cairn

extension GitHubSource {
  /// A page of a repository's pull requests, with all that belongs to them.
  ///
  /// A first reading goes from the one that was changed longest ago to the newest: what changes
  /// meanwhile moves to the end, and is met again. A later one goes from the newest back to `since`: what
  /// changes meanwhile moves to the begin, and the next run, whose `since` is before this run's begin,
  /// meets it.
  func pullRequests(_ request: PageRequest) async throws -> Page {
    let name = request.partition.name
    guard let parts = RepositoryName(name) else {
      return Page(next: .passedOver(reason: "'\(name)' is not the name of a repository"))
    }
    let cursor = try RepositoryCursor(request.cursor)
    let isIncremental = request.since != nil
    let threads = query.tables.contains(.reviewComments) ? GitHubQuery.Part.reviewThreads.first : 0
    let connections = query.parts.count + 2 + threads
    let answer = try await ask(
      request.context, sizedBy: "pull requests of \(name)",
      limit: min(100, options.pageSize, request.limit),
      cost: { max(1, (1 + $0 * connections) / 100) }
    ) { size in
      (
        query.pullRequests,
        [
          ("owner", .text(parts.owner)), ("name", .text(parts.name)), ("first", .number(size)),
          ("after", .text(cursor?.cursor)), ("direction", .text(isIncremental ? "DESC" : "ASC")),
        ]
      )
    }
    let repository: JSONValue
    do throws(PassedOver) {
      repository = try self.repository(answer, name)
    } catch {
      return Page(next: .passedOver(reason: error.reason))
    }
    let place = try RepositoryPlace(repository, partition: name, cursor: cursor)
    let list = repository["pullRequests"]
    let reading = PullRequestReading(source: self, repository: repository, context: request.context)
    var next: Page.Next =
      try list.nextCursor(after: cursor?.cursor).map { place.after($0) } ?? .finished
    var edges = try told(list, "edges", "pull requests of \(name)", answer)[...]
    while let edge = edges.popFirst() {
      let path = ["repository", "pullRequests", "edges", "\(edges.startIndex - 1)", "node"]
      let pullRequest = edge["node"]
      if let since = request.since,
        let updated = JSONInstant.microseconds(pullRequest["updatedAt"]),
        updated < since / 1_000_000_000 * 1_000_000
      {
        next = .finished
        break
      }
      if !pullRequest.isNull { try await reading.read(pullRequest, in: answer, at: path) }
      // What is whole is committed in time, and before a long wait for more.
      if !edges.isEmpty, ContinuousClock.now >= request.context.commitBy || client.isLimited(1),
        reading.hasMore(edges), let cursor = edge["cursor"].string
      {
        next = place.after(cursor)
        break
      }
    }
    if next == .finished {
      sizes.forget("pull requests of \(name)")
      next = place.finished(list["pageInfo"]["endCursor"].string)
    }
    var page = try reading.page(next)
    page.notices = notices(answer.errors + reading.errors, of: "the pull requests of \(name)")
    return page
  }
}

/// Which repository a page is of, and where its list goes on.
struct RepositoryPlace {
  let id: String
  private let name: String
  private let isRenamed: Bool

  init(
    _ repository: JSONValue, partition: String, cursor: RepositoryCursor?
  ) throws(CursorSourceError) {
    guard let id = repository["id"].string, let name = repository["nameWithOwner"].string else {
      throw .fatal("GitHub's answer names no repository", remedy: "")
    }
    if let known = cursor?.repository, known != id {
      throw .cursorRefused("another repository has the name \(partition) now")
    }
    self.id = id
    self.name = name
    isRenamed = name.lowercased() != partition.lowercased()
  }

  func after(_ cursor: String) -> Page.Next {
    let text = RepositoryCursor(cursor: cursor, repository: id).text
    return isRenamed ? .renamed(to: name, cursor: text) : .after(text)
  }

  /// The end of the list. Of a renamed repository one more page is read, under its new name: an empty
  /// one.
  func finished(_ cursor: String?) -> Page.Next {
    guard isRenamed else { return .finished }
    return cursor.map(after) ?? .renamed(to: name, cursor: nil)
  }
}

/// The pull requests of a page, while what belongs to them is collected.
final class PullRequestReading {
  private let source: GitHubSource
  private let context: any PageContext
  private let repository: JSONValue
  private let rows: [GitHubTable: RecordRows]
  /// The pull requests of which all of a part is here, by part.
  private var whole: [GitHubQuery.Part: GrowingColumn]
  private var count = 0
  /// Errors of further answers.
  private(set) var errors: [GraphQLError] = []

  init(source: GitHubSource, repository: JSONValue, context: any PageContext) {
    self.source = source
    self.repository = repository
    self.context = context
    rows = source.rows(for: .pullRequests, .commits, .reviews, .reviewComments, .linkedIssues)
    whole = Dictionary(
      uniqueKeysWithValues: source.query.parts.map {
        ($0, GrowingColumn(name: "pull_request_id", type: .text))
      })
  }

  /// Whether reading the pull requests that are left takes further requests.
  func hasMore(_ edges: ArraySlice<JSONValue>) -> Bool {
    edges.contains { edge in
      source.query.parts.contains { part in
        let connection = edge["node"][part.rawValue]
        return connection.hasNextPage
          || part == .reviewThreads
            && connection["nodes"].elements.contains { $0["comments"].hasNextPage }
      }
    }
  }

  /// Reads a pull request, and the further pages of what belongs to it.
  ///
  /// - Parameter path: Where it is in its answer.
  func read(
    _ pullRequest: JSONValue, in answer: GraphQLAnswer, at path: [String]
  ) async throws {
    // Deleted since the page was asked for: nothing of it.
    guard
      var parts = try await source.parts(
        of: pullRequest, in: answer, at: path, source.query.parts, context)
    else { return }
    var comments: [(thread: JSONValue, comments: [JSONValue])] = []
    for thread in parts.records[.reviewThreads] ?? [] where !thread.isNull {
      comments.append((thread, try await self.comments(of: thread, &parts)))
    }
    errors += parts.errors
    append(pullRequest, parts, comments)
  }

  private func comments(
    of thread: JSONValue, _ parts: inout PullRequestParts
  ) async throws -> [JSONValue] {
    if !thread["comments"]["nodes"].isArray { parts.partial.insert(.reviewThreads) }
    var comments = thread["comments"]["nodes"].elements
    var cursor = try thread["comments"].nextCursor(after: nil)
    while let after = cursor {
      let answer = try await source.ask(
        context, sizedBy: "comments of \(thread["id"].string ?? "")", limit: 100,
        cost: { _ in 1 }
      ) { size in
        (
          GitHubQuery.threadComments,
          [
            ("id", .text(thread["id"].string)), ("first", .number(size)), ("after", .text(after)),
          ]
        )
      }
      let connection = answer.data["node"]["comments"]
      if !answer.errors.isEmpty || !connection["nodes"].isArray {
        parts.partial.insert(.reviewThreads)
        parts.errors += answer.errors
      }
      comments += connection["nodes"].elements
      cursor = try connection.nextCursor(after: after)
    }
    source.sizes.forget("comments of \(thread["id"].string ?? "")")
    return comments
  }

  private func append(
    _ pullRequest: JSONValue, _ parts: PullRequestParts,
    _ threads: [(thread: JSONValue, comments: [JSONValue])]
  ) {
    count += 1
    let id = pullRequest["id"]
    let home = repository["id"]
    rows[.pullRequests]?.append(pullRequest, given: [home, repository["nameWithOwner"]])
    for part in source.query.parts where !parts.partial.contains(part) { whole[part]?.append(id) }
    // What was added or went between two pages may show a row twice.
    var seen = Set<String>()
    for commit in parts.records[.commits] ?? [] {
      guard let sha = commit["commit"]["oid"].string, seen.insert(sha).inserted else { continue }
      rows[.commits]?.append(commit, given: [id, home])
    }
    for (part, table) in [
      (GitHubQuery.Part.reviews, GitHubTable.reviews), (.closingIssuesReferences, .linkedIssues),
    ] {
      for record in parts.records[part] ?? [] {
        guard let key = record["id"].string, seen.insert(key).inserted else { continue }
        rows[table]?.append(record, given: [id, home])
      }
    }
    for (thread, comments) in threads {
      for comment in comments {
        guard let key = comment["id"].string, seen.insert(key).inserted else { continue }
        rows[.reviewComments]?.append(
          comment,
          given: [
            id, home, thread["id"], thread["isResolved"], thread["isOutdated"],
            thread["resolvedBy"]["login"],
          ])
      }
    }
  }

  /// The page.
  func page(_ next: Page.Next) throws -> Page {
    var page = Page(rows: try source.tableRows(rows), next: next, records: count)
    page.replacedChildren = try source.query.parts.compactMap { part in
      guard let column = whole[part], !column.isEmpty else { return nil }
      return ReplacedChildren(
        table: part.table.rawValue, parent: "pull_request_id",
        values: try RecordBatch(columns: [column.column()]))
    }
    return page
  }
}

/// What belongs to a pull request.
struct PullRequestParts {
  /// The records of each part.
  var records: [GitHubQuery.Part: [JSONValue]] = [:]
  /// The parts of which GitHub does not tell all (some of it may not be read, for example): what is not
  /// told is not gone.
  var partial: Set<GitHubQuery.Part> = []
  /// Errors of the answers to further requests.
  var errors: [GraphQLError] = []
}

extension GitHubSource {
  /// All that belongs to a pull request: what came with it, and what is on further pages.
  ///
  /// - Parameters:
  ///   - answer: What it came with.
  ///   - path: Where it is there.
  /// - Returns: Nil when the pull request is gone meanwhile.
  func parts(
    of pullRequest: JSONValue, in answer: GraphQLAnswer, at path: [String],
    _ wanted: [GitHubQuery.Part], _ context: any PageContext
  ) async throws -> PullRequestParts? {
    var found = PullRequestParts()
    var cursors: [GitHubQuery.Part: String] = [:]
    func take(
      _ part: GitHubQuery.Part, of node: JSONValue, in answer: GraphQLAnswer, at path: [String]
    ) throws(CursorSourceError) {
      let connection = node[part.rawValue]
      if !connection["nodes"].isArray || answer.isPartial(at: path + [part.rawValue]) {
        found.partial.insert(part)
      }
      found.records[part, default: []] += connection["nodes"].elements
      cursors[part] = try connection.nextCursor(after: cursors[part])
    }
    for part in wanted { try take(part, of: pullRequest, in: answer, at: path) }
    let name = "parts of \(pullRequest["id"].string ?? "")"
    while !cursors.isEmpty {
      let parts = wanted.filter { cursors[$0] != nil }
      let asked = cursors
      let answer = try await ask(
        context, sizedBy: name, limit: 100,
        cost: { parts.contains(.reviewThreads) ? max(1, $0 / 100 + 1) : 1 }
      ) { size in
        (
          query.pages(of: parts),
          [("id", .text(pullRequest["id"].string)), ("first", .number(size))]
            + parts.map { ($0.rawValue, .text(asked[$0])) }
        )
      }
      found.errors += answer.errors
      let node = answer.data["node"]
      if node.isNull, !answer.errors.contains(where: { $0.kind == .forbidden }) { return nil }
      for part in parts { try take(part, of: node, in: answer, at: ["node"]) }
    }
    sizes.forget(name)
    return found
  }
}
