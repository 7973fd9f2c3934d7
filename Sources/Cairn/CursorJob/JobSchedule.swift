/// A job, as the sink keeps it: a row of `job_schedules`.
public struct JobSchedule: Sendable, Hashable {
  /// What it says of itself.
  public var job: NewJob
  /// How it stands.
  public var status: JobStatus
  /// The run that is under way or was the last; nil before the first.
  public var run: SyncID?
  /// The attempt at that run, from 1.
  public var attempt: Int
  /// The generation of the newest checkpoint; 0 before the first.
  public var generation: Int
  /// When that was committed, by the sink's clock, in ISO 8601 UTC.
  public var lastCheckpointAt: String?
  /// Attempts in a row that failed.
  public var retryCount: Int
  /// The last error.
  public var error: String?
  /// When the job runs next, by the sink's clock, in ISO 8601 UTC; nil when it has no interval or is to
  /// run at once.
  public var nextRunAt: String?
  /// Whether that is now or past, by the sink's clock.
  public var isDue: Bool
  /// How long ago the last attempt ended, by the sink's clock; nil before the first end.
  public var sinceEnd: Duration?
  /// Who works on it, if somebody does.
  public var holder: LeaseHolder?

  /// Makes a schedule from its parts.
  public init(
    job: NewJob, status: JobStatus, run: SyncID? = nil, attempt: Int = 0, generation: Int = 0,
    lastCheckpointAt: String? = nil, retryCount: Int = 0, error: String? = nil,
    nextRunAt: String? = nil, isDue: Bool = true, sinceEnd: Duration? = nil,
    holder: LeaseHolder? = nil
  ) {
    self.job = job
    self.status = status
    self.run = run
    self.attempt = attempt
    self.generation = generation
    self.lastCheckpointAt = lastCheckpointAt
    self.retryCount = retryCount
    self.error = error
    self.nextRunAt = nextRunAt
    self.isDue = isDue
    self.sinceEnd = sinceEnd
    self.holder = holder
  }
}

/// What a job says of itself.
public struct NewJob: Sendable, Hashable {
  /// Its name.
  public var name: String
  /// The kind of its source.
  public var type: String
  /// SHA-256 of what decides which records land, in hex.
  public var scopeDigest: String
  /// How often it runs; nil when it is only run when asked to.
  public var interval: Duration?
  /// The path of its file, so that `--due` finds it; nil for a program's job.
  public var file: String?

  /// Describes a job.
  public init(
    name: String, type: String, scopeDigest: String, interval: Duration? = nil,
    file: String? = nil
  ) {
    self.name = name
    self.type = type
    self.scopeDigest = scopeDigest
    self.interval = interval
    self.file = file
  }
}

/// How a job stands.
public enum JobStatus: String, Sendable, Hashable, CaseIterable {
  /// It waits for its next run; with an unfinished checkpoint it was stopped.
  case pending = "PENDING"
  /// An attempt is under way, or was killed.
  case running = "RUNNING"
  /// The last run is finished.
  case finished = "FINISHED"
  /// The last attempt failed.
  case failed = "FAILED"
  /// It does not run until it is let.
  case paused = "PAUSED"
}

/// A change of a job from outside.
public enum JobChange: Sendable, Hashable {
  /// Not to run until it is let.
  case pause
  /// To run again after a pause.
  case unpause
  /// To begin anew.
  case reset
}

extension JobChange {
  /// What the history says of it.
  package var detail: String {
    switch self {
    case .pause: "paused"
    case .unpause: "unpaused"
    case .reset: "reset"
    }
  }
}
