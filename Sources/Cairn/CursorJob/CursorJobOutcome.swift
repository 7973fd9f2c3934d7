/// How an attempt at a job ended.
public enum CursorJobOutcome: Sendable {
  /// The run is finished.
  case done(JobReport)
  /// The run is finished, but some partitions could not be read and were passed over.
  case partial(JobReport)
  /// It stopped before its end; the next attempt goes on.
  case stopped(JobReport, StopReason)

  /// The account of it.
  public var report: JobReport {
    switch self {
    case .done(let report), .partial(let report), .stopped(let report, _): report
    }
  }

  /// The code with which a program should end: 0 done, 2 partial, 75 stopped: run again to go on.
  public var exitCode: Int32 {
    switch self {
    case .done: 0
    case .partial: 2
    case .stopped: 75
    }
  }
}

/// The account of an attempt at a job.
public struct JobReport: Sendable, Hashable, Codable {
  /// The job.
  public var job: String
  /// The kind of its source.
  public var type: String
  /// The run; nil when none began.
  public var run: SyncID?
  /// The attempt at it.
  public var attempt = 0
  /// How it began: `fresh_start`, `checkpoint_resume`, `retry_with_backoff`, `normal`.
  public var recovery = ""
  /// Why.
  public var reason = ""
  /// Records of the counted kind, by all attempts of the run.
  public var totalRecords = 0
  /// Records that this attempt committed.
  public var records = 0
  /// Pages that this attempt committed.
  public var pages = 0
  /// Requests to the API that this attempt made.
  public var requests = 0
  /// Rows that this attempt wrote, by table of the target.
  public var tables: [String: RowCounts] = [:]
  /// Rows that this attempt deleted.
  public var deleted = 0
  /// Partitions that are finished.
  public var partitionsFinished = 0
  /// Partitions in all, as far as they are known.
  public var partitions = 0
  /// Partitions that could not be read.
  public var passedOver: [Unread] = []
  /// Partitions that failed for now; the next attempt tries them again.
  public var failed: [Unread] = []
  /// The generation of the last checkpoint.
  public var generation = 0
  /// Its size in bytes.
  public var checkpointBytes = 0
  /// Seconds that the attempt took.
  public var seconds = 0.0
  /// Seconds of these that it waited, for limits and between tries.
  public var waitSeconds = 0.0
  /// Seconds from its begin to its first commit.
  public var secondsToFirstCommit: Double?
  /// Whether target and marks agreed after a recovery; nil when that was not looked at.
  public var isConsistent: Bool?
  /// What was noticed.
  public var notes: [String] = []

  /// A partition that was not read.
  public struct Unread: Sendable, Hashable, Codable {
    /// Its phase.
    public var phase: String
    /// Its name.
    public var name: String
    /// Why.
    public var reason: String
  }
}

/// How far a job is.
public struct JobProgress: Sendable, Hashable {
  /// The job.
  public var job: String
  /// The run.
  public var run: SyncID
  /// The phase.
  public var phase: String?
  /// The partition that was committed last.
  public var current: String?
  /// Partitions that are over.
  public var partitionsOver: Int
  /// Partitions in all, as far as they are known.
  public var partitions: Int
  /// Records, by all attempts of the run.
  public var totalRecords: Int
  /// Records that this attempt committed.
  public var records: Int
  /// Requests that this attempt made.
  public var requests: Int
  /// What the API last said of its limits.
  public var rateLimit: RateLimit?
  /// What it waits for; nil when something is under way.
  public var wait: JobWait?
  /// Seconds since the attempt began.
  public var seconds: Double
}

/// What a job waits for.
public struct JobWait: Sendable, Hashable, CustomStringConvertible {
  /// Until when, in nanoseconds since 1970-01-01 UTC.
  public let until: Int64
  /// Why.
  public var reason: WaitReason

  /// Makes it.
  public init(until: Int64, reason: WaitReason) {
    self.until = EventTime.clamped(until)
    self.reason = reason
  }

  /// `waiting for rate limit until 11:00:00Z, 30 calls left`.
  public var description: String {
    let time = CheckpointTime.text((until + 999_999_999) / 1_000_000_000 * 1_000_000_000).suffix(9)
    return switch reason {
    case .rateLimit(let remaining):
      "waiting for rate limit until \(time), \(remaining) calls left"
    case .retryAfter: "waiting until \(time), as the API asked"
    case .retry(let attempt, let error): "waiting until \(time) for try \(attempt): \(error)"
    }
  }
}

/// Why a job did not run, or ended without an outcome. Each case says what to do next.
public enum CursorJobError: ClassifiedError, Sendable, CustomStringConvertible {
  /// Another process works on it.
  case ownedElsewhere(job: String, LeaseHolder)
  /// Another process took it over.
  case overtaken(job: String, LeaseHolder)
  /// It is paused.
  case paused(job: String)
  /// There are checkpoints, and none can be gone on from.
  case noValidCheckpoint(job: String, [CheckpointChoice.Refused])
  /// What the source gave cannot be worked with.
  case invalidPage(job: String, partition: String, reason: String)
  /// A record has a field that the frozen table does not have.
  case newField(job: String, table: String, column: String)
  /// The sink loses commits again and again.
  case commitsLost(job: String)
  /// An option makes no sense.
  case invalid(String)

  /// What follows from it.
  public var errorClass: ErrorClass {
    switch self {
    case .commitsLost: .transient
    case .newField: .data
    default: .fatal
    }
  }

  /// The code with which a program of one's own should end.
  public var exitCode: Int32 {
    switch self {
    case .ownedElsewhere, .overtaken: 69
    case .commitsLost: 75
    case .newField: 65
    case .invalid: 64
    case .paused, .noValidCheckpoint, .invalidPage: 1
    }
  }

  /// What is wrong, and what to do.
  public var description: String {
    switch self {
    case .ownedElsewhere(let job, let holder):
      "job '\(job)' is being worked on by \(holder)."
        + " Wait for it, or add --take-over if that process is stuck."
    case .overtaken(let job, let holder):
      "job '\(job)' was taken over by \(holder); this process stops and has committed nothing since."
    case .paused(let job):
      "job '\(job)' is paused.\nLet it run again with: cairn job unpause \(job)"
    case .noValidCheckpoint(let job, let refused):
      "none of the checkpoints of job '\(job)' can be gone on from:\n"
        + refused.map { "  generation \($0.generation), \($0.committedAt): \($0.defect)" }
        .joined(separator: "\n")
        + (refused.contains { if case .tooNew = $0.defect { true } else { false } }
          ? "\nGo on with the version of Cairn that wrote it, or begin anew with: cairn job reset \(job)"
          : "\nBegin anew, with the rows that are there kept and brought up to date: cairn job reset \(job)")
    case .invalidPage(let job, let partition, let reason):
      "job '\(job)', partition '\(partition)': the source gave a page that makes no sense: \(reason)"
    case .newField(let job, let table, let column):
      "job '\(job)': table '\(table)' has no column for the field '\(column)', and is frozen."
        + " Add the column, or set fields: evolve or ignore"
    case .commitsLost(let job):
      "job '\(job)': the database loses commits that it had acknowledged; look at its replication."
        + "\nThen go on with: cairn job resume \(job)"
    case .invalid(let reason): reason
    }
  }
}

/// What a job would do next.
public struct JobPlan: Sendable, Hashable {
  /// The job.
  public var job: String
  /// How it stands; nil when the sink does not know it yet.
  public var schedule: JobSchedule?
  /// What it does next.
  public var plan: RecoveryPlan
  /// The checkpoint that it goes on from.
  public var choice: CheckpointChoice
  /// How its tables stand.
  var target: TargetStanding
  /// Why the rows that the checkpoint knows of are not there.
  var targetChange: String?
}
