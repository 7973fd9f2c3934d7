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

  /// Makes a layout.
  public init(
    queue: String, current: String, cursor: String?, total: String, phase: String,
    completed: String? = nil, countedPhase: String? = nil, required: [String]
  ) {
    self.queue = queue
    self.current = current
    self.cursor = cursor
    self.total = total
    self.phase = phase
    self.completed = completed
    self.countedPhase = countedPhase
    self.required = required
  }

  /// For sources that have no names of their own.
  public static let general = CheckpointLayout(
    queue: "queue", current: "current_partition", cursor: "cursor", total: "records_processed",
    phase: "phase", required: ["queue", "phase"])
}
