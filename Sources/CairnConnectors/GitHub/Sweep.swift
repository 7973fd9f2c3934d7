internal import Cairn

extension GitHubSource {
  /// Which of the next hundred numbers there are as issues and pull requests. Both share their numbers,
  /// which are given in order and never again; so asking for the numbers is exact whatever changes
  /// meanwhile, where an order of the lists is not.
  ///
  /// Links between pull requests and issues are read anew too: neither is said to have changed when one
  /// is made.
  func sweep(_ request: PageRequest) async throws -> Page {
    let name = request.partition.name
    guard let parts = RepositoryName(name) else {
      return Page(next: .passedOver(reason: "'\(name)' is not the name of a repository"))
    }
    let cursor = try RepositoryCursor(request.cursor)
    guard let after = Int64(cursor?.cursor ?? "0") else {
      throw CursorSourceError.cursorRefused("'\(cursor?.cursor ?? "")' is not a number")
    }
    var numbers = after + 1...after + 100
    let answer = try await ask(
      request.context, sizedBy: "sweep of \(name)", limit: 100, cost: { max(1, $0 / 100) }
    ) { size in
      numbers = after + 1...after + Int64(size)
      return (
        query.numbers(numbers), [("owner", .text(parts.owner)), ("name", .text(parts.name))]
      )
    }
    let repository: JSONValue
    do throws(PassedOver) {
      repository = try self.repository(answer, name)
    } catch {
      return Page(next: .passedOver(reason: error.reason))
    }
    let place = try RepositoryPlace(repository, partition: name, cursor: cursor)
    let missing = Set(answer.errors.filter { $0.kind == .missing }.map(\.path))
    var present: [GitHubTable: [Int64]] = [.pullRequests: [], .issues: []]
    let links = rows(for: .linkedIssues)
    var relinked = GrowingColumn(name: "pull_request_id", type: .text)
    var errors = answer.errors
    var isAnyFound = false
    for number in numbers {
      let found = repository["n\(number)"]
      isAnyFound = isAnyFound || !found.isNull
      guard !found.isNull else {
        // Only what GitHub says is not there is gone.
        if !missing.contains(["repository", "n\(number)"]) {
          present[.pullRequests]?.append(number)
          present[.issues]?.append(number)
        }
        continue
      }
      // An issue that was moved to another repository answers to its old number.
      guard found["number"].integer == number, found["repository"]["id"].string == place.id else {
        continue
      }
      guard found["__typename"].string == "PullRequest" else {
        present[.issues]?.append(number)
        continue
      }
      present[.pullRequests]?.append(number)
      guard query.tables.contains(.linkedIssues),
        let linked = try await self.parts(
          of: found, in: answer, at: ["repository", "n\(number)"], [.closingIssuesReferences],
          request.context)
      else { continue }
      errors += linked.errors
      if linked.partial.isEmpty { relinked.append(found["id"]) }
      for issue in linked.records[.closingIssuesReferences] ?? [] where !issue.isNull {
        links[.linkedIssues]?.append(issue, given: [found["id"], repository["id"]])
      }
    }
    // Without them there is no telling where the numbers end, and behind the end all is deleted.
    let newest =
      try ["pullRequests", "issues"].compactMap {
        try told(repository[$0], "nodes", "the newest of \(name)", answer).first?["number"].integer
      }.max() ?? 0
    // Numbers that cannot be looked up, though GitHub does not say that they are not there, have no end.
    let isEnd = !isAnyFound && newest <= after
    var page = Page(
      rows: try tableRows(links), next: .finished,
      records: present.values.reduce(0) { $0 + $1.count })
    // Issues that are switched off cannot be seen, and come back when they are switched on again.
    let areIssuesHidden = repository["hasIssuesEnabled"].boolean == false
    let swept: [GitHubTable] = areIssuesHidden ? [.pullRequests] : [.pullRequests, .issues]
    page.sweeps = swept.filter(query.tables.contains).map {
      KeySweep(
        table: $0.rawValue, scope: ["repository_id": place.id], column: "number",
        after: after == 0 ? nil : after, through: isEnd ? nil : numbers.upperBound,
        present: present[$0] ?? [])
    }
    page.notices = notices(errors, of: "the issues and pull requests of \(name)")
    if areIssuesHidden, query.tables.contains(.issues) {
      page.notices.append("issues of \(name) are switched off; those that were read before stay")
    }
    if !relinked.isEmpty {
      page.replacedChildren = [
        ReplacedChildren(
          table: GitHubTable.linkedIssues.rawValue, parent: "pull_request_id",
          values: try RecordBatch(columns: [relinked.column()]))
      ]
    }
    page.next = isEnd ? place.finished(nil) : place.after("\(numbers.upperBound)")
    return page
  }
}
