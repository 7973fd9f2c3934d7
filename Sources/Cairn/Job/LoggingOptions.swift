public import Logging

/// What of a load is logged, and where: the section `logging` of a job file.
///
/// A relative path counts from the job file's folder, as all paths of a job do. None of this is kept
/// with a run: a resume reads it from the job again.
public struct LoggingOptions: Sendable, Hashable, Codable {
  /// From which level on lines are written. The log of events has every event.
  public var level: Logger.Level
  /// Whether the lines of `pipeline.log` are written to standard error too; nil for what whoever runs
  /// the job finds usual: warnings, from the command.
  public var logToConsole: Bool?
  /// Whether files are written; nil for yes, unless checkpoints are switched off.
  public var logToFile: Bool?
  /// The main file; its folder is that of the logs of events, errors and stages.
  public var logFile: String
  /// Whether each stage has a file of its own, too.
  public var separateStageLogs: Bool
  /// The folder of those, or nil for `stages` beside the main file.
  public var stageLogDirectory: String?
  /// The size in bytes above which a file gives way to a new one.
  public var maximumBytes: Int64
  /// How many older files of each are kept.
  public var backupCount: Int
  /// How long older files are kept.
  public var retention: Duration

  /// Makes options; the defaults are the job file's.
  public init(
    level: Logger.Level = .info, logToConsole: Bool? = nil, logToFile: Bool? = nil,
    logFile: String = "logs/pipeline.log", separateStageLogs: Bool = true,
    stageLogDirectory: String? = nil, maximumBytes: Int64 = 10 << 20, backupCount: Int = 5,
    retention: Duration = .seconds(7 * 86_400)
  ) {
    self.level = level
    self.logToConsole = logToConsole
    self.logToFile = logToFile
    self.logFile = logFile
    self.separateStageLogs = separateStageLogs
    self.stageLogDirectory = stageLogDirectory
    self.maximumBytes = maximumBytes
    self.backupCount = backupCount
    self.retention = retention
  }

  /// Everything that is wrong with the options.
  func problems() -> [JobProblem] {
    var problems: [JobProblem] = []
    func expect(_ holds: Bool, _ key: String, _ message: String) {
      if !holds { problems.append(JobProblem(path: "logging.\(key)", message: message)) }
    }
    expect(
      !logFile.isEmpty && !logFile.hasSuffix("/"), "log_file", "it names no file")
    expect(stageLogDirectory != "", "stage_log_dir", "it is empty")
    expect(maximumBytes >= 1_000, "max_size", "it is less than 1kB")
    expect(backupCount >= 0, "backup_count", "it is less than 0")
    expect(retention >= .zero, "retention", "it is negative")
    return problems
  }
}

/// Levels as people write them.
enum LogLevelText {
  /// The names, the quietest last.
  static let names = Logger.Level.allCases.map(\.rawValue)

  /// Reads a level in either case; `warn` and `fatal` are understood.
  static func parse(_ text: String) -> Logger.Level? {
    switch text.lowercased() {
    case "warn": .warning
    case "fatal": .critical
    case let name: Logger.Level(rawValue: name)
    }
  }
}
