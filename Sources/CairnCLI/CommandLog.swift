import Cairn
import Foundation
import Logging

/// The command's log: warnings for people, on standard error.
enum CommandLog {
  static let logger: Logger = {
    var logger = Logger(label: "cairn") { _ in StandardErrorLog() }
    let level = ProcessInfo.processInfo.environment["CAIRN_LOG"] ?? "warning"
    logger.logLevel = Logger.Level(rawValue: level) ?? .warning
    return logger
  }()

  /// A logger that writes into the log of events, too.
  ///
  /// - Parameter showsUsual: Whether standard error shows what it usually does.
  static func logger(_ events: EventLog?, showsUsual: Bool) -> Logger {
    guard let events else { return logger }
    return Logger(label: "cairn") { label in
      let handler = EventLogHandler(label: label, log: events)
      return showsUsual ? MultiplexLogHandler([logger.handler, handler]) : handler
    }
  }
}

/// Writes `cairn: warning: chunk file set aside (chunk 3, …)`.
private struct StandardErrorLog: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .warning

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let details = metadata.merging(event.metadata ?? [:]) { $1 }
      .filter { $0.key != EventLogHandler.eventKey }
      .sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    let suffix = details.isEmpty ? "" : " (\(details.joined(separator: ", ")))"
    Terminal.note("cairn: \(event.level): \(event.message)\(suffix)")
  }
}
