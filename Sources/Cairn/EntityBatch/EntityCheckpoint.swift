/// The mark of a processor's work on a partition, as the sink keeps it: a row of
/// `processing_checkpoints`. It is there from the begin of the work to its end.
public struct EntityCheckpoint: Sendable, Hashable {
  /// What was known when the work began.
  public var new: NewEntityRun
  /// The id of the last entity that is done without a gap before it; empty before the first.
  public var lastEntityID: String
  /// Which entities are done, by position.
  public var completed: CompletedRanges
  /// How many entities there are.
  public var total: Int
  /// SHA-256 of the ids up to the end of the last range that is done.
  public var prefixDigest: String
  /// When the last batch was committed, or the work began, by the sink's clock, in ISO 8601 UTC.
  public var checkpointAt: String
  /// How long ago that was, by the sink's clock, when this was read.
  public var age: Duration
  /// How many attempts were made.
  public var attempt: Int
  /// When the last attempt began, in ISO 8601 UTC.
  public var attemptStartedAt: String
  /// How many entities were done when the last attempt began.
  public var completedBefore: Int
  /// Whether the last attempt has not said how it ended: it is under way, or was killed.
  public var isOpen: Bool
  /// State that was saved with the last batch.
  public var state: StoredState?
  /// The target's columns, as JSON, once rows were committed.
  public var target: String?
  /// Batches that failed since one was committed.
  public var failuresInARow: Int
  /// How long ago the last of them failed, by the sink's clock.
  public var failureAge: Duration?
  /// The last error.
  public var error: String?
  /// Who works on it, if somebody does.
  public var holder: LeaseHolder?

  /// Makes a checkpoint from its parts.
  public init(
    new: NewEntityRun, lastEntityID: String = "", completed: CompletedRanges = CompletedRanges(),
    total: Int, prefixDigest: String, checkpointAt: String, age: Duration = .zero,
    attempt: Int = 1, attemptStartedAt: String, completedBefore: Int = 0, isOpen: Bool = true,
    state: StoredState? = nil, target: String? = nil, failuresInARow: Int = 0,
    failureAge: Duration? = nil, error: String? = nil, holder: LeaseHolder? = nil
  ) {
    self.new = new
    self.lastEntityID = lastEntityID
    self.completed = completed
    self.total = total
    self.prefixDigest = prefixDigest
    self.checkpointAt = checkpointAt
    self.age = age
    self.attempt = attempt
    self.attemptStartedAt = attemptStartedAt
    self.completedBefore = completedBefore
    self.isOpen = isOpen
    self.state = state
    self.target = target
    self.failuresInARow = failuresInARow
    self.failureAge = failureAge
    self.error = error
    self.holder = holder
  }

  /// The id of the run.
  public var syncID: SyncID { new.syncID }

  /// `processor:partition`.
  public var key: String { new.key }
}

/// What is known of a processor's run over the entities of a partition when it begins.
public struct NewEntityRun: Sendable, Hashable {
  /// The run's id.
  public var syncID: SyncID
  /// The processor's name.
  public var processor: String
  /// The partition; empty when there are none.
  public var partition: String
  /// How many entities there are.
  public var total: Int
  /// SHA-256 of all ids in order.
  public var listDigest: String
  /// The target table, as the user wrote it.
  public var table: String

  /// Describes a run to begin.
  public init(
    syncID: SyncID, processor: String, partition: String, total: Int, listDigest: String,
    table: String
  ) {
    self.syncID = syncID
    self.processor = processor
    self.partition = partition
    self.total = total
    self.listDigest = listDigest
    self.table = table
  }

  /// `processor:partition`, for people and queries; two names with colons may share one.
  public var key: String { "\(processor):\(partition)" }
}

/// A batch's mark, on its way to the sink.
public struct EntityMark: Sendable, Hashable {
  /// What is done according to the sink. The mark is refused where it finds something else.
  public var before: CompletedRanges
  /// What is done once it is committed.
  public var completed: CompletedRanges
  /// How many entities there are.
  public var total: Int
  /// SHA-256 of all ids.
  public var listDigest: String
  /// The last entity that is done without a gap before it.
  public var lastEntityID: String
  /// SHA-256 of the ids up to the end of `completed`.
  public var prefixDigest: String
  /// State to save with it; nil for none.
  public var state: StoredState?
  /// The target's columns, as JSON, if rows were committed.
  public var target: String?
  /// Batches that the attempt has committed, this one included.
  public var batches: Int
  /// Seconds that the attempt's marks before this one took.
  public var markSeconds: Double

  /// Makes a mark.
  public init(
    before: CompletedRanges, completed: CompletedRanges, total: Int, listDigest: String,
    lastEntityID: String, prefixDigest: String, state: StoredState? = nil, target: String? = nil,
    batches: Int = 1, markSeconds: Double = 0
  ) {
    self.before = before
    self.completed = completed
    self.total = total
    self.listDigest = listDigest
    self.lastEntityID = lastEntityID
    self.prefixDigest = prefixDigest
    self.state = state
    self.target = target
    self.batches = batches
    self.markSeconds = markSeconds
  }
}
