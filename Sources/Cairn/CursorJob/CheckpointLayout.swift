/// How the checkpoints of a kind of source name their fields, so that they read as people of that kind
/// of job expect.
public struct CheckpointLayout: Sendable, Hashable {
  /// The queue of partitions: `repo_processing_queue`.
  public var queue: String
  /// The partition that was last worked on: `last_repo_sync_checkpoint`.
  public var current: String
  /// Its cursor; `github_pr_cursor`. Nil where no such field is written.
  public var cursor: String?
  /// How many records were processed: `total_prs_processed`.
  public var total: String
  /// The phase: `current_phase`.
  public var phase: String
  /// The names of the partitions of ``countedPhase`` that are finished: `projects_completed`. Nil where
  /// no such field is written.
  public var completed: String?
  /// The phase whose records ``total`` counts, and whose partitions ``completed`` names; nil for all.
  public var countedPhase: String?
  /// Fields without which a checkpoint is not valid.
  public var required: [String]
  /// The boundaries that are passed when a partition of a phase is finished, by phase:
  /// `repository_pr_extraction_complete`. A phase that is not here has one of its own name.
  public var boundaries: [String: [String]]
  /// How the events are named for which a checkpoint is saved.
  public var triggers: Triggers

  /// The names of what checkpoints are saved for.
  public struct Triggers: Sendable, Hashable {
    /// A partition is finished: `repository_completion`.
    public var partition: String
    /// A page is read: `pr_batch_completion`.
    public var batch: String
    /// A limit of the API is reached.
    public var rateLimit: String
    /// An error ended the attempt.
    public var error: String

    /// Names them.
    public init(
      partition: String = "partition_completion", batch: String = "batch_completion",
      rateLimit: String = "rate_limit_reached", error: String = "error_occurrence"
    ) {
      self.partition = partition
      self.batch = batch
      self.rateLimit = rateLimit
      self.error = error
    }
  }

  /// Makes a layout.
  public init(
    queue: String, current: String, cursor: String?, total: String, phase: String,
    completed: String? = nil, countedPhase: String? = nil, required: [String],
    boundaries: [String: [String]] = [:], triggers: Triggers = Triggers()
  ) {
    self.queue = queue
    self.current = current
    self.cursor = cursor
    self.total = total
    self.phase = phase
    self.completed = completed
    self.countedPhase = countedPhase
    self.required = required
    self.boundaries = boundaries
    self.triggers = triggers
  }

  /// The boundaries that are passed when a partition of a phase is over, or the last of a run.
  func boundaries(after phase: String) -> [String] { boundaries[phase] ?? ["\(phase)_complete"] }

  /// For sources that have no names of their own.
  public static let general = CheckpointLayout(
    queue: "queue", current: "current_partition", cursor: "cursor", total: "records_processed",
    phase: "phase", required: ["queue", "phase"])

  /// For GitHub. Commits and reviews come with their pull requests, so that those boundaries are passed
  /// together.
  public static let github = CheckpointLayout(
    queue: "repo_processing_queue", current: "last_repo_sync_checkpoint",
    cursor: "github_pr_cursor", total: "total_prs_processed", phase: "current_phase",
    countedPhase: "pr_extraction",
    required: ["repo_processing_queue", "last_repo_sync_checkpoint"],
    boundaries: [
      "repository_discovery": ["repository_discovery_complete"],
      "pr_extraction": [
        "repository_commit_extraction_complete", "repository_review_extraction_complete",
        "pr_issue_linking_complete", "repository_pr_extraction_complete",
      ],
    ],
    triggers: Triggers(
      partition: "repository_completion", batch: "pr_batch_completion",
      error: "api_error_occurrence"))

  /// For Jira.
  public static let jira = CheckpointLayout(
    queue: "project_processing_queue", current: "current_project", cursor: nil,
    total: "total_issues_processed", phase: "extraction_phase", completed: "projects_completed",
    countedPhase: "issues", required: ["last_sync_at", "extraction_phase"],
    boundaries: [
      "project_discovery": ["project_discovery_complete"],
      "issues": ["project_issues_complete", "data_transformation_complete"],
      "dev_status": ["project_dev_status_complete"],
      "users": ["user_extraction_complete"],
    ],
    triggers: Triggers(partition: "project_completion", batch: "issue_batch_completion"))
}

extension CheckpointLayout {
  /// The layout of a kind of source, as far as Cairn knows it; else the general one.
  public static func usual(forType type: String) -> CheckpointLayout {
    switch type {
    case "github": .github
    case "jira": .jira
    default: .general
    }
  }
}
