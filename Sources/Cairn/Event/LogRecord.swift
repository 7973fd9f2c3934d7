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
  /// Lines that belong into `errors.log` below it: the error's type, where it was logged, a stack.
  var details: [String]
  var time: Int64
}

/// What goes into the log.
enum LogEntry: Sendable {
  /// An event, with lines that belong into `errors.log` below it.
  case event(Event, details: [String], time: Int64)
  case record(LogRecord)
}
