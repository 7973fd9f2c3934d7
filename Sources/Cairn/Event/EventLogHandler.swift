public import Logging

/// Writes the messages of `swift-log` into the files of an event log: `pipeline.log`, from `error` on
/// `errors.log`, and where the metadata names a `stage` its file.
///
/// ```swift
/// LoggingSystem.bootstrap { label in EventLogHandler(label: label, log: log) }
/// ```
public struct EventLogHandler: LogHandler {
  /// What every message carries.
  public var metadata: Logger.Metadata = [:]
  /// The lowest level that is written; by default that of the files.
  public var logLevel: Logger.Level
  /// Provides more metadata, for example of the task.
  public var metadataProvider: Logger.MetadataProvider?

  private let label: String
  private let log: EventLog

  /// The metadata of a message that tells of an event: its type.
  public static let eventKey = "event"

  /// Makes a handler.
  public init(label: String, log: EventLog) {
    self.label = label
    self.log = log
    let levels = [log.destination.files?.level, log.destination.console?.level].compactMap { $0 }
    logLevel = levels.min() ?? .info
  }

  /// A value of the metadata.
  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Writes a message; not one whose `event` says that the same is recorded as an event.
  public func log(event: LogEvent) {
    if event.metadata?[Self.eventKey] != nil { return }
    var known = metadata
    if let provided = metadataProvider?.get() { known.merge(provided) { $1 } }
    if let own = event.metadata { known.merge(own) { $1 } }
    var trace: ErrorTrace?
    if event.level >= .error {
      if let error = event.error {
        known["error"] = known["error"] ?? "\(ErrorSummary.of(error))"
      }
      let type = event.error.map { "\(ErrorTrace.type($0)) " } ?? ""
      trace = ErrorTrace(["\(type)logged at \(event.file):\(event.line), \(event.function)"])
    }
    log.queue.add(
      .record(
        LogRecord(
          level: event.level, label: label, message: "\(event.message)",
          metadata: EventMetadata(
            known.sorted { $0.key < $1.key }.map { ($0.key, EventValue($0.value)) }),
          stage: known["stage"]?.description, trace: trace, time: log.now())))
  }
}

extension EventValue {
  fileprivate init(_ value: Logger.MetadataValue) {
    switch value {
    case .string(let text): self = .text(text)
    case .stringConvertible(let value): self = .text("\(value)")
    case .array(let values): self = .list(values.map { EventValue($0) })
    case .dictionary(let values):
      self = .object(
        EventMetadata(values.sorted { $0.key < $1.key }.map { ($0.key, EventValue($0.value)) }))
    }
  }
}
