extension JobFile {
  /// A job as YAML that ``parse(_:path:environment:)`` reads back; what has its default is left out.
  public static func render(_ job: Job) -> String {
    var lines = ["job: \(YAMLText.scalar(job.name))"]
    lines += block("source", sourceLines(job.source))
    lines += block("checkpoint", checkpointLines(job.checkpoint))
    if let columns = job.columns {
      lines.append(columns.isEmpty ? "columns: []" : "columns:")
      lines += columns.map { "  - \(flow($0))" }
    }
    if !job.rules.isEmpty {
      lines.append("rules:")
      lines += job.rules.map { rule in
        let parts = [rule.left, rule.comparison.rawValue, rule.right]
        return "  - { name: \(YAMLText.scalar(rule.name)), check: \(YAMLText.list(parts)) }"
      }
    }
    lines += block("errors", errorLines(job.errors))
    lines += block("sink", sinkLines(job.sink))
    let retry = job.retry
    if retry != RetryPolicy() {
      let backoff =
        "\(DurationText.describe(retry.minimumBackoff))..\(DurationText.describe(retry.maximumBackoff))"
      lines.append(
        "retry: { attempts: \(retry.attempts), backoff: \(backoff), "
          + "give_up_after: \(retry.giveUpAfter) }")
    }
    if let alerts = job.alerts { lines += block("alerts", alertLines(alerts)) }
    if let logging = job.logging { lines += block("logging", loggingLines(logging)) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The lines of a job file that name columns.
  public static func render(columns: [ColumnRule]) -> String {
    (["columns:"] + columns.map { "  - \(flow($0))" }).joined(separator: "\n") + "\n"
  }

  private static func block(_ name: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : ["\(name):"] + lines.map { "  \($0)" }
  }

  private static func sourceLines(_ source: SourceOptions) -> [String] {
    let usual = SourceOptions()
    var lines: [String] = []
    if let path = source.path { lines.append("path: \(YAMLText.expandable(path))") }
    if let text = source.delimiter { lines.append("delimiter: \(YAMLText.quoted(text))") }
    if source.header != usual.header { lines.append("header: \(source.header.rawValue)") }
    if !source.names.isEmpty { lines.append("names: \(YAMLText.list(source.names))") }
    if source.skipLines != 0 { lines.append("skip_lines: \(source.skipLines)") }
    if source.encoding != usual.encoding { lines.append("encoding: \(source.encoding.rawValue)") }
    if let quote = source.quote {
      lines.append("quote: \(YAMLText.quoted(quote))")
    } else if source.detectsQuote {
      lines.append("quote: auto")
    }
    if source.nulls != usual.nulls { lines.append("nulls: \(YAMLText.list(source.nulls))") }
    if source.decimal != usual.decimal {
      lines.append("decimal: \(YAMLText.quoted(source.decimal))")
    }
    if let text = source.thousands { lines.append("thousands: \(YAMLText.quoted(text))") }
    if let text = source.timezone { lines.append("timezone: \(YAMLText.scalar(text))") }
    if source.extraColumns != usual.extraColumns {
      lines.append("extra_columns: \(source.extraColumns.rawValue)")
    }
    if source.maximumFieldBytes != usual.maximumFieldBytes {
      lines.append("max_field_size: \(ByteSizeText.describe(Int64(source.maximumFieldBytes)))")
    }
    return lines
  }

  private static func checkpointLines(_ checkpoint: CheckpointOptions) -> [String] {
    let usual = CheckpointOptions()
    var lines: [String] = []
    if checkpoint.enabled != usual.enabled { lines.append("enabled: \(checkpoint.enabled)") }
    if let rows = checkpoint.chunkRows { lines.append("chunk_rows: \(rows)") }
    if checkpoint.compression != usual.compression {
      lines.append("compression: \(checkpoint.compression.rawValue)")
    }
    if checkpoint.directory != usual.directory {
      lines.append("directory: \(YAMLText.expandable(checkpoint.directory))")
    }
    if checkpoint.cleanupOnSuccess != usual.cleanupOnSuccess {
      lines.append("cleanup_on_success: \(checkpoint.cleanupOnSuccess)")
    }
    if checkpoint.retention != usual.retention {
      lines.append("retention: \(DurationText.describe(checkpoint.retention))")
    }
    if checkpoint.minimumSize != usual.minimumSize {
      lines.append("min_size: \(ByteSizeText.describe(checkpoint.minimumSize))")
    }
    return lines
  }

  private static func errorLines(_ errors: ErrorPolicy) -> [String] {
    let usual = ErrorPolicy()
    var lines: [String] = []
    if errors.maximumRate != usual.maximumRate { lines.append("max_rate: \(errors.maximumRate)") }
    if errors.maximumRows != usual.maximumRows { lines.append("max_rows: \(errors.maximumRows)") }
    if errors.onRejects != usual.onRejects {
      lines.append("on_rejects: \(errors.onRejects.rawValue)")
    }
    if errors.onEmpty != usual.onEmpty { lines.append("on_empty: \(errors.onEmpty.rawValue)") }
    if errors.raw != usual.raw { lines.append("raw: \(errors.raw.rawValue)") }
    return lines
  }

  private static func sinkLines(_ sink: SinkOptions) -> [String] {
    var lines: [String] = []
    if !sink.url.isEmpty { lines.append("url: \(YAMLText.expandable(sink.url))") }
    if !sink.table.isEmpty { lines.append("table: \(YAMLText.scalar(sink.table))") }
    if !sink.key.isEmpty { lines.append("key: \(YAMLText.list(sink.key))") }
    lines.append("mode: \(sink.mode.rawValue)")
    if !sink.refresh.isEmpty { lines.append("refresh: \(YAMLText.list(sink.refresh))") }
    if let schema = sink.stateSchema { lines.append("state_schema: \(YAMLText.scalar(schema))") }
    return lines
  }

  private static func alertLines(_ alerts: AlertOptions) -> [String] {
    var lines: [String] = []
    if !alerts.email.isEmpty {
      let addresses = alerts.email.map(YAMLText.expandable).joined(separator: ", ")
      lines.append("email: [\(addresses)]")
    }
    if let webhook = alerts.webhook { lines.append("webhook: \(YAMLText.expandable(webhook))") }
    if let heartbeat = alerts.heartbeat {
      lines.append("heartbeat: \(YAMLText.expandable(heartbeat))")
    }
    if let smtp = alerts.smtp { lines += block("smtp", smtpLines(smtp)) }
    lines.append("on: \(YAMLText.list(alerts.on.map(\.rawValue)))")
    return lines
  }

  private static func smtpLines(_ smtp: SMTPOptions) -> [String] {
    var lines = smtp.url.isEmpty ? [] : ["url: \(YAMLText.expandable(smtp.url))"]
    if let user = smtp.user { lines.append("user: \(YAMLText.expandable(user))") }
    if let text = smtp.password { lines.append("password: \(YAMLText.expandable(text))") }
    if let from = smtp.from { lines.append("from: \(YAMLText.expandable(from))") }
    if let rule = smtp.startTLS { lines.append("starttls: \(rule.rawValue)") }
    if let path = smtp.caFile { lines.append("ca_file: \(YAMLText.expandable(path))") }
    return lines
  }

  private static func flow(_ rule: ColumnRule) -> String {
    var parts = ["name: \(YAMLText.scalar(rule.name))"]
    func add(_ key: String, _ text: String?) {
      if let text { parts.append("\(key): \(YAMLText.scalar(text))") }
    }
    func add(_ key: String, _ texts: [String]) {
      if !texts.isEmpty { parts.append("\(key): \(YAMLText.list(texts))") }
    }
    switch rule.origin {
    case .lineage(let lineage): add("lineage", lineage.rawValue)
    case .remainder: parts.append("remainder: true")
    case .constant(let text):
      add("type", rule.type.description)
      parts.append("constant: \(YAMLText.quoted(text))")
    case .fields(let names):
      add("type", rule.type.description)
      if names != [rule.name] {
        if names.count == 1 { add("from", names[0]) } else { add("from", names) }
      }
    }
    if rule.required { parts.append("required: true") }
    add("nulls", rule.nulls)
    add("format", rule.format)
    if let trim = rule.trim { parts.append("trim: \(trim)") }
    add("default", rule.defaultValue)
    add("min", rule.minimum)
    add("max", rule.maximum)
    add("one_of", rule.oneOf)
    add("pattern", rule.pattern)
    if let length = rule.maxLength { parts.append("max_length: \(length)") }
    if rule.onOverflow != .reject { add("on_overflow", rule.onOverflow.rawValue) }
    add("true", rule.trueWords)
    add("false", rule.falseWords)
    return "{ " + parts.joined(separator: ", ") + " }"
  }
}

/// Texts as YAML.
enum YAMLText {
  /// A text, in quotes unless it reads as itself without them in every version of YAML.
  static func scalar(_ text: String) -> String {
    let isWord =
      text.utf8.allSatisfy {
        $0.digitValue < 10 || ($0.asciiLowercased &- 0x61) < 26 || $0 == 0x5F || $0 == 0x2E
          || $0 == 0x2F || $0 == 0x2D
      } && text.utf8.first.map { ($0.asciiLowercased &- 0x61) < 26 } == true
    let special = ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "t", "f"]
    let isNumber =
      !text.isEmpty && text.utf8.allSatisfy { $0.digitValue < 10 } && text.utf8.first != 0x30
    return (isWord && !special.contains(text.lowercased())) || isNumber ? text : quoted(text)
  }

  /// A text in double quotes.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      default:
        if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          result += "\\x" + (digits.count < 2 ? "0" : "") + digits
        } else if scalar.value == 0x2028 || scalar.value == 0x2029 || scalar.value == 0xFEFF {
          result += "\\u" + String(scalar.value, radix: 16, uppercase: true)
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }

  /// A text in which `${` stands for an environment variable unless it is escaped.
  static func expandable(_ text: String) -> String {
    quoted(text.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${"))
  }

  /// A list on one line.
  static func list(_ texts: [String]) -> String {
    "[" + texts.map(scalar).joined(separator: ", ") + "]"
  }
}
