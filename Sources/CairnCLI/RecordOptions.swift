import ArgumentParser
import Cairn
import Foundation

/// What a command that loads logs and counts.
struct RecordOptions: ParsableArguments {
  @Option(
    name: .customLong("log-format"),
    help: ArgumentHelp(
      "text, or json: no log files, all of it on standard error, an object a line.",
      valueName: "format"))
  var logFormat: String?

  @Option(name: .long, help: ArgumentHelp("Folder for the log files.", valueName: "dir"))
  var logs: String?

  @OptionGroup var metricsOption: MetricsFileOption

  /// From here on standard error is as `--log-format` says.
  func begin() throws {
    if try format() == .json {
      Terminal.show(as: EventLog(LogDestination(LoggingOptions(), format: .json)))
    }
  }

  /// Opens the log and the figures of a job.
  ///
  /// - Parameters:
  ///   - usual: What is logged where the job says nothing.
  ///   - isAsked: Whether a log is only kept where somebody asks for one: by a command that looks at
  ///     things and changes nothing.
  func open(
    _ job: Job?, usual: LoggingOptions? = nil, onlyIfAsked isAsked: Bool = false
  ) throws -> CommandRecords {
    try open(
      job?.logging ?? usual, isUsual: isAsked ? false : job?.checkpoint.enabled ?? true)
  }

  /// Opens the log and the figures of a job.
  ///
  /// - Parameter isUsual: Whether files are written where nothing says otherwise.
  func open(_ logging: LoggingOptions?, isUsual: Bool = true) throws -> CommandRecords {
    var logging = logging ?? LoggingOptions()
    if let logs {
      logging.logFile = logs + (logs.hasSuffix("/") ? "" : "/") + "pipeline.log"
      logging.logToFile = logging.logToFile ?? true
    }
    // With checkpoints off nothing is written but what is asked for.
    logging.logToFile = logging.logToFile ?? isUsual
    return CommandRecords(
      logging, format: try format(), metricsFile: metricsOption.path)
  }

  private func format() throws -> LogFormat {
    guard let text = logFormat ?? Self.variable("CAIRN_LOG_FORMAT") else { return .text }
    return try JobBuilder.choice(text, of: logFormat == nil ? "CAIRN_LOG_FORMAT" : "--log-format")
  }

  fileprivate static func variable(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}

/// Where a command writes its figures.
struct MetricsFileOption: ParsableArguments {
  @Option(
    name: .customLong("metrics-file"),
    help: ArgumentHelp(
      "Write figures to this file, for node_exporter's textfile collector.", valueName: "file"))
  var metricsFile: String?

  /// The file, where the flag or the environment names one.
  var path: String? { metricsFile ?? RecordOptions.variable("CAIRN_METRICS_FILE") }
}
