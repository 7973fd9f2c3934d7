/// How an attempt at the entities of a partition ended: a row of `processing_history`, to which rows
/// are only added.
public struct EntityAttempt: Sendable, Hashable, Codable {
  /// The run.
  public var syncID: SyncID
  /// The processor's name.
  public var processor: String
  /// The partition.
  public var partition: String
  /// The attempt's number.
  public var attempt: Int
  /// How it ended.
  public var ending: Ending
  /// Entities that were done when it began: what a resume saved.
  public var entitiesSaved: Int
  /// Entities that were done when it ended.
  public var entitiesCompleted: Int
  /// How many there are.
  public var totalEntities: Int
  /// The last one that was done.
  public var lastEntityID: String
  /// Batches that it committed.
  public var batches: Int
  /// Seconds that the marks of these took, without the writing of rows.
  public var markSeconds: Double
  /// When it began, in ISO 8601 UTC.
  public var startedAt: String
  /// When it ended; of one that was killed, when it committed last.
  public var endedAt: String
  /// How long it took.
  public var seconds: Double
  /// What went wrong.
  public var error: String?

  /// How an attempt ends.
  public enum Ending: String, Sendable, Hashable, Codable, CaseIterable {
    /// All entities are done; the checkpoint is cleared.
    case completed
    /// By an error.
    case failed
    /// By a deadline or signal, between batches.
    case stopped
    /// It was killed; noticed by the next one.
    case crashed
    /// Its checkpoint was too old to go on from.
    case expired
    /// Its checkpoint was given up: the entities had changed, the state was gone, or somebody asked to
    /// start over.
    case discarded
    /// Its checkpoint was cleaned up.
    case cleaned
  }

  /// Makes a row.
  public init(
    syncID: SyncID, processor: String, partition: String, attempt: Int, ending: Ending,
    entitiesSaved: Int, entitiesCompleted: Int, totalEntities: Int, lastEntityID: String,
    batches: Int, markSeconds: Double, startedAt: String, endedAt: String, seconds: Double,
    error: String? = nil
  ) {
    self.syncID = syncID
    self.processor = processor
    self.partition = partition
    self.attempt = attempt
    self.ending = ending
    self.entitiesSaved = entitiesSaved
    self.entitiesCompleted = entitiesCompleted
    self.totalEntities = totalEntities
    self.lastEntityID = lastEntityID
    self.batches = batches
    self.markSeconds = markSeconds
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.seconds = seconds
    self.error = error
  }
}

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

  /// Describes an end.
  public init(
    ending: EntityAttempt.Ending, error: String? = nil, completed: CompletedRanges,
    batches: Int = 0, markSeconds: Double = 0, replacement: PartitionReplacement? = nil
  ) {
    self.ending = ending
    self.error = error
    self.completed = completed
    self.batches = batches
    self.markSeconds = markSeconds
    self.replacement = replacement
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

/// Which attempts to list.
public struct EntityAttemptFilter: Sendable, Hashable {
  /// Only of this processor.
  public var processor: String?
  /// Only those that ended so long ago, by the sink's clock.
  public var within: Duration?
  /// The most attempts to return: the latest.
  public var limit: Int?

  /// Makes a filter.
  public init(processor: String? = nil, within: Duration? = nil, limit: Int? = nil) {
    self.processor = processor
    self.within = within
    self.limit = limit
  }
}
