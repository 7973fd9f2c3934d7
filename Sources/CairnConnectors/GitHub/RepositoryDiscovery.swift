internal import Cairn

extension GitHubSource {
  /// A page of an owner's repositories.
  func repositories(_ request: PageRequest) async throws -> Page {
    let owner = request.partition.name
    let answer = try await ask(
      request.context, sizedBy: "repositories of \(owner)", limit: min(100, request.limit),
      cost: { ($0 + 99) / 100 + 1 }
    ) { size in
      (
        query.repositories,
        [
          ("login", .text(owner)), ("first", .number(size)), ("after", .text(request.cursor)),
          ("isArchived", .flag(options.includesArchived ? nil : false)),
          ("isFork", .flag(options.includesForks ? nil : false)),
        ]
      )
    }
    let found = answer.data["repositoryOwner"]
    guard !found.isNull else {
      throw CursorSourceError.fatal(
        answer.errors.first?.reason ?? "GitHub knows no organization or user '\(owner)'",
        remedy: "Check the name, and whether the token may read the organization.")
    }
    let list = found["repositories"]
    var page = try discovered(try told(list, "nodes", "repositories of \(owner)", answer))
    // A repository that may not be read has no name here; only that there is one is known.
    page.notices = answer.errors.filter { $0.kind == .forbidden }.map {
      "a repository of \(owner) cannot be read: \($0.reason)"
    }
    page.next = try list.nextCursor(after: request.cursor).map { .after($0) } ?? .finished
    return page
  }

  /// A page of the repositories that are given by name. The cursor is the name of the last one.
  func listedRepositories(_ request: PageRequest) async throws -> Page {
    let names = Set(options.repositories.map { $0.lowercased() }).sorted()
      .filter { name in request.cursor.map { name > $0 } ?? true }
    guard !names.isEmpty else { return Page(next: .finished) }
    var asked = names[...]
    let answer = try await ask(
      request.context, sizedBy: Self.list, limit: min(50, max(1, request.limit)),
      cost: { _ in 1 }
    ) { size in
      asked = names.prefix(size)
      var variables: [(String, Variable)] = []
      for (position, name) in asked.enumerated() {
        guard let name = RepositoryName(name) else { continue }
        variables.append(("o\(position)", .text(name.owner)))
        variables.append(("n\(position)", .text(name.name)))
      }
      return (query.named(asked.count), variables)
    }
    var found: [JSONValue] = []
    var unreadable: [String] = []
    for (position, name) in asked.enumerated() {
      let repository = answer.data["r\(position)"]
      if repository.isNull { unreadable.append(name) } else { found.append(repository) }
    }
    var page = try discovered(found)
    // They are tried, and passed over, where their records are read.
    for name in unreadable { page.discovered += partitions(of: name) }
    page.next = asked.count < names.count ? asked.last.map { .after($0) } ?? .finished : .finished
    return page
  }

  private func discovered(_ repositories: [JSONValue]) throws -> Page {
    let rows = rows(for: .repositories)
    var page = Page(next: .finished)
    for repository in repositories {
      guard let name = repository["nameWithOwner"].string, !options.excludes(name) else { continue }
      rows[.repositories]?.append(repository)
      page.discovered += partitions(of: name)
      page.records += 1
    }
    page.rows = try tableRows(rows)
    return page
  }

  private func partitions(of name: String) -> [Partition] {
    phases.dropFirst().map {
      Partition(phase: $0, name: name, isReadWhole: $0 == Phase.sweep.rawValue)
    }
  }
}
