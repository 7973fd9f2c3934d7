/// How an attempt is to be ended.
public struct EntityEnd: Sendable, Hashable {
  /// `completed`, `failed` or `stopped`.
  public var ending: EntityAttempt.Ending
  /// What went wrong.
  public var error: String?
  /// What is done according to the sink; ended as completed only when the sink agrees.
  public var completed: CompletedRanges
  /// Batches that the attempt committed.
  public var batches: Int
  /// Seconds that their marks took.
  public var markSeconds: Double
  /// The partition that is to be replaced, with the end.
  public var replacement: PartitionReplacement?
  /// Whether the history keeps the state of the last mark, for a call that finds the work completed.
  public var keepsState: Bool
  /// States that were kept so for longer are forgotten, of all the processor's partitions; nil for
  /// never.
  public var stateExpiry: Duration?

  /// Describes an end.
  public init(
    ending: EntityAttempt.Ending, error: String? = nil, completed: CompletedRanges,
    batches: Int = 0, markSeconds: Double = 0, replacement: PartitionReplacement? = nil,
    keepsState: Bool = false, stateExpiry: Duration? = nil
  ) {
    self.ending = ending
    self.error = error
    self.completed = completed
    self.batches = batches
    self.markSeconds = markSeconds
    self.replacement = replacement
    self.keepsState = keepsState
    self.stateExpiry = stateExpiry
  }
}

/// The rows of a table that are replaced.
public struct PartitionReplacement: Sendable, Hashable {
  /// The table, as the user wrote it.
  public var table: String
  /// The column that tells them.
  public var column: String
  /// What it holds, as text.
  public var value: String
  /// The columns of the new rows; empty when there are none.
  public var columns: [String]

  /// Describes the rows.
  public init(table: String, column: String, value: String, columns: [String]) {
    self.table = table
    self.column = column
    self.value = value
    self.columns = columns
  }
}
