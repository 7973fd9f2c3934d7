public import Cairn

/// Jira's projects, issues with their histories and worklogs, development status and users, as a source
/// of cursor jobs.
///
/// Issues are read project by project in the order of their keys, which a change does not move, and each
/// page proves that it begins where the one before ended; so none is passed over that is deleted, moved
/// or changed while it is read. What changes behind the place where we are is found by the next run, by
/// `updated`.
public struct JiraSource: CursorSource {
  let api: JiraAPI
  let options: JiraOptions
  let set: JiraTables
  let catalog: FieldCatalog
  let sizes = PageSizes()

  /// The phases.
  enum Phase {
    static let projects = "project_discovery"
    static let issues = "issues"
    static let development = "dev_status"
    static let users = "users"
    static let sweep = "sweep"
  }

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - address: Where Jira is: `https://example.atlassian.net`, `https://jira.example.com/jira`.
  ///   - credentials: `.basic` with an e-mail address and an API token (Cloud), `.bearer` with a personal
  ///     access token (Data Center).
  public init(
    address: APIAddress, credentials: APICredentials, options: JiraOptions = JiraOptions(),
    environment: CursorSourceEnvironment = CursorSourceEnvironment()
  ) {
    let client = APIClient(
      address: address, credentials: credentials,
      options: APIClientOptions(service: "Jira", timeout: .seconds(120), retry: environment.retry),
      environment: environment.run, transport: NetworkTransport())
    self.init(client: client, isAuthenticated: credentials != .anonymous, options: options)
  }

  init(client: APIClient, isAuthenticated: Bool, options: JiraOptions) {
    api = JiraAPI(
      client: client, deployment: options.deployment ?? JiraDeployment(of: client.address),
      isAuthenticated: isAuthenticated)
    self.options = options
    set = JiraTables(keepsJSON: options.keepsJSON)
    catalog = FieldCatalog(api: api)
  }

  // MARK: - What it is

  /// `jira`.
  public var type: String { "jira" }

  /// The address, the filter and what is read of an issue. Not the projects: a new one is just read from
  /// its begin.
  public var scope: String {
    var parts = ["Jira at \(api.client.address)"]
    if let filter = options.filter { parts.append("where \(filter)") }
    parts.append("fields \(options.fields.joined(separator: ","))")
    if options.readsChangelog { parts.append("changelog") }
    if options.readsWorklogs { parts.append("worklogs") }
    if options.keepsJSON { parts.append("raw") }
    return parts.joined(separator: ", ")
  }

  /// As people know Jira's checkpoints.
  public var layout: CheckpointLayout { .jira }

  /// Projects, then issues, their development status, users, and last a search for deleted issues.
  public var phases: [String] {
    [Phase.projects, Phase.issues]
      + (options.development == .none ? [] : [Phase.development])
      + (options.readsUsers ? [Phase.users] : [])
      + (options.sweepsDeletions ? [Phase.sweep] : [])
  }

  /// The search for deleted issues.
  public var sweepPhases: [String] { options.sweepsDeletions ? [Phase.sweep] : [] }

  /// 100 issues, or 5 minutes.
  public var checkpointPolicy: CheckpointPolicy { .jira }

  /// A restart, unless the options say otherwise.
  public var recovery: JobRecovery { options.recovery }

  /// Those that are read into.
  public var tables: [RecordTable] {
    [set.projects, set.fields, set.issues]
      + (options.readsChangelog ? [set.changelog] : [])
      + (options.readsWorklogs ? [set.worklogs] : [])
      + (options.development == .none ? [] : [set.development])
      + (options.readsUsers ? [set.users] : [])
  }

  /// The list of projects, and that of users.
  public var firstPartitions: [Partition] {
    [Partition(phase: Phase.projects, name: "projects", isReadWhole: true)]
      + (options.readsUsers
        ? [Partition(phase: Phase.users, name: "users", isReadWhole: true)] : [])
  }

  // MARK: - Pages

  /// By `projects`.
  public var leavingOut: String {
    "look at it, or leave it out of projects, and its rows are kept"
  }

  /// Takes in what the last checkpoint says of the budget.
  public func recall(_ rateLimit: RateLimit) { api.client.recall(rateLimit) }

  /// Asks for a page of a partition.
  public func page(_ request: PageRequest) async throws -> Page {
    do {
      let phase = request.partition.phase
      if [Phase.issues, Phase.development, Phase.sweep].contains(phase),
        !options.projects.isEmpty, !options.projects.contains(request.partition.name)
      {
        // It did when the run discovered it. Passed over, it lacks nothing once it is wanted again.
        return Page(next: .passedOver(reason: "the job does not name it any more"))
      }
      switch phase {
      case Phase.projects: return try await projects(request)
      case Phase.issues: return try await issues(request)
      case Phase.development: return try await development(request)
      case Phase.users: return try await users(request)
      case Phase.sweep: return try await sweep(request)
      default:
        // A phase that an earlier version had, or that is not wanted any more.
        return Page(next: .passedOver(reason: "there is no phase '\(request.partition.phase)'"))
      }
    } catch let error as RecordBatchError {
      throw CursorSourceError.fatal("Jira's records do not fit their table: \(error)", remedy: "")
    }
  }

  /// A clause for what changed since a run before.
  func since(_ request: PageRequest) -> String? {
    request.since.map { options.dates.updated(since: $0) }
  }

  /// What a project's partition comes to when Jira does not take a query for its issues.
  func refused(_ message: String, _ request: PageRequest) async throws -> Page {
    let project = request.partition.name
    if case .absent(let reason) = try await self.project(project, request.context) {
      return Page(next: .passedOver(reason: reason))
    }
    throw CursorSourceError.fatal(
      "Jira does not take the query for the issues of \(project): \(message)",
      remedy: options.filter == nil ? "" : "Check `jql` of the job.")
  }

  /// What is known of a project.
  enum ProjectAnswer {
    case found(JSONValue)
    /// It is gone, or the account may not see it; in words.
    case absent(String)
  }

  /// Asks for a project.
  func project(_ key: String, _ context: any PageContext) async throws -> ProjectAnswer {
    let response = try await api.answer("/project/\(APIAddress.encoded(key))", context: context)
    guard [403, 404, 410].contains(response.status) else {
      return .found(try api.success(response, path: "/project/\(key)").json ?? .missing)
    }
    // To somebody whose token was revoked all projects look as if they were gone.
    try await api.proveIdentity(context)
    return .absent(
      "the project \(key) is gone, or the account may not see it (status \(response.status)"
        + (response.message.isEmpty ? ")" : ": \(response.message))"))
  }
}
