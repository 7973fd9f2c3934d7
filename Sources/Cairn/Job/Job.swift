/// What to load, from where, how it is checked, and into what.
///
/// A Swift value; ``JobFile`` reads the same from YAML.
public struct Job: Sendable, Hashable, Codable {
  /// The job's name: lower-case words, as runs and logs carry it.
  public var name: String
  /// How the source is found and parsed.
  public var source: SourceOptions
  /// How chunks are made and kept.
  public var checkpoint: CheckpointOptions
  /// The columns to load, or nil for every column of the source with inferred types.
  public var columns: [ColumnRule]?
  /// Rules across columns.
  public var rules: [RowRule]
  /// How many rejects are too many, and what is kept of them.
  public var errors: ErrorPolicy
  /// The target.
  public var sink: SinkOptions
  /// How transient errors are retried.
  public var retry: RetryPolicy
  /// Who is told how a run ended, or nil for nobody.
  public var alerts: AlertOptions?
  /// What is logged and where, or nil for what ``LoggingOptions/init(level:logToConsole:logToFile:logFile:separateStageLogs:stageLogDirectory:maximumBytes:backupCount:retention:)``
  /// has by default.
  public var logging: LoggingOptions?

  /// Makes a job; whatever is not given has the default that the job file has.
  public init(
    name: String, source: SourceOptions = SourceOptions(),
    checkpoint: CheckpointOptions = CheckpointOptions(), columns: [ColumnRule]? = nil,
    rules: [RowRule] = [], errors: ErrorPolicy = ErrorPolicy(), sink: SinkOptions,
    retry: RetryPolicy = RetryPolicy(), alerts: AlertOptions? = nil,
    logging: LoggingOptions? = nil
  ) {
    self.name = name
    self.source = source
    self.checkpoint = checkpoint
    self.columns = columns
    self.rules = rules
    self.errors = errors
    self.sink = sink
    self.retry = retry
    self.alerts = alerts
    self.logging = logging
  }
}
