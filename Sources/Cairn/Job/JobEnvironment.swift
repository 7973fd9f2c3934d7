/// An environment variable whose value a job cannot take.
public struct EnvironmentError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The variable's name.
  public var variable: String
  /// What was expected of it.
  public var expected: String
  /// Its value, unless that may be a secret.
  public var found: String?

  /// `CAIRN_CHUNK_ROWS: expected …, found 'x'`
  public var description: String {
    "\(variable): expected \(expected)" + (found.map { ", found '\($0)'" } ?? "")
  }
}

extension Job {
  /// The environment variables that override a job, with what each sets.
  public static let environmentVariables: [(name: String, meaning: String)] = [
    ("ENABLE_CHECKPOINTING", "checkpoint.enabled: whether chunk files are written, true or false"),
    ("CHECKPOINT_BASE_PATH", "checkpoint.directory"),
    ("CHECKPOINT_CLEANUP_ON_SUCCESS", "checkpoint.cleanup_on_success: true or false"),
    ("CHECKPOINT_RETENTION_DAYS", "checkpoint.retention, in whole days"),
    ("CAIRN_CHUNK_ROWS", "checkpoint.chunk_rows: a number or auto"),
    ("CAIRN_COMPRESSION", "checkpoint.compression"),
    ("CAIRN_MIN_SIZE", "checkpoint.min_size, for example 20MB"),
    ("CAIRN_SOURCE_PATH", "source.path"),
    ("CAIRN_TIMEZONE", "source.timezone"),
    ("CAIRN_MAX_ERROR_RATE", "errors.max_rate, 0…1"),
    ("CAIRN_MAX_ERROR_ROWS", "errors.max_rows"),
    ("CAIRN_ON_REJECTS", "errors.on_rejects: success or partial"),
    ("CAIRN_ON_EMPTY", "errors.on_empty: success or fail"),
    ("CAIRN_REJECT_RAW", "errors.raw: full, masked or none"),
    ("CAIRN_SINK_URL", "sink.url"),
    ("CAIRN_SINK_TABLE", "sink.table"),
    ("CAIRN_STATE_SCHEMA", "sink.state_schema"),
    ("CAIRN_RETRY_ATTEMPTS", "retry.attempts"),
    ("CAIRN_RETRY_BACKOFF", "retry.backoff, for example 1s..60s"),
    ("CAIRN_GIVE_UP_AFTER", "retry.give_up_after"),
    ("CAIRN_LOG_LEVEL", "logging.level: trace, debug, info, notice, warning, error or critical"),
    ("CAIRN_LOG_TO_CONSOLE", "logging.log_to_console: true or false"),
    ("CAIRN_LOG_TO_FILE", "logging.log_to_file: true or false"),
    ("CAIRN_LOG_FILE", "logging.log_file"),
    ("CAIRN_LOG_RETENTION", "logging.retention, for example 7d"),
    ("CAIRN_ALERT_EMAIL", "alerts.email: addresses, separated by commas"),
    ("CAIRN_ALERT_WEBHOOK", "alerts.webhook"),
    ("CAIRN_ALERT_HEARTBEAT", "alerts.heartbeat"),
    ("CAIRN_ALERT_ON", "alerts.on: failed, partial_success, success, separated by commas"),
    ("CAIRN_SMTP_URL", "alerts.smtp.url, where there are addresses for mails; so do the others"),
    ("CAIRN_SMTP_USER", "alerts.smtp.user"),
    ("CAIRN_SMTP_PASSWORD", "alerts.smtp.password"),
    ("CAIRN_SMTP_FROM", "alerts.smtp.from"),
    ("CAIRN_SMTP_STARTTLS", "alerts.smtp.starttls: required, optional or never"),
    ("CAIRN_SMTP_CA_FILE", "alerts.smtp.ca_file"),
  ]

  /// The job with what environment variables override; see ``environmentVariables``.
  ///
  /// Relative paths stay as they are. An empty variable counts as unset.
  ///
  /// - Throws: ``EnvironmentError`` for a value that cannot be taken.
  public func applying(environment: [String: String]) throws(EnvironmentError) -> Job {
    let reader = EnvironmentReader(values: environment)
    var job = self
    try reader.flag("ENABLE_CHECKPOINTING", into: &job.checkpoint.enabled)
    try reader.text("CHECKPOINT_BASE_PATH", into: &job.checkpoint.directory)
    try reader.flag("CHECKPOINT_CLEANUP_ON_SUCCESS", into: &job.checkpoint.cleanupOnSuccess)
    var days: Int?
    try reader.number("CHECKPOINT_RETENTION_DAYS", 0...100_000, into: &days)
    if let days { job.checkpoint.retention = .seconds(days * 86_400) }
    if environment["CAIRN_CHUNK_ROWS"] == "auto" {
      job.checkpoint.chunkRows = nil
    } else {
      try reader.number(
        "CAIRN_CHUNK_ROWS", 1...Int(Int32.max), orWord: "auto", into: &job.checkpoint.chunkRows)
    }
    try reader.choice("CAIRN_COMPRESSION", into: &job.checkpoint.compression)
    try reader.value(
      "CAIRN_MIN_SIZE", "a size such as 20MB", into: &job.checkpoint.minimumSize
    ) { ByteSizeText.parse($0) }
    try reader.optionalText("CAIRN_SOURCE_PATH", into: &job.source.path)
    try reader.optionalText("CAIRN_TIMEZONE", into: &job.source.timezone)
    try reader.value("CAIRN_MAX_ERROR_RATE", "a share of 0…1", into: &job.errors.maximumRate) {
      Double($0).flatMap { (0...1).contains($0) ? $0 : nil }
    }
    try reader.value(
      "CAIRN_MAX_ERROR_ROWS", "a number from 0 on", into: &job.errors.maximumRows
    ) { Int($0).flatMap { $0 >= 0 ? $0 : nil } }
    try reader.choice("CAIRN_ON_REJECTS", into: &job.errors.onRejects)
    try reader.choice("CAIRN_ON_EMPTY", into: &job.errors.onEmpty)
    try reader.choice("CAIRN_REJECT_RAW", into: &job.errors.raw)
    try reader.text("CAIRN_SINK_URL", into: &job.sink.url)
    try reader.text("CAIRN_SINK_TABLE", into: &job.sink.table)
    try reader.optionalText("CAIRN_STATE_SCHEMA", into: &job.sink.stateSchema)
    try reader.value(
      "CAIRN_RETRY_ATTEMPTS", "a number from 1 on", into: &job.retry.attempts
    ) { Int($0).flatMap { $0 >= 1 ? $0 : nil } }
    var backoff = (job.retry.minimumBackoff, job.retry.maximumBackoff)
    try reader.value("CAIRN_RETRY_BACKOFF", RetryPolicy.backoffExpected, into: &backoff) {
      RetryPolicy.parseBackoff($0)
    }
    (job.retry.minimumBackoff, job.retry.maximumBackoff) = backoff
    try reader.value(
      "CAIRN_GIVE_UP_AFTER", "a number from 1 on", into: &job.retry.giveUpAfter
    ) { Int($0).flatMap { $0 >= 1 ? $0 : nil } }
    job.alerts = try reader.alerts(over: job.alerts)
    job.logging = try reader.logging(over: job.logging)
    return job
  }
}

/// Reads settings from environment variables.
struct EnvironmentReader {
  var values: [String: String]

  func value<Value>(
    _ name: String, _ expected: String, into target: inout Value,
    _ parse: (String) -> Value?
  ) throws(EnvironmentError) {
    guard let text = values[name], !text.isEmpty else { return }
    guard let value = parse(text) else {
      throw EnvironmentError(variable: name, expected: expected, found: text)
    }
    target = value
  }

  func text(_ name: String, into target: inout String) throws(EnvironmentError) {
    try value(name, "a text", into: &target) { $0 }
  }

  func optionalText(_ name: String, into target: inout String?) throws(EnvironmentError) {
    try value(name, "a text", into: &target) { .some($0) }
  }

  func flag(_ name: String, into target: inout Bool) throws(EnvironmentError) {
    try value(name, "true or false", into: &target) { FlagText.parse($0) }
  }

  func number(
    _ name: String, _ range: ClosedRange<Int>, orWord word: String? = nil, into target: inout Int?
  ) throws(EnvironmentError) {
    let expected =
      "a number of \(range.lowerBound)…\(range.upperBound)" + (word.map { " or \($0)" } ?? "")
    try value(name, expected, into: &target) { text in
      Int(text).flatMap { range.contains($0) ? .some($0) : nil }
    }
  }

  /// The logging options with what variables override; nil when neither the job nor they say anything.
  func logging(over job: LoggingOptions?) throws(EnvironmentError) -> LoggingOptions? {
    var logging = job ?? LoggingOptions()
    try value(
      "CAIRN_LOG_LEVEL", "one of \(LogLevelText.names.joined(separator: ", "))",
      into: &logging.level
    ) { LogLevelText.parse($0) }
    try value("CAIRN_LOG_TO_CONSOLE", "true or false", into: &logging.logToConsole) {
      FlagText.parse($0).map { .some($0) }
    }
    try value("CAIRN_LOG_TO_FILE", "true or false", into: &logging.logToFile) {
      FlagText.parse($0).map { .some($0) }
    }
    try text("CAIRN_LOG_FILE", into: &logging.logFile)
    try value("CAIRN_LOG_RETENTION", "a duration such as 7d", into: &logging.retention) {
      DurationText.parse($0)
    }
    return job == nil && logging == LoggingOptions() ? nil : logging
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ name: String, into target: inout Choice
  ) throws(EnvironmentError) {
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    try value(name, "one of \(names)", into: &target) { Choice(rawValue: $0) }
  }
}

/// Words that switch something on or off.
enum FlagText {
  static func parse(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on", "1": true
    case "false", "no", "off", "0": false
    default: nil
    }
  }
}

extension RetryPolicy {
  static let backoffExpected = "a duration or two, such as 1s..60s"

  /// Reads `1s..60s`, or one duration that is both.
  static func parseBackoff(_ text: String) -> (Duration, Duration)? {
    guard let dots = text.firstRange(of: "..") else {
      return DurationText.parse(text).map { ($0, $0) }
    }
    guard let shortest = DurationText.parse(text[..<dots.lowerBound]),
      let longest = DurationText.parse(text[dots.upperBound...]), shortest <= longest
    else { return nil }
    return (shortest, longest)
  }
}
