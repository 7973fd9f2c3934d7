internal import Yams

/// Reads one job file, noting everything that is wrong with it.
final class JobFileReader {
  private let environment: [String: String]
  private let folder: String
  private(set) var problems: [JobFileError.Problem] = []
  /// Where each value stands, by its path.
  var positions: [String: JobFilePosition] = [:]

  init(environment: [String: String], folder: String) {
    self.environment = environment
    self.folder = folder
  }

  static let keys = [
    "job", "source", "checkpoint", "columns", "rules", "errors", "sink", "retry", "alerts",
    "logging",
  ]
  static let sourceKeys = [
    "path", "delimiter", "header", "names", "skip_lines", "encoding", "quote", "nulls", "decimal",
    "thousands", "timezone", "extra_columns", "max_field_size",
  ]
  static let checkpointKeys = [
    "enabled", "chunk_rows", "compression", "directory", "cleanup_on_success", "retention",
    "min_size",
  ]
  static let columnKeys = [
    "name", "type", "from", "constant", "lineage", "remainder", "required", "nulls", "format",
    "trim", "default", "min", "max", "one_of", "pattern", "max_length", "on_overflow", "true",
    "false",
  ]
  static let errorKeys = ["max_rate", "max_rows", "on_rejects", "on_empty", "raw"]
  static let sinkKeys = ["url", "table", "key", "mode", "refresh", "state_schema"]
  static let retryKeys = ["attempts", "backoff", "give_up_after"]
  static let alertKeys = ["email", "webhook", "heartbeat", "smtp", "on"]
  static let smtpKeys = ["url", "user", "password", "from", "starttls", "ca_file"]

  /// The root of a text, or nil when it is no YAML, or empty.
  func compose(_ yaml: String) -> Node? {
    do {
      if let root = try Yams.compose(yaml: yaml) { return root }
      report(at: nil, "the job file is empty")
    } catch let error as YamlError {
      report(error)
    } catch {
      report(at: nil, "\(error)")
    }
    return nil
  }

  /// The job, or nil when the text is no YAML. Valid only if there are no problems.
  func read(_ yaml: String) -> Job? {
    guard let root = compose(yaml) else { return nil }
    guard let top = YAMLSection(root, path: "", keys: Self.keys, reader: self) else { return nil }
    top.require("job", "sink")
    var job = Job(
      name: top.text("job") ?? "",
      sink: top.section("sink", keys: Self.sinkKeys).map(readSink)
        ?? SinkOptions(url: "", table: ""))
    if let section = top.section("source", keys: Self.sourceKeys) {
      job.source = readSource(section)
    }
    if let section = top.section("checkpoint", keys: Self.checkpointKeys) {
      job.checkpoint = readCheckpoint(section)
    }
    job.checkpoint.directory = resolve(job.checkpoint.directory)
    job.columns = top.list("columns", of: "columns")?.compactMap(readColumn)
    job.rules = top.list("rules", of: "rules")?.compactMap(readRule) ?? []
    if let section = top.section("errors", keys: Self.errorKeys) {
      job.errors = readErrors(section)
    }
    if let section = top.section("retry", keys: Self.retryKeys) { job.retry = readRetry(section) }
    job.alerts = top.section("alerts", keys: Self.alertKeys).map(readAlerts)
    job.logging = readLogging(top)
    return job
  }

  // MARK: Sections

  private func readSource(_ section: YAMLSection) -> SourceOptions {
    var source = SourceOptions()
    source.path = section.expandedText("path").map(resolve)
    if let delimiter = section.text("delimiter") {
      source.delimiter = delimiter == "auto" ? nil : delimiter
    }
    source.header = section.choice("header", as: HeaderRule.self) ?? source.header
    source.names = section.texts("names") ?? []
    source.skipLines = section.number("skip_lines", 0...1_000_000) ?? 0
    source.encoding = section.choice("encoding", as: TextEncoding.self) ?? source.encoding
    if let quote = section.text("quote") {
      source.detectsQuote = quote == "auto"
      source.quote = quote == "none" || quote == "auto" ? nil : quote
    }
    source.nulls = section.texts("nulls") ?? source.nulls
    source.decimal = section.text("decimal") ?? source.decimal
    if let thousands = section.text("thousands") {
      source.thousands = thousands == "none" ? nil : thousands
    }
    source.timezone = section.text("timezone")
    source.extraColumns =
      section.choice("extra_columns", as: ExtraColumns.self) ?? source.extraColumns
    if let size = section.value(
      "max_field_size", expected: "a size such as 16MiB", { ByteSizeText.parse($0) })
    {
      source.maximumFieldBytes = Int(size)
    }
    return source
  }

  private func readCheckpoint(_ section: YAMLSection) -> CheckpointOptions {
    var checkpoint = CheckpointOptions()
    checkpoint.enabled = section.flag("enabled") ?? checkpoint.enabled
    if section.node("chunk_rows")?.string != "auto" {
      checkpoint.chunkRows = section.value(
        "chunk_rows", expected: "auto or a whole number of 1…\(Int32.max)"
      ) { text in
        Int(text.filter { $0 != "_" }).flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
      }
    }
    checkpoint.compression =
      section.choice("compression", as: ChunkCompression.self) ?? checkpoint.compression
    checkpoint.directory = section.expandedText("directory") ?? checkpoint.directory
    checkpoint.cleanupOnSuccess = section.flag("cleanup_on_success") ?? checkpoint.cleanupOnSuccess
    checkpoint.retention =
      section.value(
        "retention", expected: "a duration such as 7d", { DurationText.parse($0) })
      ?? checkpoint.retention
    checkpoint.minimumSize =
      section.value("min_size", expected: "a size such as 20MB", { ByteSizeText.parse($0) }) ?? 0
    return checkpoint
  }

  private func readColumn(_ node: Node) -> ColumnRule? {
    let name = node.mapping?["name"]?.string ?? ""
    let path = name.isEmpty ? "columns" : "columns[\(name)]"
    guard let section = YAMLSection(node, path: path, keys: Self.columnKeys, reader: self) else {
      return nil
    }
    positions[path] = position(of: node)
    section.require("name")
    let origins = ["from", "constant", "lineage", "remainder"].filter(section.has)
    if origins.count > 1 {
      section.report(
        origins[1], "a column has one origin, and this one has '\(origins[0])' already")
    }
    var origin = ColumnOrigin.fields([name])
    var usualType: ColumnType?
    if let names = section.texts("from") {
      origin = .fields(names)
    } else if let text = section.text("constant") {
      origin = .constant(text)
    } else if let lineage = section.choice("lineage", as: Lineage.self) {
      origin = .lineage(lineage)
      usualType = lineage.type
    } else if section.flag("remainder") == true {
      origin = .remainder
      usualType = .json
    }
    var type: ColumnType?
    if section.has("type") {
      type = section.value(
        "type", { ColumnType($0) },
        orElse: { text in
          "there is no type '\(text)'" + NearestName.hint(for: text, among: ColumnType.names)
        })
    } else {
      type = usualType
      if usualType == nil, !section.has("lineage") { section.require("type") }
    }
    var rule = ColumnRule(name: name, type: type ?? .text, origin: origin)
    rule.required = section.flag("required") ?? false
    rule.nulls = section.texts("nulls") ?? []
    rule.format = section.text("format")
    rule.trim = section.flag("trim")
    rule.defaultValue = section.text("default")
    rule.minimum = section.text("min")
    rule.maximum = section.text("max")
    rule.oneOf = section.texts("one_of") ?? []
    rule.pattern = section.text("pattern")
    rule.maxLength = section.number("max_length", 0...Int.max)
    rule.onOverflow = section.choice("on_overflow", as: OverflowRule.self) ?? .reject
    rule.trueWords = section.texts("true") ?? []
    rule.falseWords = section.texts("false") ?? []
    return rule
  }

  private func readRule(_ node: Node) -> RowRule? {
    let name = node.mapping?["name"]?.string ?? ""
    let path = name.isEmpty ? "rules" : "rules[\(name)]"
    guard let section = YAMLSection(node, path: path, keys: ["name", "check"], reader: self) else {
      return nil
    }
    positions[path] = position(of: node)
    section.require("name", "check")
    guard let parts = section.list("check", of: "[column, comparison, column]") else { return nil }
    let texts = parts.compactMap(\.string)
    guard parts.count == 3, texts.count == 3 else {
      section.report("check", "expected [column, comparison, column]")
      return nil
    }
    guard let comparison = RowRule.Comparison(rawValue: texts[1]) else {
      let names = RowRule.Comparison.allCases.map(\.rawValue).joined(separator: " ")
      let hint = texts[1] == "=" ? "; did you mean '=='?" : "; there are \(names)"
      report(parts[1], "\(path).check: '\(texts[1])' is no comparison\(hint)")
      return nil
    }
    return RowRule(name: name, left: texts[0], comparison: comparison, right: texts[2])
  }

  private func readErrors(_ section: YAMLSection) -> ErrorPolicy {
    var errors = ErrorPolicy()
    errors.maximumRate =
      section.value("max_rate", expected: "a share of 0…1, such as 0.10") { text in
        Double(text).flatMap { (0...1).contains($0) ? $0 : nil }
      } ?? errors.maximumRate
    errors.maximumRows = section.number("max_rows", 0...Int.max) ?? errors.maximumRows
    errors.onRejects = section.choice("on_rejects", as: RejectOutcome.self) ?? errors.onRejects
    errors.onEmpty = section.choice("on_empty", as: EmptyOutcome.self) ?? errors.onEmpty
    errors.raw = section.choice("raw", as: RawRetention.self) ?? errors.raw
    return errors
  }

  private func readSink(_ section: YAMLSection) -> SinkOptions {
    SinkOptions(
      url: section.expandedText("url").map(resolveDatabase) ?? "",
      table: section.text("table") ?? "", key: section.texts("key") ?? [],
      mode: section.choice("mode", as: LoadMode.self), refresh: section.texts("refresh") ?? [],
      stateSchema: section.text("state_schema"))
  }

  func readRetry(_ section: YAMLSection) -> RetryPolicy {
    var retry = RetryPolicy()
    retry.attempts = section.number("attempts", 1...Int.max) ?? retry.attempts
    if let (shortest, longest) = section.value(
      "backoff", expected: RetryPolicy.backoffExpected, { RetryPolicy.parseBackoff($0) })
    {
      retry.minimumBackoff = shortest
      retry.maximumBackoff = longest
    }
    retry.giveUpAfter = section.number("give_up_after", 1...Int.max) ?? retry.giveUpAfter
    return retry
  }

  func readAlerts(_ section: YAMLSection) -> AlertOptions {
    var alerts = AlertOptions()
    alerts.email = section.expandedTexts("email") ?? []
    alerts.webhook = section.expandedText("webhook")
    alerts.heartbeat = section.expandedText("heartbeat")
    alerts.smtp = section.section("smtp", keys: Self.smtpKeys).map(readSMTP)
    if let occasions = section.texts("on") {
      alerts.on = occasions.compactMap { text in
        if let occasion = AlertOccasion(rawValue: text) { return occasion }
        section.report(
          "on",
          "'\(text)' is not known"
            + NearestName.hint(for: text, among: AlertOccasion.allCases.map(\.rawValue)))
        return nil
      }
    }
    return alerts
  }

  /// A relative path counts from the job file, also that which is not written there; without a file
  /// the usual options need no section.
  func readLogging(_ top: YAMLSection) -> LoggingOptions? {
    if let section = top.section("logging", keys: YAMLSection.loggingKeys) {
      return section.readLogging(resolve: resolve)
    }
    let usual = LoggingOptions()
    let path = resolve(usual.logFile)
    return path == usual.logFile ? nil : LoggingOptions(logFile: path)
  }

  private func readSMTP(_ section: YAMLSection) -> SMTPOptions {
    SMTPOptions(
      url: section.expandedText("url") ?? "", user: section.expandedText("user"),
      password: section.expandedText("password"), from: section.expandedText("from"),
      startTLS: section.choice("starttls", as: StartTLSRule.self),
      caFile: section.expandedText("ca_file").map(resolve))
  }

  // MARK: Values

  func text(_ node: Node, path: String, allowsEmptyPlain: Bool = false) -> String? {
    guard case .scalar(let scalar) = node else {
      report(node, "\(path): expected a text" + found(node))
      return nil
    }
    if scalar.string.isEmpty, scalar.style == .plain || scalar.style == .any, !allowsEmptyPlain {
      report(node, "\(path): it has no value; an empty text is \"\"")
      return nil
    }
    return scalar.string
  }

  /// Replaces `${NAME}` by the variable's value, and `$${` by `${`.
  func expand(_ text: String, _ node: Node, path: String) -> String? {
    var result = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        result += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else {
          report(node, "\(path): '${' is not closed by '}'")
          return nil
        }
        let name = String(rest[..<end].dropFirst(2))
        guard let value = environment[name] else {
          report(node, "\(path): the environment variable '\(name)' is not set")
          return nil
        }
        result += value
        rest = rest[rest.index(after: end)...]
      } else {
        result += "$"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }

  /// A path, relative to the job file unless it is absolute.
  func resolve(_ path: String) -> String {
    path.hasPrefix("/") || folder.isEmpty ? path : folder == "/" ? "/" + path : folder + "/" + path
  }

  /// A database's address, with the path of an SQLite file resolved.
  func resolveDatabase(_ url: String) -> String {
    guard url.hasPrefix("sqlite:") else { return url }
    let path = String(url.dropFirst("sqlite:".count))
    guard !path.isEmpty, !path.hasPrefix(":"), !path.hasPrefix("file:") else { return url }
    return "sqlite:" + resolve(path)
  }

  // MARK: Problems

  func position(of node: Node) -> JobFilePosition? {
    node.mark.map { JobFilePosition(line: $0.line, column: $0.column) }
  }

  func report(_ node: Node, _ message: String) { report(at: position(of: node), message) }

  func report(at position: JobFilePosition?, _ message: String) {
    problems.append(.init(position: position, message: message))
  }

  func found(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): ", found '\(scalar.string)'"
    case .mapping: ", found a mapping"
    case .sequence: ", found a list"
    case .alias: ", found an alias"
    }
  }

  private func report(_ error: YamlError) {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = JobFilePosition(line: mark.line, column: mark.column)
      report(at: place, [context?.text, problem].compactMap { $0 }.joined(separator: ", "))
    case .reader(let problem, _, _, _):
      report(at: nil, problem)
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.sorted().map { "'\($0)'" }.joined(separator: ", ")
      report(
        at: JobFilePosition(line: context.mark.line, column: context.mark.column),
        "the key \(names) appears twice")
    default:
      report(at: nil, "\(error)")
    }
  }
}

extension YAMLSection {
  /// A value whose error message is made of the text found.
  fileprivate func value<Value>(
    _ key: String, _ parse: (String) -> Value?, orElse: (String) -> String
  ) -> Value? {
    guard let text = text(key) else { return nil }
    guard let value = parse(text) else {
      report(key, orElse(text))
      return nil
    }
    return value
  }
}
