internal import Cairn

extension GitHubSource {
  /// A page of a repository's issues: those changed at or after `since`, from the one that was changed
  /// longest ago to the newest. What changes meanwhile moves to the end, and is met again.
  func issues(_ request: PageRequest) async throws -> Page {
    let name = request.partition.name
    guard let parts = RepositoryName(name) else {
      return Page(next: .passedOver(reason: "'\(name)' is not the name of a repository"))
    }
    let cursor = try RepositoryCursor(request.cursor)
    // GitHub's instants have whole seconds.
    let since = request.since.map {
      Instant(microseconds: $0 / 1_000_000_000 * 1_000_000).description
    }
    let answer = try await ask(
      request.context, sizedBy: "issues of \(name)", limit: min(100, request.limit),
      cost: { max(1, (1 + $0 * 3) / 100) }
    ) { size in
      (
        GitHubQuery.issues,
        [
          ("owner", .text(parts.owner)), ("name", .text(parts.name)), ("first", .number(size)),
          ("after", .text(cursor?.cursor)), ("since", .text(since)),
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
    let list = repository["issues"]
    let rows = rows(for: .issues)
    var page = Page(next: .finished)
    for edge in try told(list, "edges", "issues of \(name)", answer) where !edge["node"].isNull {
      rows[.issues]?.append(
        edge["node"], given: [repository["id"], repository["nameWithOwner"]])
      page.records += 1
    }
    page.rows = try tableRows(rows)
    page.notices = notices(answer.errors, of: "the issues of \(name)")
    if let next = try list.nextCursor(after: cursor?.cursor) {
      page.next = place.after(next)
    } else {
      sizes.forget("issues of \(name)")
      page.next = place.finished(list["pageInfo"]["endCursor"].string)
    }
    return page
  }
}
