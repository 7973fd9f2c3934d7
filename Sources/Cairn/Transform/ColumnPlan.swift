internal import Parquet

/// One column rule, compiled: checked for sense and ready to read fields.
struct ColumnPlan: Sendable {
  /// The rule it was made of.
  let rule: ColumnRule
  /// Reads the source's fields.
  let parser: ColumnParser
  /// Reads the target's notation: for values that come typed, in another type than the column's.
  let canonicalParser: ColumnParser
  /// The source's null tokens and the column's own.
  let nulls: NullTokens
  /// Whether white space around the field is dropped.
  let trims: Bool
  /// The value of a constant column.
  let constant: ColumnValues?

  /// What is wrong with a rule.
  struct Problem: Error {
    /// The rule's part, by its name in a job file.
    var key: String
    var message: String
  }

  /// Compiles a rule.
  ///
  /// - Throws: The first ``Problem``.
  init(_ rule: ColumnRule, source: SourceOptions) throws(Problem) {
    self.rule = rule
    trims = rule.trim ?? (rule.type != .text)
    nulls = NullTokens(source.nulls + rule.nulls)
    try Self.checkUse(of: rule)
    parser = try Self.parser(rule, source: source)
    canonicalParser = try Self.canonicalParser(of: rule)
    if case .constant(let text) = rule.origin {
      let parser = canonicalParser
      let output = try Self.reporting("constant") {
        try parser.parse(ByteStrings([text]), nulls: nil, trims: false)
      }
      if let state = output.states?[0], state != 0 {
        throw Problem(
          key: "constant", message: "'\(text)' is not a value that the column (\(rule.type)) takes")
      }
      constant = output.values
    } else {
      constant = nil
    }
  }

  private static func reporting<Result>(
    _ key: String, _ body: () throws -> Result
  ) throws(Problem) -> Result {
    do { return try body() } catch { throw Problem(key: key, message: "\(error)") }
  }

  /// Refuses parts of a rule that its type has no use for: they would be ignored silently.
  private static func checkUse(of rule: ColumnRule) throws(Problem) {
    func refuse(_ key: String, _ isGiven: Bool, unless isUsed: Bool, _ use: String) throws(Problem)
    {
      guard isGiven, !isUsed else { return }
      throw Problem(key: key, message: "\(use), and this one is \(rule.type)")
    }
    let isDateOrTime: Bool
    let hasOrder: Bool
    switch rule.type {
    case .date, .time, .timestamp, .timestamptz: (isDateOrTime, hasOrder) = (true, true)
    case .boolean, .json, .uuid: (isDateOrTime, hasOrder) = (false, false)
    default: (isDateOrTime, hasOrder) = (false, true)
    }
    try refuse(
      "format", rule.format != nil, unless: isDateOrTime, "a format is for dates and times")
    try refuse("min", rule.minimum != nil, unless: hasOrder, "a minimum is for types with an order")
    try refuse("max", rule.maximum != nil, unless: hasOrder, "a maximum is for types with an order")
    try refuse(
      "pattern", rule.pattern != nil, unless: rule.type == .text, "a pattern is for text columns")
    try refuse(
      "max_length", rule.maxLength != nil, unless: rule.type == .text || rule.type == .json,
      "a length is for text columns")
    try refuse(
      "one_of", !rule.oneOf.isEmpty, unless: rule.type != .boolean && rule.type != .json,
      "a list of values is for types with many")
    try refuse(
      "true", !rule.trueWords.isEmpty, unless: rule.type == .boolean,
      "words for true are for boolean columns")
    try refuse(
      "false", !rule.falseWords.isEmpty, unless: rule.type == .boolean,
      "words for false are for boolean columns")
    if let word = rule.trueWords.first(where: { word in
      rule.falseWords.contains { $0.lowercased() == word.lowercased() }
    }) {
      throw Problem(key: "true", message: "'\(word)' is among the words for false as well")
    }
    if let length = rule.maxLength, length < 0 {
      throw Problem(key: "max_length", message: "\(length) is less than 0")
    }
    switch rule.origin {
    case .fields(let names) where names.isEmpty:
      throw Problem(key: "from", message: "it names no column of the source")
    case .lineage(let lineage) where rule.type != lineage.type:
      throw Problem(
        key: "type",
        message: "lineage \(lineage.rawValue) is \(lineage.type), and this column is \(rule.type)")
    case .remainder where rule.type != .json:
      throw Problem(key: "type", message: "the remaining columns are json, not \(rule.type)")
    default: break
    }
  }

  // MARK: Parsers

  private static func parser(
    _ rule: ColumnRule, source: SourceOptions
  ) throws(Problem) -> ColumnParser {
    let format = try source.numberFormat()
    var pattern: DateTimePattern?
    if let text = rule.format {
      do {
        pattern = try DateTimePattern(text)
      } catch {
        throw Problem(key: "format", message: "'\(text)': \(error.message)")
      }
      try check(pattern, suits: rule.type)
    }
    var zone: ZoneRules?
    if rule.type == .timestamptz {
      if let name = source.timezone { zone = try source.zoneRules(named: name) }
      if zone == nil, let pattern, !pattern.contents.contains(.offset) {
        throw Problem(
          key: "format",
          message: "'\(pattern.text)' has no offset, so source.timezone must name the zone of its "
            + "local times, for example Asia/Jakarta")
      }
    }
    return try make(
      rule, format: format, rounds: rule.onOverflow == .round,
      dateTime: DateTimeParser(pattern: pattern, zone: zone, rounds: rule.onOverflow == .round))
  }

  private static func canonicalParser(of rule: ColumnRule) throws(Problem) -> ColumnParser {
    try make(
      rule, format: .canonical, rounds: rule.onOverflow == .round,
      dateTime: DateTimeParser(pattern: nil, zone: nil, rounds: rule.onOverflow == .round))
  }

  private static func check(_ pattern: DateTimePattern?, suits type: ColumnType) throws(Problem) {
    guard let pattern else { return }
    let missing: String?
    switch type {
    case .time: missing = pattern.contents.contains(.time) ? nil : "time"
    default: missing = pattern.contents.contains(.date) ? nil : "date"
    }
    if let missing {
      throw Problem(key: "format", message: "'\(pattern.text)' has no \(missing), for a \(type)")
    }
    if type != .timestamptz, pattern.contents.contains(.offset) {
      throw Problem(
        key: "format", message: "'\(pattern.text)' has an offset, which only timestamptz keeps")
    }
  }

  private static func make(
    _ rule: ColumnRule, format: NumberFormat, rounds: Bool, dateTime: DateTimeParser
  ) throws(Problem) -> ColumnParser {
    let canonical = CanonicalParsers.dateTime
    let utc = DateTimeParser(pattern: nil, zone: ZoneRules.named("UTC"), rounds: false)
    switch rule.type {
    case .text, .json:
      return .text(try textChecks(rule))
    case .boolean:
      let words = BooleanParser(trueWords: rule.trueWords, falseWords: rule.falseWords)
      let defaultValue = try value(rule.defaultValue, "default", rule, zero: false) {
        BooleanParser(trueWords: ["true"], falseWords: ["false"]).parse($0, into: &$1)
      }
      return .boolean(words, defaultValue: defaultValue)
    case .integer:
      return .integer(
        IntegerParser(format: format, rounds: rounds),
        try checks(rule, zero: Int32(0)) { CanonicalParsers.integer.parse($0, into: &$1) })
    case .bigint:
      return .bigint(
        IntegerParser(format: format, rounds: rounds),
        try checks(rule, zero: Int64(0)) { CanonicalParsers.integer.parse($0, into: &$1) })
    case .double:
      return .double(
        DoubleParser(format: format),
        try checks(rule, zero: 0.0) { CanonicalParsers.double.parse($0, into: &$1) })
    case .numeric(let precision, let scale):
      guard (1...38).contains(precision), (0...precision).contains(scale) else {
        throw Problem(key: "type", message: "\(rule.type): 1…38 digits, 0… of them after the point")
      }
      let exact = NumericParser(
        format: .canonical, precision: precision, scale: scale, rounds: false)
      return .numeric(
        NumericParser(format: format, precision: precision, scale: scale, rounds: rounds),
        try checks(rule, zero: Int128(0)) { exact.parse($0, into: &$1) })
    case .date:
      return .date(
        dateTime, try checks(rule, zero: Int32(0)) { canonical.parseDate($0, into: &$1) })
    case .time:
      return .time(
        dateTime, try checks(rule, zero: Int64(0)) { canonical.parseTime($0, into: &$1) })
    case .timestamp:
      return .timestamp(
        dateTime, try checks(rule, zero: Int64(0)) { canonical.parseTimestamp($0, into: &$1) })
    case .timestamptz:
      return .timestamptz(
        dateTime, try checks(rule, zero: Int64(0)) { utc.parseInstant($0, into: &$1) })
    case .uuid:
      return .uuid(
        try checks(rule, zero: UInt128(0)) { UUIDParser.parse($0, into: &$1) })
    }
  }

  private static func value<Value>(
    _ text: String?, _ key: String, _ rule: ColumnRule, zero: Value,
    _ parse: (UnsafeRawBufferPointer, inout Value) -> ValueDefect
  ) throws(Problem) -> Value? {
    guard let text else { return nil }
    var value = zero
    let defect = Array(text.utf8).withUnsafeBytes { parse($0.trimmed, &value) }
    guard defect == .none else {
      throw Problem(key: key, message: "'\(text)' is not \(rule.type.withArticle)")
    }
    return value
  }

  private static func checks<Value: Comparable & Sendable>(
    _ rule: ColumnRule, zero: Value,
    _ parse: (UnsafeRawBufferPointer, inout Value) -> ValueDefect
  ) throws(Problem) -> ValueChecks<Value> {
    var checks = ValueChecks<Value>()
    checks.minimum = try value(rule.minimum, "min", rule, zero: zero, parse)
    checks.maximum = try value(rule.maximum, "max", rule, zero: zero, parse)
    for text in rule.oneOf {
      if let allowed = try value(text, "one_of", rule, zero: zero, parse) {
        checks.allowed.append(allowed)
      }
    }
    checks.allowed.sort()
    if let minimum = checks.minimum, let maximum = checks.maximum, minimum > maximum {
      throw Problem(
        key: "min",
        message: "the minimum \(rule.minimum ?? "") is over the maximum \(rule.maximum ?? "")")
    }
    if let value = try value(rule.defaultValue, "default", rule, zero: zero, parse) {
      guard checks.verdict(on: value) == .none else {
        throw Problem(
          key: "default", message: "'\(rule.defaultValue ?? "")' breaks the column's own rules")
      }
      checks.defaultValue = value
    }
    return checks
  }

  private static func textChecks(_ rule: ColumnRule) throws(Problem) -> TextChecks {
    var checks = TextChecks()
    // What the columns that are left make is JSON already.
    checks.mustBeJSON = rule.type == .json && rule.origin != .remainder
    checks.minimum = rule.minimum.map { Array($0.utf8) }
    checks.maximum = rule.maximum.map { Array($0.utf8) }
    if let minimum = checks.minimum, let maximum = checks.maximum,
      maximum.lexicographicallyPrecedes(minimum)
    {
      throw Problem(
        key: "min",
        message: "the minimum \(rule.minimum ?? "") is over the maximum \(rule.maximum ?? "")")
    }
    checks.allowed = rule.oneOf.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    checks.pattern = rule.pattern
    checks.maxLength = rule.maxLength
    var matcher: Regex<AnyRegexOutput>?
    if let pattern = rule.pattern {
      do {
        matcher = try TextChecks.compile(pattern)
      } catch {
        throw Problem(key: "pattern", message: "'\(pattern)' is no regular expression: \(error)")
      }
    }
    if let text = rule.defaultValue {
      let bytes = Array(text.utf8)
      guard bytes.withUnsafeBytes({ checks.verdict(on: $0, matcher: matcher) }) == .none else {
        throw Problem(
          key: "default", message: "'\(text)' breaks the column's own rules")
      }
      checks.defaultValue = bytes
    }
    return checks
  }
}

extension Lineage {
  /// The type of a lineage column.
  public var type: ColumnType {
    switch self {
    case .file, .run: .text
    case .row: .bigint
    case .loadedAt: .timestamptz
    }
  }
}

extension ColumnType {
  /// The type with its article, as sentences need it.
  var withArticle: String {
    switch self {
    case .integer: "an integer"
    case .text: "text"
    case .json: "JSON"
    case .timestamptz: "a timestamptz"
    default: "a \(self)"
    }
  }
}

extension SourceOptions {
  /// How numbers are written.
  func numberFormat() throws(ColumnPlan.Problem) -> NumberFormat {
    func single(_ text: String, _ key: String) throws(ColumnPlan.Problem) -> UInt8 {
      guard text.utf8.count == 1, let byte = text.utf8.first, byte < 0x80,
        byte.digitValue >= 10, byte != 0x2D, byte != 0x2B, (byte.asciiLowercased &- 0x61) >= 26
      else {
        throw ColumnPlan.Problem(
          key: "source.\(key)", message: "'\(text)' is not one ASCII mark such as '.' or ','")
      }
      return byte
    }
    var format = NumberFormat(decimal: try single(decimal, "decimal"))
    if let thousands {
      format.thousands = try single(thousands, "thousands")
      guard format.thousands != format.decimal else {
        throw ColumnPlan.Problem(
          key: "source.thousands", message: "'\(thousands)' is the decimal point as well")
      }
    }
    return format
  }

  /// The zone of local timestamps.
  func zoneRules(named name: String) throws(ColumnPlan.Problem) -> ZoneRules {
    guard let zone = ZoneRules.named(name) else {
      throw ColumnPlan.Problem(
        key: "source.timezone",
        message: "'\(name)' is no IANA time zone; names look like Asia/Jakarta or UTC")
    }
    return zone
  }
}
