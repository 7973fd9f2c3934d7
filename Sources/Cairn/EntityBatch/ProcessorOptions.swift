public import Logging
public import Metrics

/// How entities are processed, as opposed to what comes of them.
public struct ProcessorOptions: Sendable {
  /// After this time without a commit a checkpoint is too old to go on from, and the work begins anew;
  /// nil for never. The state of a completed run that appended its rows is kept until the next run of
  /// its partition is completed, or one of another partition when it is older than this.
  public var expiry: Duration?
  /// Whether a checkpoint that is there is given up.
  public var startOver: Bool
  /// Whether a list that the last run of the partition has completed is appended again, to a target of
  /// ``EntityTarget/Mode/append``. Otherwise nothing is processed then: a process that was killed before
  /// it could say that all is done is started again by its host, and every row would be there twice.
  /// A program that sets it has no such guard.
  public var appendAgain: Bool
  /// Whether a lease that another process holds is taken from it.
  public var takeOver: Bool
  /// How long a lease lasts unless it is renewed; renewed at a third of it.
  public var leaseDuration: Duration
  /// How long to wait for another process that works on the partition, before giving up.
  public var waitForOwner: Duration
  /// How what fails transiently is tried again. `attempts` is how often a commit is tried, and, with
  /// several batches at once, how often a batch is before it is passed over; `giveUpAfter` is not used.
  public var retry: RetryPolicy
  /// After so many failures of batches in a row the call stops, and calls until the end of `coolDown`
  /// are refused.
  public var failureLimit: Int
  /// How long calls are refused after that.
  public var coolDown: Duration
  /// Whether an error of a body may pass, so that the batch is tried again.
  public var isTransient: @Sendable (any Error) -> Bool
  /// The folder for state that is too large for the checkpoint's row; nil to keep all state in the row,
  /// for hosts whose disk does not outlive the process.
  public var stateFolder: String?
  /// State of more bytes goes into a file.
  public var inlineStateLimit: Int
  /// Where log messages go.
  public var logger: Logger
  /// The log of events, or nil for none.
  public var events: EventLog?
  /// Who gets the figures, or nil for the backend that the program has set up for `swift-metrics`.
  public var metrics: (any MetricsFactory)?
  /// Time, randomness and waiting.
  public var environment: RunEnvironment
  /// Fault points, for crash tests.
  public var faults: FaultPoints
  /// Asks to stop after the commit in flight.
  public var stop: StopRequest

  /// Makes options; the defaults suit most programs.
  public init(
    expiry: Duration? = .seconds(24 * 3_600), startOver: Bool = false,
    appendAgain: Bool = false, takeOver: Bool = false,
    leaseDuration: Duration = .seconds(60), waitForOwner: Duration = .zero,
    retry: RetryPolicy = RetryPolicy(), failureLimit: Int = 5, coolDown: Duration = .seconds(300),
    isTransient: @escaping @Sendable (any Error) -> Bool = { ErrorClass.of($0) == .transient },
    stateFolder: String? = "checkpoints", inlineStateLimit: Int = 64 << 10,
    logger: Logger = Logger(label: "cairn", factory: { _ in SwiftLogNoOpLogHandler() }),
    events: EventLog? = nil, metrics: (any MetricsFactory)? = nil,
    environment: RunEnvironment = .live, faults: FaultPoints = .none,
    stop: StopRequest = StopRequest()
  ) {
    self.expiry = expiry
    self.startOver = startOver
    self.appendAgain = appendAgain
    self.takeOver = takeOver
    self.leaseDuration = leaseDuration
    self.waitForOwner = waitForOwner
    self.retry = retry
    self.failureLimit = max(1, failureLimit)
    self.coolDown = coolDown
    self.isTransient = isTransient
    self.stateFolder = stateFolder
    self.inlineStateLimit = inlineStateLimit
    self.logger = logger
    self.events = events
    self.metrics = metrics
    self.environment = environment
    self.faults = faults
    self.stop = stop
  }
}
