/// How far a job's run is: what is committed with each page.
///
/// A value. ``encoded(as:)`` and ``decode(_:digest:for:layout:)`` write and read it as JSON, under the
/// names that its kind of source gives its fields (``CheckpointLayout``).
public struct JobCheckpoint: Sendable, Hashable {
  /// The version of the format that is written.
  public static let version = "2.0"

  /// The job's name.
  public var job: String
  /// The kind of its source.
  public var type: String
  /// SHA-256 of what decides which records land.
  public var scopeDigest: String
  /// The run.
  public var run: SyncID
  /// The partitions.
  public var queue: JobQueue
  /// The name of the partition that was worked on last.
  public var current: String?
  /// How many records were processed, by all attempts of the run.
  public var total = 0
  /// The phase; nil before the first.
  public var phase: String?
  /// Since when changes are looked for, in nanoseconds since 1970-01-01 UTC; nil when all records are
  /// wanted. Of a finished run it is what the next begins with.
  public var lastSyncAt: Int64?
  /// Partitions of which another time counts than ``lastSyncAt``; nil: all their records are wanted.
  public var exceptions: [Partition: Int64?] = [:]
  /// The partitions that earlier runs have read, by phase: of those that are not here all records are
  /// wanted.
  public var known: [String: [String]] = [:]
  /// When the run began, by the API's clock where it tells one.
  public var runBegan: Int64
  /// When the run was finished; nil as long as it is not.
  public var finishedAt: Int64?
  /// What was passed by the commit: `repository_pr_extraction_complete`.
  public var boundaries: [String] = []
  /// What it was saved for: `pr_batch_completion`.
  public var trigger = ""
  /// When it was made.
  public var timestamp: Int64
  /// What the API last said of its limits.
  public var rateLimit: RateLimit?
  /// The error that ended an attempt, until a page is committed again.
  public var error: ErrorContext?
  /// When deleted keys were searched for.
  public var sweep = Sweep()
  /// How many rows each table of the target has by what was committed, by its name in the target.
  public var tables: [String: TableMark] = [:]
  /// What an interrupted run had come to that this one replaces.
  public var reference: Reference?

  /// An error, and where it came.
  public struct ErrorContext: Sendable, Hashable {
    /// What was done last.
    public var lastSuccessfulOperation: String?
    /// What failed.
    public var failurePoint: String
    /// Whether trying again may help.
    public var isRecoverable: Bool
    /// The error in words.
    public var error: String

    /// Makes it.
    public init(
      lastSuccessfulOperation: String?, failurePoint: String, isRecoverable: Bool, error: String
    ) {
      self.lastSuccessfulOperation = lastSuccessfulOperation
      self.failurePoint = failurePoint
      self.isRecoverable = isRecoverable
      self.error = error
    }
  }

  /// The searches for deleted keys.
  public struct Sweep: Sendable, Hashable {
    /// When the last one ended.
    public var lastAt: Int64?
    /// How many runs were finished since.
    public var runsSince = 0
    /// Whether this run has one.
    public var isUnderWay = false

    /// Makes it.
    public init(lastAt: Int64? = nil, runsSince: Int = 0, isUnderWay: Bool = false) {
      self.lastAt = lastAt
      self.runsSince = runsSince
      self.isUnderWay = isUnderWay
    }
  }

  /// Between what bounds the number of a table's rows is by what was committed.
  ///
  /// Before a commit nobody knows how many of its rows are new; so the bounds are apart by one page at most.
  public struct TableMark: Sendable, Hashable {
    /// The fewest rows there are.
    public var atLeast: Int
    /// The most.
    public var atMost: Int

    /// Makes it.
    public init(atLeast: Int, atMost: Int) {
      self.atLeast = atLeast
      self.atMost = atMost
    }
  }

  /// A checkpoint that was not gone on from, in short.
  public struct Reference: Sendable, Hashable {
    /// Its generation.
    public var generation: Int
    /// Its run.
    public var run: String
    /// When it was made.
    public var timestamp: Int64
    /// Its phase.
    public var phase: String?
    /// The partition it was at.
    public var current: String?
    /// How many records were processed.
    public var total: Int
    /// How many partitions were finished.
    public var finished: Int

    /// Makes it.
    public init(
      generation: Int, run: String, timestamp: Int64, phase: String?, current: String?, total: Int,
      finished: Int
    ) {
      self.generation = generation
      self.run = run
      self.timestamp = timestamp
      self.phase = phase
      self.current = current
      self.total = total
      self.finished = finished
    }
  }

  /// Makes a checkpoint of a run that begins.
  public init(
    job: String, type: String, scopeDigest: String, run: SyncID, phases: [String], runBegan: Int64
  ) {
    self.job = job
    self.type = type
    self.scopeDigest = scopeDigest
    self.run = run
    self.runBegan = runBegan
    timestamp = runBegan
    queue = JobQueue(phases: phases)
  }

  /// Whether the run is finished.
  public var isFinished: Bool { finishedAt != nil }

  /// The last boundary or event: `checkpoint_phase`.
  public var checkpointPhase: String { boundaries.last ?? trigger }

  /// The cursor of the partition that was worked on last.
  public var cursor: String? {
    guard let current, let phase else { return nil }
    return queue[phase, current]?.cursor
  }
}

extension JobCheckpoint {
  /// Since when changes of a partition are wanted; nil when all its records are.
  func since(of partition: Partition) -> Int64? {
    guard !partition.isReadWhole else { return nil }
    if let exception = exceptions[partition] { return exception }
    return isKnown(partition) ? lastSyncAt : nil
  }

  /// Whether an earlier run has read it.
  func isKnown(_ partition: Partition) -> Bool {
    // In the order of their names, and as many as an organisation has repositories.
    guard let names = known[partition.phase] else { return false }
    var low = 0
    var high = names.count
    while low < high {
      let middle = (low + high) / 2
      if NameOrder.isBefore(names[middle], partition.name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low < names.count && names[low] == partition.name
  }
}
