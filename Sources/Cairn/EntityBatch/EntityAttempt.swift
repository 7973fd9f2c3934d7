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
