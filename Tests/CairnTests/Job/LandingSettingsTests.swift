import Testing

@testable import Cairn

@Suite("The job digest covers what decides which rows land, and nothing else")
struct LandingSettingsTests {
  static let job = Job(
    name: "j", source: SourceOptions(delimiter: "~^", nulls: ["", "N\"A"]),
    columns: [
      ColumnRule(name: "k", type: .text, required: true),
      ColumnRule(
        name: "at", type: .timestamp, origin: .fields(["d", "t"]), format: "yyyyMMdd HHmm"),
    ], sink: SinkOptions(url: "sqlite:x.db", table: "t", key: ["k"]))

  @Test("It is SHA-256 of sorted JSON", .enabled(if: ValueOracle.isAvailable))
  func canonicalForm() async throws {
    // Written by hand from the definition, put into order and hashed by Python.
    let expected = try await ValueOracle.run(
      """
      import hashlib
      settings = {
        'sink.table': 't', 'sink.key': ['k'], 'sink.mode': 'upsert',
        'source.delimiter': '~^', 'source.header': 'normalize', 'source.names': [],
        'source.skip_lines': 0, 'source.encoding': 'utf-8', 'source.quote': 'none',
        'source.nulls': ['', 'N"A'], 'source.decimal': '.', 'source.thousands': 'none',
        'source.timezone': 'none', 'source.extra_columns': 'ignore',
        'source.max_field_size': 16777216,
        'columns[k].type': 'text', 'columns[k].from': ['k'], 'columns[k].required': True,
        'columns[at].type': 'timestamp', 'columns[at].from': ['d', 't'],
        'columns[at].format': 'yyyyMMdd HHmm'}
      text = json.dumps(settings, sort_keys=True, separators=(',', ':'), ensure_ascii=False)
      print(json.dumps(hashlib.sha256(text.encode()).hexdigest()))
      """, input: "", as: String.self)
    #expect(Self.job.digest == expected)
  }

  @Test("What does not decide which rows land leaves it alone")
  func unchanged() {
    var other = Self.job
    other.name = "other"
    other.source.path = "elsewhere"
    other.checkpoint = CheckpointOptions(enabled: false, chunkRows: 7, directory: "x")
    other.errors = ErrorPolicy(maximumRate: 0.9, maximumRows: 1, raw: .none)
    other.sink.url = "sqlite:y.db"
    other.sink.refresh = ["v"]
    other.sink.stateSchema = "s"
    other.retry.attempts = 1
    other.alerts = AlertOptions(email: ["a@b"])
    other.columns?.reverse()
    #expect(other.digest == Self.job.digest)
    #expect(other.differences(from: Self.job) == [])
  }

  @Test("Every setting that does changes it, and is named")
  func changed() {
    func difference(_ change: (inout Job) -> Void) -> [String] {
      var other = Self.job
      change(&other)
      #expect(other.digest != Self.job.digest)
      return other.differences(from: Self.job)
    }
    func column(_ change: (inout ColumnRule) -> Void) -> [String] {
      difference { job in
        var rule = Self.job.columns?[0] ?? ColumnRule(name: "", type: .text)
        change(&rule)
        job.columns?[0] = rule
      }
    }
    #expect(difference { $0.source.delimiter = "," } == [#"source.delimiter: "~^" → ",""#])
    #expect(difference { $0.source.delimiter = nil } == [#"source.delimiter: "~^" → "auto""#])
    #expect(difference { $0.source.header = .asIs } == [#"source.header: "normalize" → "as_is""#])
    #expect(difference { $0.source.names = ["a"] } == [#"source.names: [] → ["a"]"#])
    #expect(difference { $0.source.skipLines = 1 } == ["source.skip_lines: 0 → 1"])
    #expect(
      difference { $0.source.encoding = .latin1 } == [#"source.encoding: "utf-8" → "latin1""#])
    #expect(difference { $0.source.quote = "'" } == [#"source.quote: "none" → "'""#])
    #expect(difference { $0.source.detectsQuote = true } == [#"source.quote: "none" → "auto""#])
    #expect(difference { $0.source.nulls = [] } == [#"source.nulls: ["","N\"A"] → []"#])
    #expect(difference { $0.source.decimal = "," } == [#"source.decimal: "." → ",""#])
    #expect(difference { $0.source.thousands = " " } == [#"source.thousands: "none" → " ""#])
    #expect(difference { $0.source.timezone = "UTC" } == [#"source.timezone: "none" → "UTC""#])
    #expect(
      difference { $0.source.extraColumns = .add } == [#"source.extra_columns: "ignore" → "add""#])
    #expect(
      difference { $0.source.maximumFieldBytes = 5 } == ["source.max_field_size: 16777216 → 5"])
    #expect(difference { $0.sink.table = "u" } == [#"sink.table: "t" → "u""#])
    #expect(difference { $0.sink.key = ["at"] } == [#"sink.key: ["k"] → ["at"]"#])
    #expect(difference { $0.sink.mode = .replace } == [#"sink.mode: "upsert" → "replace""#])
    #expect(
      difference { $0.columns?.removeLast() } == [
        #"columns[at].format: "yyyyMMdd HHmm" → not set"#,
        #"columns[at].from: ["d","t"] → not set"#, #"columns[at].type: "timestamp" → not set"#,
      ])
    #expect(difference { $0.columns = nil }.first == #"columns: not set → "inferred""#)
    #expect(
      difference { $0.rules = [RowRule(name: "r", left: "k", comparison: .less, right: "at")] }
        == [#"rules[r]: not set → ["k","<","at"]"#])
    #expect(column { $0.required = false } == ["columns[k].required: true → not set"])
    #expect(column { $0.nulls = ["x"] } == [#"columns[k].nulls: not set → ["x"]"#])
    #expect(column { $0.trim = false } == ["columns[k].trim: not set → false"])
    #expect(column { $0.defaultValue = "x" } == [#"columns[k].default: not set → "x""#])
    #expect(column { $0.minimum = "x" } == [#"columns[k].min: not set → "x""#])
    #expect(column { $0.maximum = "x" } == [#"columns[k].max: not set → "x""#])
    #expect(column { $0.oneOf = ["x"] } == [#"columns[k].one_of: not set → ["x"]"#])
    #expect(column { $0.pattern = "x" } == [#"columns[k].pattern: not set → "x""#])
    #expect(column { $0.maxLength = 3 } == ["columns[k].max_length: not set → 3"])
    #expect(column { $0.onOverflow = .round } == [#"columns[k].on_overflow: not set → "round""#])
    #expect(column { $0.trueWords = ["x"] } == [#"columns[k].true: not set → ["x"]"#])
    #expect(column { $0.falseWords = ["x"] } == [#"columns[k].false: not set → ["x"]"#])
    #expect(
      column { $0.origin = .constant("c") } == [
        #"columns[k].constant: not set → "c""#, #"columns[k].from: ["k"] → not set"#,
      ])
  }
}
