/// The log of what happens in pipelines and loads: structured events, lines for people, errors, a file
/// for each stage.
///
/// ```swift
/// let log = EventLog(LogDestination(files: LogFiles(folder: "logs")))
/// log.record(Event(.pipelineStart, pipelineID: "pipeline_20251007_204353"))
/// log.stageStart(pipelineID: "pipeline_20251007_204353", stage: "data_extraction")
/// ```
///
/// Recording never throws, and takes the caller about a microsecond: lines are made and written on a
/// thread of the log's own. A disk that is full or a folder that cannot be written to is reported
/// once, and the work goes on; an `events_lost` event says how many events are missing. All that was
/// recorded is written when the process ends by itself. One that is killed loses what was recorded in
/// the moment before and not yet written; what is in the files is whole lines. A power failure may
/// take what the system had not written out: lines are not synced.
///
/// Copies share one log. Several logs, also of several processes, may write to the same files.
public struct EventLog: Sendable {
  /// Where it goes.
  public let destination: LogDestination
  let queue: LogQueue
  let now: @Sendable () -> Int64

  /// Opens a log. Folders and files are made when the first line is written.
  ///
  /// - Parameters:
  ///   - destination: Where it goes.
  ///   - now: The wall clock: nanoseconds since 1970-01-01 UTC.
  ///   - capacity: How many entries may wait to be written.
  ///   - report: Told, once and on a thread of the log's own, what keeps it from being written.
  public init(
    _ destination: LogDestination, now: @escaping @Sendable () -> Int64 = RunEnvironment.live.now,
    capacity: Int = 1 << 14, report: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.init(destination, now: now, capacity: capacity, console: 2, report: report)
  }

  init(
    _ destination: LogDestination, now: @escaping @Sendable () -> Int64, capacity: Int,
    patience: Duration = .seconds(1), console: Int32,
    report: @escaping @Sendable (String) -> Void
  ) {
    self.destination = destination
    self.now = now
    queue = LogQueue(
      LogWriter(destination, console: console, now: now, report: report), capacity: capacity,
      patience: patience)
  }

  /// Records an event.
  public func record(_ event: Event) { record(event, nil) }

  /// Records an event, with what `errors.log` says below it.
  func record(_ event: Event, _ trace: ErrorTrace?) {
    queue.add(.event(event, trace, time: event.time ?? now()))
  }

  /// Waits until all that was recorded is written.
  public func flush() async { await queue.afterWriting { $0.flush() } }

  /// Deletes older files past their retention: dated and numbered ones, and stage logs.
  ///
  /// - Returns: How many files were deleted.
  @discardableResult
  public func cleanUp() async -> Int { await queue.afterWriting { $0.cleanUp() } }

  /// What its files hold; nil when it writes none.
  public var history: EventHistory? {
    destination.files.map { EventHistory(folder: $0.eventFolder) }
  }
}
