/// What is extracted from GitHub, and how.
public struct GitHubOptions: Sendable {
  /// GitHub's REST API: `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise Server.
  /// GraphQL is found beside it.
  public var address: APIAddress
  /// A token, or an App. GraphQL answers nobody else.
  public var credentials: APICredentials
  /// Organizations and users, all of whose repositories are read.
  public var owners: [String]
  /// Repositories by name: `apache/parquet-java`.
  public var repositories: [String]
  /// Names of repositories that are not read; `*` stands for any text: `apache/*-site`.
  public var exclude: [String]
  /// Whether an owner's archived repositories are read.
  public var includesArchived: Bool
  /// Whether an owner's forks are read.
  public var includesForks: Bool
  /// The tables that are wanted. Repositories always are; commits, reviews, comments and linked issues
  /// come with their pull requests.
  public var tables: Set<GitHubTable>
  /// Whether each row has the JSON of its record too, in the column `raw`.
  public var keepsJSON: Bool
  /// Whether deleted issues and pull requests are searched for.
  public var sweepsDeletions: Bool
  /// The most pull requests that a page asks for; the job's policy may have fewer, and a page that is too
  /// much for GitHub is asked for in smaller ones.
  public var pageSize: Int
  /// The longest time from a request to the end of its answer.
  public var timeout: Duration
  /// How many points of the hourly budget are left to others who use the same token.
  public var reserve: Int

  /// Makes options.
  public init(
    credentials: APICredentials, owners: [String] = [], repositories: [String] = []
  ) {
    address = .gitHub
    self.credentials = credentials
    self.owners = owners
    self.repositories = repositories
    exclude = []
    includesArchived = true
    includesForks = true
    tables = Set(GitHubTable.allCases)
    keepsJSON = false
    sweepsDeletions = false
    pageSize = 50
    timeout = .seconds(60)
    reserve = 0
  }

  /// The tables with those that others of them need.
  var wantedTables: Set<GitHubTable> {
    var wanted = tables.union([.repositories])
    if !wanted.isDisjoint(with: GitHubTable.ofPullRequests) { wanted.insert(.pullRequests) }
    return wanted
  }

  /// Whether a repository is left out.
  func excludes(_ name: String) -> Bool {
    exclude.contains { Self.matches(name.lowercased()[...], $0.lowercased()[...]) }
  }

  /// Whether a text fits a pattern in which `*` stands for any text.
  static func matches(_ text: Substring, _ pattern: Substring) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard parts.count > 1, let first = parts.first, let last = parts.last else {
      return text == pattern
    }
    guard text.count >= first.count + last.count, text.hasPrefix(first), text.hasSuffix(last)
    else { return false }
    var rest = text.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }

  /// What is wrong with them; nil if nothing is.
  var problem: String? {
    if owners.isEmpty, repositories.isEmpty {
      return "no repositories: name an organization or user, or repositories"
    }
    if let name = repositories.first(where: { RepositoryName($0) == nil }) {
      return "'\(name)' is not the name of a repository; expected OWNER/NAME"
    }
    if let name = owners.first(where: { $0.isEmpty || $0.contains("/") }) {
      return "'\(name)' is not the name of an organization or user"
    }
    return nil
  }
}

extension APIAddress {
  /// `https://api.github.com`.
  public static let gitHub = APIAddress(origin: "https://api.github.com", prefix: "")

  /// Where GraphQL is, beside GitHub's REST API.
  var graphQL: APIAddress {
    prefix.hasSuffix("/v3") ? APIAddress(origin: origin, prefix: String(prefix.dropLast(3))) : self
  }
}

/// A repository's name in its two parts.
struct RepositoryName: Sendable, Hashable {
  var owner: String
  var name: String

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && !$0.contains(where: \.isWhitespace) })
    else { return nil }
    owner = String(parts[0])
    name = String(parts[1])
  }
}

/// Why a source cannot be made of options.
public struct GitHubOptionsError: Error, Equatable, CustomStringConvertible {
  /// What is wrong, in a sentence.
  public var description: String
}
