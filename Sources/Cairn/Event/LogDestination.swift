public import Logging

/// Where a log goes.
public struct LogDestination: Sendable, Hashable {
  /// The files, or nil for none.
  public var files: LogFiles?
  /// The console, that is standard error, or nil for none.
  public var console: LogConsole?

  /// Makes a destination.
  public init(files: LogFiles? = nil, console: LogConsole? = nil) {
    self.files = files
    self.console = console
  }

  /// What a job's options say: files unless they are switched off, and the console where they ask for
  /// it.
  ///
  /// - Parameters:
  ///   - options: The options; relative paths are taken from the current folder.
  ///   - format: `json` means no files: all of it, as one JSON object a line, on the console.
  public init(_ options: LoggingOptions, format: LogFormat = .text) {
    switch format {
    case .json: self.init(console: LogConsole(format: .json, level: options.level))
    case .text:
      self.init(
        files: options.logToFile == false ? nil : LogFiles(options),
        console: options.logToConsole == true
          ? LogConsole(format: .text, level: options.level) : nil)
    }
  }
}

/// How a console shows the log.
public enum LogFormat: String, Sendable, Hashable, Codable, CaseIterable {
  /// Lines for people.
  case text
  /// One JSON object a line: events as `events.log` has them, and messages.
  case json
}

/// The log on standard error.
public struct LogConsole: Sendable, Hashable {
  /// How.
  public var format: LogFormat
  /// From which level on. Of events JSON shows all.
  public var level: Logger.Level

  /// Makes a console.
  public init(format: LogFormat, level: Logger.Level = .info) {
    self.format = format
    self.level = level
  }
}

/// The files of a log:
///
/// ```
/// logs/pipeline.log            lines for people; rotated by size
/// logs/events/events.log       every event, a JSON object a line; rotated daily, UTC
/// logs/errors/errors.log       errors alone, with what is known of them; rotated by size
/// logs/stages/STAGE.log        the lines of a stage; rotated by size
/// ```
public struct LogFiles: Sendable, Hashable {
  /// The main file, absolute; `events/` and `errors/` are beside it.
  public var pipelineLog: String
  /// The folder of stage logs, absolute, or nil for none.
  public var stageFolder: String?
  /// From which level on lines are written. `events.log` has all events.
  public var level: Logger.Level
  /// The size in bytes above which a file rotated by size gives way to a new one.
  public var maximumBytes: Int64
  /// How many older files of each rotated by size are kept.
  public var backupCount: Int
  /// How long older files are kept.
  public var retention: Duration

  /// Makes the usual files in a folder.
  public init(
    folder: String, level: Logger.Level = .info, separateStageLogs: Bool = true,
    maximumBytes: Int64 = 10 << 20, backupCount: Int = 5,
    retention: Duration = .seconds(7 * 86_400)
  ) {
    let folder = FilePaths.absolute(folder)
    pipelineLog = FilePaths.join(folder, "pipeline.log")
    stageFolder = separateStageLogs ? FilePaths.join(folder, "stages") : nil
    self.level = level
    self.maximumBytes = maximumBytes
    self.backupCount = backupCount
    self.retention = retention
  }

  /// The files that a job's options name.
  public init(_ options: LoggingOptions) {
    let main = FilePaths.absolute(options.logFile)
    self.init(
      folder: FilePaths.parent(of: main), level: options.level,
      separateStageLogs: options.separateStageLogs, maximumBytes: options.maximumBytes,
      backupCount: options.backupCount, retention: options.retention)
    pipelineLog = main
    if let folder = options.stageLogDirectory, options.separateStageLogs {
      stageFolder = FilePaths.absolute(folder)
    }
  }

  /// The folder of all.
  public var folder: String { FilePaths.parent(of: pipelineLog) }
  /// The folder of `events.log`.
  public var eventFolder: String { FilePaths.join(folder, "events") }
  /// The log of events.
  public var eventLog: String { FilePaths.join(eventFolder, "events.log") }
  /// The log of errors.
  public var errorLog: String { FilePaths.join(FilePaths.join(folder, "errors"), "errors.log") }
}
