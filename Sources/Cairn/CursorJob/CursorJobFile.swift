/// A cursor job read from a YAML file.
///
/// ```yaml
/// job: github_sync
/// type: github
/// github: { organizations: [apache], token: "${GITHUB_TOKEN}" }
/// sink: { url: "sqlite:github.db", prefix: gh_ }
/// schedule: { every: 1h }
/// ```
///
/// It is read as strictly as the file of a load (``JobFile``).
public struct CursorJobFile: Sendable {
  /// The file's path, as it was given.
  public var path: String
  /// The job's name.
  public var name: String
  /// The kind of its source.
  public var type: String
  /// Where rows go. May hold a password.
  public var sinkURL: String
  /// The schema of Cairn's state, for PostgreSQL.
  public var stateSchema: String?
  /// Put before the name of each table.
  public var tablePrefix: String
  /// How the job works.
  public var options: CursorJobOptions
  /// Who is told how it ends.
  public var alerts: AlertOptions?
  /// What is logged.
  public var logging: LoggingOptions?

  private let maker: CursorJobType.SourceMaker

  /// Reads a job file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - types: The kinds of sources that it may name.
  ///   - environment: The variables that `${NAME}` refers to.
  /// - Throws: ``JobFileError``.
  public static func read(
    _ path: String, types: [CursorJobType], environment: [String: String] = [:]
  ) throws(JobFileError) -> CursorJobFile {
    try parse(try JobFile.content(of: path), path: path, types: types, environment: environment)
  }

  /// Reads a job from YAML text.
  ///
  /// - Throws: ``JobFileError``.
  public static func parse(
    _ yaml: String, path: String, types: [CursorJobType], environment: [String: String] = [:]
  ) throws(JobFileError) -> CursorJobFile {
    let reader = JobFileReader(environment: environment, folder: JobFile.folder(of: path))
    let file = reader.readCursorJob(yaml, path: path, types: types)
    guard reader.problems.isEmpty, let file else {
      throw JobFileError(
        file: path,
        problems: reader.problems.sorted {
          ($0.position ?? .init(line: 0, column: 0)) < ($1.position ?? .init(line: 0, column: 0))
        })
    }
    return file
  }

  /// Makes the job.
  ///
  /// - Throws: What the source's maker throws.
  public func job(
    into sink: any CursorJobSink, options: CursorJobOptions, environment: CursorSourceEnvironment
  ) throws -> CursorJob {
    CursorJob(
      name: name, source: try maker(environment), into: sink, tablePrefix: tablePrefix,
      options: options)
  }

  fileprivate init(
    path: String, name: String, type: String, sinkURL: String, stateSchema: String?,
    tablePrefix: String, options: CursorJobOptions, alerts: AlertOptions?,
    logging: LoggingOptions?, maker: @escaping CursorJobType.SourceMaker
  ) {
    self.path = path
    self.name = name
    self.type = type
    self.sinkURL = sinkURL
    self.stateSchema = stateSchema
    self.tablePrefix = tablePrefix
    self.options = options
    self.alerts = alerts
    self.logging = logging
    self.maker = maker
  }
}

extension JobFileReader {
  fileprivate static let cursorKeys = [
    "job", "type", "sink", "schedule", "checkpoint", "requests", "deletions", "sweep", "fields",
    "raw", "retry", "alerts", "logging",
  ]

  /// The job, or nil when there are problems.
  fileprivate func readCursorJob(
    _ yaml: String, path: String, types: [CursorJobType]
  ) -> CursorJobFile? {
    let names = types.map(\.name)
    guard let root = compose(yaml),
      let top = YAMLSection(root, path: "", keys: Self.cursorKeys + names, reader: self)
    else { return nil }
    top.require("job", "type", "sink")
    let name = top.text("job") ?? ""
    if top.has("job"), !Self.isJobName(name) {
      top.report(
        "job", "a job's name has letters, digits, '.', '_' and '-', and at most 100 of them")
    }
    var options = CursorJobOptions()
    options.file = FilePaths.absolute(path)
    if let section = top.section("schedule", keys: ["every"]) {
      section.require("every")
      options.interval = section.duration("every")
      if options.interval == .zero { section.report("every", "it is nothing") }
    }
    readCheckpoint(top, &options)
    if let section = top.section("requests", keys: ["at_once", "overlap"]) {
      options.atOnce = section.number("at_once", 1...64) ?? options.atOnce
      options.overlap = section.duration("overlap") ?? options.overlap
    }
    readDeletions(top, &options)
    options.fields = top.choice("fields", as: FieldEvolution.self) ?? options.fields
    if let section = top.section("retry", keys: Self.retryKeys) {
      options.retry = readRetry(section)
    }
    let settings = CursorJobSettings(
      keepsJSON: top.flag("raw") ?? false, fields: options.fields,
      sweepsDeletions: options.deletions != .ignore)
    let maker = readSource(top, types, settings)
    let sink = readSink(top)
    let alerts = top.section("alerts", keys: Self.alertKeys).map(readAlerts)
    let logging = readLogging(top)
    guard problems.isEmpty, let maker, let sink, let type = top.text("type") else { return nil }
    return CursorJobFile(
      path: path, name: name, type: type, sinkURL: sink.url, stateSchema: sink.stateSchema,
      tablePrefix: sink.prefix, options: options, alerts: alerts, logging: logging, maker: maker)
  }

  private func readSource(
    _ top: YAMLSection, _ types: [CursorJobType], _ settings: CursorJobSettings
  ) -> CursorJobType.SourceMaker? {
    guard let name = top.text("type") else { return nil }
    guard let type = types.first(where: { $0.name == name }) else {
      top.report(
        "type", "'\(name)' is not known" + NearestName.hint(for: name, among: types.map(\.name)))
      return nil
    }
    for other in types where other.name != name && top.has(other.name) {
      top.report(other.name, "the job's type is '\(name)', so that this is of no use")
    }
    top.require(name)
    return top.section(name, keys: type.keys).flatMap { type.read($0, settings) }
  }

  private func readSink(
    _ top: YAMLSection
  ) -> (url: String, stateSchema: String?, prefix: String)? {
    guard
      let section = top.section("sink", keys: ["url", "schema", "prefix", "state_schema"])
    else { return nil }
    section.require("url")
    let url = section.expandedText("url").map(resolveDatabase) ?? ""
    let schema = section.text("schema")
    let prefix = section.text("prefix") ?? ""
    if let schema {
      if url.hasPrefix("sqlite:") {
        section.report("schema", "SQLite has no schemas; use 'prefix'")
      } else if schema.isEmpty || schema.contains(".") {
        section.report("schema", "it is the name of one schema, without dots")
      }
    }
    if prefix.contains(".") { section.report("prefix", "it has no dots; use 'schema'") }
    return (url, section.text("state_schema"), (schema.map { $0 + "." } ?? "") + prefix)
  }

  private func readCheckpoint(_ top: YAMLSection, _ options: inout CursorJobOptions) {
    guard let section = top.section("checkpoint", keys: ["records", "every", "recovery"]) else {
      return
    }
    options.recovery = section.choice("recovery", as: JobRecovery.self)
    let records = section.number("records", 1...10_000)
    let interval = section.duration("every")
    if interval == .zero { section.report("every", "it is nothing") }
    guard records != nil || interval != nil else { return }
    // What is not said is as the source has it.
    options.policyOverride = { usual in
      CheckpointPolicy(
        records: records ?? usual.records, interval: interval ?? usual.interval)
    }
  }

  private func readDeletions(_ top: YAMLSection, _ options: inout CursorJobOptions) {
    enum Deletions: String, CaseIterable { case sweep, ignore }
    let deletions = top.choice("deletions", as: Deletions.self)
    let section = top.section("sweep", keys: ["every", "every_runs"])
    if section != nil, deletions != .sweep {
      top.report("sweep", "it is of use with deletions: sweep only")
    }
    guard deletions == .sweep else { return }
    let runs = section?.number("every_runs", 1...1_000_000)
    let interval = section?.duration("every")
    options.deletions =
      runs == nil && interval == nil ? .weekly : .sweep(everyRuns: runs, interval: interval)
  }

  private static func isJobName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 100
      && name.utf8.allSatisfy {
        ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A)
          || "._-".utf8.contains($0)
      }
  }
}
