public import Cairn

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Repositories, pull requests with all that belongs to them, and issues of GitHub, by GraphQL.
///
/// The phases, each with a partition a repository but the first:
/// - `repository_discovery`: an owner's repositories, or those of a list.
/// - `pr_extraction`: pull requests with commits, reviews, review comments and linked issues.
/// - `issue_extraction`: issues.
/// - `sweep`: which numbers there are still, when deletions are searched for.
///
/// See `docs/github.md` for tables, limits, and what an incremental run sees.
public final class GitHubSource: CursorSource {
  /// `github`.
  public let type = "github"
  /// The tables that are wanted, and whether their JSON is.
  public let scope: String
  /// As ``Cairn/CheckpointLayout/github``.
  public var layout: CheckpointLayout { .github }
  /// 50 pull requests or three minutes.
  public var checkpointPolicy: CheckpointPolicy { .github }
  /// Those of the phases that the wanted tables need.
  public let phases: [String]
  /// The sweep.
  public let sweepPhases: [String]
  /// The tables that are wanted.
  public let tables: [RecordTable]
  /// The owners, and the list.
  public let firstPartitions: [Partition]

  let options: GitHubOptions
  let query: GitHubQuery
  let client: APIClient
  let sizes = PageSizes()
  private let shapes: [GitHubTable: RecordShape]

  /// The partition of the repositories that are given by name.
  static let list = "listed repositories"

  enum Phase: String {
    case discovery = "repository_discovery"
    case pullRequests = "pr_extraction"
    case issues = "issue_extraction"
    case sweep
  }

  /// Makes a source. Nothing is asked of GitHub yet.
  ///
  /// - Throws: ``GitHubOptionsError``.
  public convenience init(
    _ options: GitHubOptions, environment: CursorSourceEnvironment = CursorSourceEnvironment()
  ) throws(GitHubOptionsError) {
    try self.init(options, environment: environment, transport: NetworkTransport())
  }

  init(
    _ options: GitHubOptions, environment: CursorSourceEnvironment, transport: any Transport
  ) throws(GitHubOptionsError) {
    if let problem = options.problem { throw GitHubOptionsError(description: problem) }
    self.options = options
    let wanted = options.wantedTables
    query = GitHubQuery(tables: wanted)
    let ordered = GitHubTable.allCases.filter(wanted.contains)
    let shapes = ordered.map { table in
      options.keepsJSON ? table.shape.keepingJSON(without: table.connections) : table.shape
    }
    self.shapes = Dictionary(uniqueKeysWithValues: zip(ordered, shapes))
    tables = shapes.map(\.table)
    scope =
      "tables \(ordered.map(\.rawValue).joined(separator: ", ")) of \(options.address)"
      + (options.keepsJSON ? ", with their JSON" : "")
    var phases: [Phase] = [.discovery]
    if wanted.contains(.pullRequests) { phases.append(.pullRequests) }
    if wanted.contains(.issues) { phases.append(.issues) }
    let sweeps = options.sweepsDeletions && phases.count > 1
    if sweeps { phases.append(.sweep) }
    self.phases = phases.map(\.rawValue)
    sweepPhases = sweeps ? [Phase.sweep.rawValue] : []
    var names = options.owners
    if !options.repositories.isEmpty { names.append(Self.list) }
    firstPartitions = names.map {
      Partition(phase: Phase.discovery.rawValue, name: $0, isReadWhole: true)
    }
    client = APIClient(
      address: options.address.graphQL, credentials: options.credentials,
      options: APIClientOptions(
        service: "GitHub", timeout: options.timeout, retry: environment.retry,
        reserve: options.reserve,
        // Node ids in their present form, whatever the repository's age: they are keys.
        headers: [("X-Github-Next-Global-ID", "1")],
        remedies: [
          401:
            "A token needs the scope 'repo' (read access to contents, issues and pull requests).",
          403: "A token needs the scope 'repo', and 'read:org' for an organization's members.",
          404: "GraphQL is expected at \(options.address.graphQL)/graphql.",
        ]), environment: environment.run, transport: transport)
  }

  /// By `exclude`.
  public var leavingOut: String {
    "look at it, or leave it out with exclude, and its rows are kept"
  }

  /// Takes in what the last checkpoint says of the budget.
  public func recall(_ rateLimit: RateLimit) { client.recall(rateLimit) }

  /// Asks GitHub for a page of a partition.
  public func page(_ request: PageRequest) async throws -> Page {
    do {
      let phase = Phase(rawValue: request.partition.phase)
      if phase != .discovery, options.excludes(request.partition.name) {
        // It did not when the run discovered it. Passed over, it lacks nothing once it is wanted again.
        return Page(next: .passedOver(reason: "the job excludes it"))
      }
      switch phase {
      case .discovery? where request.partition.name == Self.list:
        return try await listedRepositories(request)
      case .discovery?: return try await repositories(request)
      case .pullRequests?: return try await pullRequests(request)
      case .issues?: return try await issues(request)
      case .sweep?: return try await sweep(request)
      case nil:
        throw CursorSourceError.fatal(
          "GitHub has no phase '\(request.partition.phase)'",
          remedy: "It is one of \(phases.joined(separator: ", ")).")
      }
    } catch let refusal as APIRefusal {
      throw CursorSourceError.fatal(refusal.description, remedy: "")
    }
  }

  // MARK: - Asking

  /// A variable of a query.
  enum Variable {
    case text(String?)
    case number(Int)
    case flag(Bool?)

    var json: String {
      switch self {
      case .text(let text): text.map(JSONText.quoted) ?? "null"
      case .number(let number): "\(number)"
      case .flag(let flag): flag.map { "\($0)" } ?? "null"
      }
    }
  }

  /// Asks, in smaller pages if need be.
  ///
  /// - Parameters:
  ///   - name: By what the size of pages is remembered.
  ///   - limit: The most records that are wanted.
  ///   - cost: What a page of a size costs, in points.
  ///   - make: The query and its variables for a size.
  func ask(
    _ context: any PageContext, sizedBy name: String, limit: Int, cost: @escaping (Int) -> Int,
    _ make: (Int) -> (String, [(String, Variable)])
  ) async throws -> GraphQLAnswer {
    var page = PageSize(sizes, of: name, limit: limit)
    let response = try await client.send(context: context, judge: GraphQLAnswer.judge) { attempt in
      let size = page.size(for: attempt)
      let (query, variables) = make(size)
      let named = variables.map { "\(JSONText.quoted($0.0)):\($0.1.json)" }
      let body =
        "{\"query\":\(JSONText.quoted(query)),\"variables\":{\(named.joined(separator: ","))}}"
      return APIRequest(.post, "/graphql", body: Array(body.utf8), cost: cost(size))
    }
    page.answered()
    let answer = GraphQLAnswer(try client.checked(response, path: "/graphql").json ?? .missing)
    client.note(
      ToldLimit(graphQL: answer.data["rateLimit"]), besides: response.headers, context)
    for error in answer.errors {
      switch error.kind {
      case .cursor: throw CursorSourceError.cursorRefused("GitHub: \(error.message)")
      case .refused, .other:
        throw CursorSourceError.fatal(
          "GitHub refuses the query: \(error.message)",
          remedy: error.type == "INSUFFICIENT_SCOPES"
            ? "Give the token the scopes that are named there."
            : "Its schema may be older than the one this is made for (Enterprise Server 3.14).")
      default: continue
      }
    }
    return answer
  }

  /// The elements of a list; an error where GitHub gave none, which is not the same as an empty one.
  func told(
    _ list: JSONValue, _ member: String, _ what: String, _ answer: GraphQLAnswer
  ) throws(CursorSourceError) -> [JSONValue] {
    guard list[member].isArray else {
      let reason = answer.errors.first.map { ": \($0.reason)" } ?? ""
      throw .transient("GitHub's answer is without the list of \(what)\(reason)")
    }
    return list[member].elements
  }

  /// What may not be read of a list, for the page's notices: each reason once, and nothing that differs
  /// from page to page.
  func notices(_ errors: [GraphQLError], of what: String) -> [String] {
    var notices: [String] = []
    for error in errors where error.kind == .forbidden {
      let notice = "some of \(what) cannot be read: \(error.reason)"
      if !notices.contains(notice) { notices.append(notice) }
    }
    return notices
  }

  /// The rows of a page, by table.
  func rows(for tables: GitHubTable...) -> [GitHubTable: RecordRows] {
    var rows: [GitHubTable: RecordRows] = [:]
    for table in tables {
      if let shape = shapes[table] { rows[table] = RecordRows(shape) }
    }
    return rows
  }

  /// The rows in the order of the tables.
  func tableRows(_ rows: [GitHubTable: RecordRows]) throws -> [TableRows] {
    try GitHubTable.allCases.compactMap { try rows[$0]?.rows() }
  }

  /// The repository of an answer, or why there is none.
  func repository(_ answer: GraphQLAnswer, _ name: String) throws(PassedOver) -> JSONValue {
    let repository = answer.data["repository"]
    guard repository.isNull else { return repository }
    // What must not be null and cannot be read makes null of the repository, too: then the error is
    // further down.
    let error =
      answer.error(at: ["repository"])
      ?? answer.errors.first { $0.path.first == "repository" }
    throw PassedOver(reason: error?.reason ?? "\(name) cannot be read with these credentials")
  }
}

/// A partition cannot be read.
struct PassedOver: Error {
  var reason: String
}

/// Where a repository's list goes on: GitHub's cursor, and which repository it is of, since another one
/// may have its name by then. A cursor of a checkpoint that came from elsewhere does not say which: it is
/// taken as it is, and the next one says it.
struct RepositoryCursor: Sendable, Hashable {
  var cursor: String
  var repository: String?

  var text: String { repository.map { "\(cursor) \($0)" } ?? cursor }

  init(cursor: String, repository: String) {
    self.cursor = cursor
    self.repository = repository
  }

  init?(_ text: String?) throws(CursorSourceError) {
    guard let text else { return nil }
    let parts = text.split(separator: " ")
    guard (1...2).contains(parts.count) else {
      throw .cursorRefused("'\(text)' is not a cursor of a repository's list")
    }
    cursor = String(parts[0])
    repository = parts.count == 2 ? String(parts[1]) : nil
  }
}
