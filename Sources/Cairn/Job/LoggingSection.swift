extension YAMLSection {
  /// The keys of the section `logging`.
  static let loggingKeys = [
    "level", "log_to_console", "log_to_file", "log_file", "separate_stage_logs", "stage_log_dir",
    "max_size", "backup_count", "retention",
  ]

  /// Reads the section `logging`.
  func readLogging(resolve: (String) -> String) -> LoggingOptions {
    var logging = LoggingOptions()
    if let text = text("level") {
      if let level = LogLevelText.parse(text) {
        logging.level = level
      } else {
        report(
          "level",
          "'\(text)' is not known"
            + NearestName.hint(for: text.lowercased(), among: LogLevelText.names))
      }
    }
    logging.logToConsole = flag("log_to_console")
    logging.logToFile = flag("log_to_file")
    logging.logFile = expandedText("log_file") ?? logging.logFile
    logging.separateStageLogs = flag("separate_stage_logs") ?? logging.separateStageLogs
    logging.stageLogDirectory = expandedText("stage_log_dir").map(resolve)
    logging.maximumBytes =
      value("max_size", expected: "a size such as 10MB", { ByteSizeText.parse($0) })
      ?? logging.maximumBytes
    logging.backupCount = number("backup_count", 0...1_000) ?? logging.backupCount
    logging.retention =
      value("retention", expected: "a duration such as 7d", { DurationText.parse($0) })
      ?? logging.retention
    logging.logFile = resolve(logging.logFile)
    return logging
  }
}

extension JobFile {
  /// The section `logging` of a job file, without what has its default.
  static func loggingLines(_ logging: LoggingOptions) -> [String] {
    let usual = LoggingOptions()
    var lines: [String] = []
    if logging.level != usual.level { lines.append("level: \(logging.level.rawValue)") }
    if let flag = logging.logToConsole { lines.append("log_to_console: \(flag)") }
    if let flag = logging.logToFile { lines.append("log_to_file: \(flag)") }
    if logging.logFile != usual.logFile {
      lines.append("log_file: \(YAMLText.expandable(logging.logFile))")
    }
    if logging.separateStageLogs != usual.separateStageLogs {
      lines.append("separate_stage_logs: \(logging.separateStageLogs)")
    }
    if let folder = logging.stageLogDirectory {
      lines.append("stage_log_dir: \(YAMLText.expandable(folder))")
    }
    if logging.maximumBytes != usual.maximumBytes {
      lines.append("max_size: \(ByteSizeText.describe(logging.maximumBytes))")
    }
    if logging.backupCount != usual.backupCount {
      lines.append("backup_count: \(logging.backupCount)")
    }
    if logging.retention != usual.retention {
      lines.append("retention: \(DurationText.describe(logging.retention))")
    }
    return lines
  }
}
