public import Logging
public import Metrics

/// How a load is run, as opposed to what it loads: nothing here decides which rows land.
public struct LoadOptions: Sendable {
  /// Whether an earlier run of the same source and job is abandoned and the load starts over.
  public var fresh: Bool
  /// Whether a lease that another process holds is taken from it.
  public var takeOver: Bool
  /// How long a lease lasts unless it is renewed; renewed at a third of it.
  public var leaseDuration: Duration
  /// How long to wait for a run that another process owns, before giving up.
  public var waitForOwner: Duration
  /// Memory that a chunk size may be derived from, in bytes.
  public var memoryBudget: Int
  /// How many chunks are prepared at once.
  public var workers: Int
  /// Where log messages go. The library sets up no logging of its own.
  public var logger: Logger
  /// The log of events, or nil for none. The library opens none of its own.
  public var events: EventLog?
  /// Who gets the figures, or nil for the backend that the program has set up for `swift-metrics`.
  public var metrics: (any MetricsFactory)?
  /// Time, randomness and waiting.
  public var environment: RunEnvironment
  /// Fault points, for crash tests.
  public var faults: FaultPoints
  /// The job file, absolute, so that a resume finds it again.
  public var jobFile: String?
  /// Whether the job's materialized views are refreshed at the end. Who loads several sources one
  /// after the other may do so with the last one only.
  public var refreshesViews: Bool
  /// Whether a unique index on the key may be created where the target lacks one.
  public var createsKey: Bool
  /// Asks the load to stop after the commit in flight.
  public var stop: StopRequest

  /// Makes options; the defaults suit a program that owns its machine.
  public init(
    fresh: Bool = false, takeOver: Bool = false, leaseDuration: Duration = .seconds(60),
    waitForOwner: Duration = .zero, memoryBudget: Int = 512 << 20, workers: Int = 2,
    logger: Logger = Logger(label: "cairn", factory: { _ in SwiftLogNoOpLogHandler() }),
    events: EventLog? = nil, metrics: (any MetricsFactory)? = nil,
    environment: RunEnvironment = .live, faults: FaultPoints = .none, jobFile: String? = nil,
    refreshesViews: Bool = true, createsKey: Bool = false,
    stop: StopRequest = StopRequest()
  ) {
    self.fresh = fresh
    self.takeOver = takeOver
    self.leaseDuration = leaseDuration
    self.waitForOwner = waitForOwner
    self.memoryBudget = memoryBudget
    self.workers = max(1, workers)
    self.logger = logger
    self.events = events
    self.metrics = metrics
    self.environment = environment
    self.faults = faults
    self.jobFile = jobFile
    self.refreshesViews = refreshesViews
    self.createsKey = createsKey
    self.stop = stop
  }
}
