internal import Logging

/// A message of `swift-log` on its way into the log.
struct LogRecord: Sendable {
  var level: Logger.Level
  var label: String
  var message: String
  /// Names and values, sorted by name.
  var metadata: EventMetadata
  /// The stage that it is about, if its metadata says.
  var stage: String?
  /// What belongs into `errors.log` below it.
  var trace: ErrorTrace?
  var time: Int64
}

/// What goes into the log.
enum LogEntry: Sendable {
  /// An event, with what belongs into `errors.log` below it.
  case event(Event, ErrorTrace?, time: Int64)
  case record(LogRecord)

  /// Whether it is not left to wait for others to come.
  var isUrgent: Bool {
    switch self {
    case .event(let event, _, _): event.status == .error
    case .record(let record): record.level >= .error
    }
  }
}
