public import Cairn

extension GitHubSource {
  /// How a job file says that it extracts from GitHub: `type: github`. See `docs/github.md`.
  public static let jobType = CursorJobType(
    name: "github",
    keys: [
      "url", "organizations", "repositories", "exclude", "archived", "forks", "tables", "token",
      "token_file", "app", "page_size", "timeout", "reserve",
    ]
  ) { section, settings in
    let address = GitHubSource.address(section)
    guard let credentials = GitHubSource.credentials(section, address) else { return nil }
    var options = GitHubOptions(
      credentials: credentials, owners: section.texts("organizations") ?? [],
      repositories: section.texts("repositories") ?? [])
    options.address = address
    options.exclude = section.texts("exclude") ?? []
    options.includesArchived = section.flag("archived") ?? true
    options.includesForks = section.flag("forks") ?? true
    if let names = section.texts("tables") {
      let tables = names.map { ($0, GitHubTable(rawValue: $0)) }
      for (name, table) in tables where table == nil {
        let known = GitHubTable.allCases.map(\.rawValue).joined(separator: ", ")
        section.report("tables", "there is no table '\(name)'; there are \(known)")
      }
      options.tables = Set(tables.compactMap(\.1))
    }
    options.keepsJSON = settings.keepsJSON
    options.sweepsDeletions = settings.sweepsDeletions
    options.pageSize = section.number("page_size", 1...100) ?? options.pageSize
    options.timeout = section.duration("timeout") ?? options.timeout
    options.reserve = section.number("reserve", 0...1_000_000) ?? options.reserve
    if let problem = options.problem {
      section.report("organizations", problem)
      return nil
    }
    let complete = options
    return { environment in try GitHubSource(complete, environment: environment) }
  }

  private static func address(_ section: YAMLSection) -> APIAddress {
    guard let text = section.expandedText("url") else { return .gitHub }
    do throws(APIAddressError) {
      return try APIAddress(text)
    } catch {
      section.report("url", error.description)
      return .gitHub
    }
  }

  private static func credentials(
    _ section: YAMLSection, _ address: APIAddress
  ) -> APICredentials? {
    let hasToken = section.has("token") || section.has("token_file")
    guard hasToken != section.has("app") else {
      section.report(
        "token", hasToken ? "give a token or an app, not both" : "a token or an app is needed")
      return nil
    }
    guard
      let app = section.section(
        "app", keys: ["id", "installation", "private_key", "private_key_file"])
    else { return section.token().map { .bearer($0) } }
    guard let id = app.expandedText("id"),
      let installation = app.expandedText("installation").flatMap({ Int64($0) }),
      let key = app.secret("private_key")
    else {
      app.require("id", "installation")
      if !app.has("private_key"), !app.has("private_key_file") {
        app.report("private_key_file", "an app needs its private key")
      } else if app.has("installation") {
        app.report("installation", "expected the number of the installation")
      }
      return nil
    }
    return .gitHubApp(
      GitHubApp(id: id, installation: installation, privateKey: Secret(key), address: address))
  }
}
