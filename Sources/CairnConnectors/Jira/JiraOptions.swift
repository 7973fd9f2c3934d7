public import Cairn

/// What is read from a Jira, and how.
public struct JiraOptions: Sendable, Hashable {
  /// Which kind of Jira it is; nil to tell by its address.
  public var deployment: JiraDeployment?
  /// The keys of the projects; empty for all that the account may see.
  public var projects: [String]
  /// A query in JQL that narrows the issues; nil for all. Without `ORDER BY`.
  public var filter: String?
  /// The names of the issues' fields that are read, as Jira's `fields` has them; `*all` for all.
  public var fields: [String]
  /// Whether the issues' histories are read.
  public var readsChangelog: Bool
  /// Whether the issues' worklogs are read.
  public var readsWorklogs: Bool
  /// Whose development status (commits, branches, pull requests) is read.
  public var development: Development
  /// Whether the users are read.
  public var readsUsers: Bool
  /// Whether each record's JSON is kept beside its columns.
  public var keepsJSON: Bool
  /// Whether issues that were deleted are searched for.
  public var sweepsDeletions: Bool
  /// What becomes of a run that was interrupted.
  public var recovery: JobRecovery
  /// How instants are written in queries.
  public var dates: JiraDates

  /// Whose development status is read.
  public enum Development: String, Sendable, Hashable, CaseIterable {
    /// Nobody's.
    case none
    /// Of issues that changed. A commit alone does not change an issue.
    case changed
    /// Of all issues, in every run: at least one request for each.
    case all
  }

  /// Makes options; the defaults are the job file's.
  public init(
    deployment: JiraDeployment? = nil, projects: [String] = [], filter: String? = nil,
    fields: [String] = ["*all"], readsChangelog: Bool = true, readsWorklogs: Bool = true,
    development: Development = .changed, readsUsers: Bool = true, keepsJSON: Bool = false,
    sweepsDeletions: Bool = false, recovery: JobRecovery = .restart,
    dates: JiraDates = .milliseconds
  ) {
    self.deployment = deployment
    self.projects = projects
    self.filter = filter
    self.fields = fields
    self.readsChangelog = readsChangelog
    self.readsWorklogs = readsWorklogs
    self.development = development
    self.readsUsers = readsUsers
    self.keepsJSON = keepsJSON
    self.sweepsDeletions = sweepsDeletions
    self.recovery = recovery
    self.dates = dates
  }
}
