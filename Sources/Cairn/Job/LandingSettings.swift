/// What of a job decides which rows land, as paths and JSON values.
///
/// Limits, checkpoints, retries, alerts, refreshes and the database's address are not among it:
/// changing them never blocks a resume. A run keeps these settings, so that a later one can say what
/// changed.
public struct LandingSettings: Sendable, Hashable, Codable {
  /// Values by path, for example `source.delimiter` and `"~^"`.
  public private(set) var values: [String: String]

  /// Takes them from a job. Columns that the job does not name are `inferred`.
  public init(_ job: Job) {
    values = [:]
    set("sink.table", job.sink.table)
    set("sink.key", job.sink.key)
    set("sink.mode", job.sink.mode.rawValue)
    set("source.delimiter", job.source.delimiter ?? "auto")
    set("source.header", job.source.header.rawValue)
    set("source.names", job.source.names)
    set("source.skip_lines", job.source.skipLines)
    set("source.encoding", job.source.encoding.rawValue)
    set("source.quote", job.source.quote ?? (job.source.detectsQuote ? "auto" : "none"))
    set("source.nulls", job.source.nulls)
    set("source.decimal", job.source.decimal)
    set("source.thousands", job.source.thousands ?? "none")
    set("source.timezone", job.source.timezone ?? "none")
    set("source.extra_columns", job.source.extraColumns.rawValue)
    set("source.max_field_size", job.source.maximumFieldBytes)
    if let columns = job.columns {
      for rule in columns { set(rule) }
    } else {
      set("columns", "inferred")
    }
    for rule in job.rules {
      set("rules[\(rule.name)]", [rule.left, rule.comparison.rawValue, rule.right])
    }
  }

  private mutating func set(_ rule: ColumnRule) {
    let path = "columns[\(rule.name)]"
    set("\(path).type", rule.type.description)
    switch rule.origin {
    case .fields(let names): set("\(path).from", names)
    case .constant(let text): set("\(path).constant", text)
    case .lineage(let lineage): set("\(path).lineage", lineage.rawValue)
    case .remainder: setRaw("\(path).remainder", "true")
    }
    if rule.required { setRaw("\(path).required", "true") }
    if !rule.nulls.isEmpty { set("\(path).nulls", rule.nulls) }
    if let format = rule.format { set("\(path).format", format) }
    if let trim = rule.trim { setRaw("\(path).trim", trim ? "true" : "false") }
    if let text = rule.defaultValue { set("\(path).default", text) }
    if let text = rule.minimum { set("\(path).min", text) }
    if let text = rule.maximum { set("\(path).max", text) }
    if !rule.oneOf.isEmpty { set("\(path).one_of", rule.oneOf) }
    if let pattern = rule.pattern { set("\(path).pattern", pattern) }
    if let length = rule.maxLength { set("\(path).max_length", length) }
    if rule.onOverflow != .reject { set("\(path).on_overflow", rule.onOverflow.rawValue) }
    if !rule.trueWords.isEmpty { set("\(path).true", rule.trueWords) }
    if !rule.falseWords.isEmpty { set("\(path).false", rule.falseWords) }
  }

  private mutating func set(_ path: String, _ text: String) {
    setRaw(path, JSONObjectColumn.quoted(text))
  }

  private mutating func set(_ path: String, _ number: Int) { setRaw(path, String(number)) }

  private mutating func set(_ path: String, _ texts: [String]) {
    setRaw(path, "[" + texts.map(JSONObjectColumn.quoted).joined(separator: ",") + "]")
  }

  private mutating func setRaw(_ path: String, _ json: String) { values[path] = json }

  /// SHA-256 of the settings as one JSON object with sorted keys, in lower-case hexadecimal.
  public var digest: String {
    let members = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { "\(JSONObjectColumn.quoted($0.key)):\($0.value)" }
    let json = "{" + members.joined(separator: ",") + "}"
    var digest = ContentDigest()
    digest.update(json.utf8)
    return digest.hexadecimal
  }

  /// What changed since older settings, a line each, by path: `source.delimiter: "~^" → ","`.
  public func differences(from older: LandingSettings) -> [String] {
    Set(values.keys).union(older.values.keys).sorted().compactMap { path in
      switch (older.values[path], values[path]) {
      case (let old?, let new?) where old != new: "\(path): \(old) → \(new)"
      case (nil, let new?): "\(path): not set → \(new)"
      case (let old?, nil): "\(path): \(old) → not set"
      default: nil
      }
    }
  }
}

extension Job {
  /// SHA-256 of what decides which rows land; see ``LandingSettings``.
  public var digest: String { LandingSettings(self).digest }

  /// What changed since an older job, as far as it decides which rows land: a line for each setting,
  /// empty when nothing did.
  public func differences(from older: Job) -> [String] {
    LandingSettings(self).differences(from: LandingSettings(older))
  }
}
