public import Logging
public import Metrics

/// A job that extracts from an API, page by page.
///
/// ```swift
/// let job = CursorJob(name: "orders", source: OrdersSource(), into: sink)
/// let outcome = try await job.run()
/// ```
///
/// A page's records and the cursor after it are committed in one transaction: a job that is killed asks
/// again for one page of each partition in flight, at most, and writes no row twice.
public struct CursorJob: Sendable {
  /// Its name, by which the sink knows how far it is.
  public var name: String
  /// Where records come from.
  public var source: any CursorSource
  /// Where they go.
  public var sink: any CursorJobSink
  /// Put before the name of each table: a schema with its dot, or a prefix.
  public var tablePrefix: String
  /// How it works.
  public var options: CursorJobOptions

  /// Makes a job.
  public init(
    name: String, source: any CursorSource, into sink: any CursorJobSink,
    tablePrefix: String = "", options: CursorJobOptions = CursorJobOptions()
  ) {
    self.name = name
    self.source = source
    self.sink = sink
    self.tablePrefix = tablePrefix
    self.options = options
  }

  /// Does what is next for the job: goes on with an unfinished run, or begins one.
  ///
  /// - Parameters:
  ///   - deadline: How long it may take; then it stops at once, also in a wait, and can be gone on with.
  ///   - progress: Called after every commit, and when it begins to wait.
  /// - Throws: ``CursorJobError``, ``CursorSourceError``, ``SinkError``.
  public func run(
    deadline: Duration? = nil, progress: @escaping @Sendable (JobProgress) -> Void = { _ in }
  ) async throws -> CursorJobOutcome {
    var runner = CursorJobRunner(job: self, deadline: deadline, progress: progress)
    do {
      let outcome = try await runner.run()
      await options.events?.cleanUp()
      return outcome
    } catch {
      await options.events?.cleanUp()
      throw error
    }
  }

  /// What it would do next; nothing is written.
  public func plan() async throws -> JobPlan {
    try await JobClaim(job: self).look()
  }

  /// How often a checkpoint is saved.
  var policy: CheckpointPolicy {
    let usual = options.policy ?? source.checkpointPolicy
    return options.policyOverride?(usual) ?? usual
  }

  /// What the sink is told of it.
  var registration: NewJob {
    NewJob(
      name: name, type: source.type,
      scopeDigest: JSONContent.digest(of: Array(source.scope.utf8)), interval: options.interval,
      file: options.file)
  }

  /// Whose checkpoints it goes on from.
  var owner: JobCheckpoint.Owner {
    JobCheckpoint.Owner(job: name, type: source.type, phases: source.phases)
  }
}

/// How a job works.
public struct CursorJobOptions: Sendable {
  /// How often it runs; nil when it is only run when asked to.
  public var interval: Duration?
  /// How often a checkpoint is saved; nil for what the source says.
  public var policy: CheckpointPolicy?
  /// Makes the policy of the source's, where a job file says only some of it.
  var policyOverride: (@Sendable (CheckpointPolicy) -> CheckpointPolicy)?
  /// What becomes of an interrupted run; nil for what the source says.
  public var recovery: JobRecovery?
  /// What becomes of fields that a table does not declare.
  public var fields: FieldEvolution
  /// Whether deleted records are searched for.
  public var deletions: DeletionPolicy
  /// How many requests may be under way at once, of as many partitions.
  public var atOnce: Int
  /// How much earlier than its begin a run is taken to have begun, when the next looks for what changed
  /// since: for APIs whose lists lag behind.
  public var overlap: Duration
  /// How transient errors of the sink are tried again. After so many partitions in a row as it says
  /// (``RetryPolicy/giveUpAfter``) that failed, the job stops.
  public var retry: RetryPolicy
  /// The waits between attempts that fail.
  public var backoff: RetryPolicy
  /// Whether it begins at once even if its last attempt failed.
  public var skipsBackoff: Bool
  /// How long a silent owner keeps the job.
  public var leaseDuration: Duration
  /// Whether the job is taken from a process that is stuck.
  public var takeOver: Bool
  /// Whether the target is held against the marks after a recovery.
  public var checksRecovery: Bool
  /// The job file, if there is one.
  public var file: String?
  /// Where messages go.
  public var logger: Logger
  /// The log of events.
  public var events: EventLog?
  /// Who gets the figures; nil for the program's own backend.
  public var metrics: (any MetricsFactory)?
  /// Time, randomness and waiting.
  public var environment: RunEnvironment
  /// Places where crash tests kill the process.
  public var faults: FaultPoints
  /// Asks it to stop.
  public var stop: StopRequest

  /// The waits between attempts that fail, by default: from half a minute to an hour.
  public static let usualBackoff = RetryPolicy(
    minimumBackoff: .seconds(30), maximumBackoff: .seconds(3600))

  /// Makes options.
  public init(
    interval: Duration? = nil, policy: CheckpointPolicy? = nil, recovery: JobRecovery? = nil,
    fields: FieldEvolution = .evolve, deletions: DeletionPolicy = .ignore, atOnce: Int = 4,
    overlap: Duration = .seconds(300), retry: RetryPolicy = RetryPolicy(),
    backoff: RetryPolicy = CursorJobOptions.usualBackoff, skipsBackoff: Bool = false,
    leaseDuration: Duration = .seconds(60), takeOver: Bool = false, checksRecovery: Bool = true,
    file: String? = nil, logger: Logger = Logger(label: "cairn") { _ in SwiftLogNoOpLogHandler() },
    events: EventLog? = nil, metrics: (any MetricsFactory)? = nil,
    environment: RunEnvironment = .live, faults: FaultPoints = .none,
    stop: StopRequest = StopRequest()
  ) {
    self.interval = interval
    self.policy = policy
    self.recovery = recovery
    self.fields = fields
    self.deletions = deletions
    self.atOnce = atOnce
    self.overlap = overlap
    self.retry = retry
    self.backoff = backoff
    self.skipsBackoff = skipsBackoff
    self.leaseDuration = leaseDuration
    self.takeOver = takeOver
    self.checksRecovery = checksRecovery
    self.file = file
    self.logger = logger
    self.events = events
    self.metrics = metrics
    self.environment = environment
    self.faults = faults
    self.stop = stop
  }
}

/// Whether a job searches for records that were deleted at the source.
public enum DeletionPolicy: Sendable, Hashable {
  /// Never.
  case ignore
  /// In a run, once so many runs were finished or so much time has passed since the last search. A run
  /// into empty tables has none: what it finds is there. One that reads everything into tables with rows
  /// has one.
  case sweep(everyRuns: Int?, interval: Duration?)

  /// Once a week.
  public static let weekly = DeletionPolicy.sweep(everyRuns: nil, interval: .seconds(7 * 86_400))

  /// Whether a run that begins now searches.
  ///
  /// - Parameters:
  ///   - sweep: What the last run's checkpoint says of searches; nil before the first run.
  ///   - now: In nanoseconds since 1970-01-01 UTC.
  public func isDue(after sweep: JobCheckpoint.Sweep?, now: Int64) -> Bool {
    guard case .sweep(let everyRuns, let interval) = self, let sweep else { return false }
    guard let last = sweep.lastAt else { return true }
    if let everyRuns, sweep.runsSince + 1 >= everyRuns { return true }
    guard let interval else { return everyRuns == nil }
    return Duration.nanoseconds(now - last) >= interval
  }
}
