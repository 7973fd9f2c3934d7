import Testing

@testable import Cairn

@Suite("A job that makes no sense is refused before anything is read")
struct JobValidationTests {
  static func job(
    _ columns: [ColumnRule]? = [
      ColumnRule(name: "k", type: .text), ColumnRule(name: "n", type: .integer),
    ], key: [String] = ["k"], mode: LoadMode? = nil, rules: [RowRule] = [],
    source: SourceOptions = SourceOptions()
  ) -> Job {
    Job(
      name: "j", source: source, columns: columns, rules: rules,
      sink: SinkOptions(url: "sqlite:x.db", table: "t", key: key, mode: mode))
  }

  private static func column(
    _ type: ColumnType, _ change: (inout ColumnRule) -> Void
  ) -> Job {
    var rule = ColumnRule(name: "c", type: type)
    change(&rule)
    return job([rule], key: [])
  }

  private static func changed(_ change: (inout Job) -> Void) -> Job {
    var job = job()
    change(&job)
    return job
  }

  /// A job and the problems it has.
  static let problems: [(job: Job, problems: [String])] = [
    (job(), []),
    (job(nil), []),
    (job(key: [], mode: .append), []),
    (job(key: [], mode: .replace), []),
    (job(key: [], mode: .upsert), ["sink.key: mode upsert needs the columns of a key"]),
    (job(key: [], mode: .insertOnly), ["sink.key: mode insert_only needs the columns of a key"]),
    (
      job(mode: .append),
      [
        "sink.key: mode append inserts every row and takes no key; modes with one are upsert and "
          + "insert_only"
      ]
    ),
    (job(key: ["k", "k"]), ["sink.key: it names a column twice"]),
    (job(key: ["kk"]), ["sink.key: no column 'kk' is loaded; did you mean 'k'?"]),
    (job([], key: []), ["columns: there are none; leave it out to load all"]),
    (
      job([
        ColumnRule(name: "k", type: .text), ColumnRule(name: "K", type: .text),
        ColumnRule(name: "k", type: .text),
      ]),
      [
        "columns[K].name: 'k' and 'K' differ only by case",
        "columns[k].name: 'K' and 'k' differ only by case",
      ]
    ),
    (column(.integer) { $0.minimum = "1.5" }, ["columns[c].min: '1.5' is not an integer"]),
    (
      column(.integer) { $0.maximum = "3000000000" },
      ["columns[c].max: '3000000000' is not an integer"]
    ),
    (
      column(.numeric(precision: 4, scale: 1)) { $0.minimum = "0.05" },
      [
        "columns[c].min: '0.05' is not a numeric(4,1)"
      ]
    ),
    (
      column(.date) { ($0.minimum, $0.maximum) = ("2025-02-01", "2025-01-01") },
      [
        "columns[c].min: the minimum 2025-02-01 is over the maximum 2025-01-01"
      ]
    ),
    (
      column(.text) { ($0.minimum, $0.maximum) = ("b", "a") },
      [
        "columns[c].min: the minimum b is over the maximum a"
      ]
    ),
    (column(.integer) { $0.oneOf = ["1", "x"] }, ["columns[c].one_of: 'x' is not an integer"]),
    (
      column(.integer) { ($0.maximum, $0.defaultValue) = ("5", "6") },
      [
        "columns[c].default: '6' breaks the column's own rules"
      ]
    ),
    (
      column(.text) { ($0.pattern, $0.defaultValue) = ("[0-9]+", "x") },
      [
        "columns[c].default: 'x' breaks the column's own rules"
      ]
    ),
    (
      column(.integer) { $0.pattern = "x" },
      [
        "columns[c].pattern: a pattern is for text columns, and this one is integer"
      ]
    ),
    (
      column(.integer) { $0.maxLength = 3 },
      [
        "columns[c].max_length: a length is for text columns, and this one is integer"
      ]
    ),
    (
      column(.text) { $0.format = "yyyy" },
      [
        "columns[c].format: a format is for dates and times, and this one is text"
      ]
    ),
    (
      column(.text) { $0.trueWords = ["X"] },
      [
        "columns[c].true: words for true are for boolean columns, and this one is text"
      ]
    ),
    (
      column(.boolean) { ($0.trueWords, $0.falseWords) = (["x"], ["X"]) },
      [
        "columns[c].true: 'x' is among the words for false as well"
      ]
    ),
    (column(.date) { $0.format = "HH:mm" }, ["columns[c].format: 'HH:mm' has no date, for a date"]),
    (
      column(.time) { $0.format = "yyyyMMdd" },
      [
        "columns[c].format: 'yyyyMMdd' has no time, for a time"
      ]
    ),
    (
      column(.timestamp) { $0.format = "yyyyMMdd HHmm XX" },
      [
        "columns[c].format: 'yyyyMMdd HHmm XX' has an offset, which only timestamptz keeps"
      ]
    ),
    (column(.timestamptz) { $0.format = "yyyyMMdd HHmm XX" }, []),
    (
      column(.timestamptz) { $0.format = "yyyyMMdd HHmm" },
      [
        "columns[c].format: 'yyyyMMdd HHmm' has no offset, so source.timezone must name the zone of "
          + "its local times, for example Asia/Jakarta"
      ]
    ),
    (
      column(.integer) { $0.origin = .lineage(.row) },
      [
        "columns[c].type: lineage row is bigint, and this column is integer"
      ]
    ),
    (
      column(.integer) { $0.origin = .constant("x") },
      [
        "columns[c].constant: 'x' is not a value that the column (integer) takes"
      ]
    ),
    (
      column(.text) { $0.origin = .fields([]) },
      ["columns[c].from: it names no column of the source"]
    ),
    (
      job(rules: [RowRule(name: "r", left: "k", comparison: .less, right: "n")]),
      ["rules[r].check: 'k' (text) and 'n' (integer) do not compare; give them one type"]
    ),
    (
      job(rules: [RowRule(name: "r", left: "k", comparison: .less, right: "m")]),
      ["rules[r].check: no column 'm' is loaded; did you mean 'k'?"]
    ),
    (
      job(source: SourceOptions(delimiter: "")),
      ["source.delimiter: it has 0 bytes; expected 1 to 8"]
    ),
    (
      job(source: SourceOptions(delimiter: "123456789")),
      [
        "source.delimiter: it has 9 bytes; expected 1 to 8"
      ]
    ),
    (
      job(source: SourceOptions(delimiter: "|\"", quote: "\"")),
      [
        "source.quote: it is part of the delimiter"
      ]
    ),
    (
      job(source: SourceOptions(quote: "ab")),
      [
        "source.quote: 'ab' is not one ASCII mark such as '\"', or none or auto"
      ]
    ),
    (
      job(source: SourceOptions(decimal: ",", thousands: ",")),
      [
        "source.thousands: ',' is the decimal point as well"
      ]
    ),
    (
      job(source: SourceOptions(decimal: "1")),
      [
        "source.decimal: '1' is not one ASCII mark such as '.' or ','"
      ]
    ),
    (
      job(source: SourceOptions(header: .none)),
      [
        "source.names: a source without a header needs the names of its columns"
      ]
    ),
    (
      job(source: SourceOptions(names: ["a"])),
      [
        "source.names: names are for sources without a header; set source.header to none"
      ]
    ),
    (changed { $0.name = "a/b" }, ["job: 'a/b' is no name: letters, digits, '_', '-' and '.'"]),
    (changed { $0.sink.table = "" }, ["sink.table: the table is not named"]),
    (
      changed { $0.sink.table = "a.b.c" },
      [
        "sink.table: 'a.b.c' is neither 'table' nor 'schema.table'"
      ]
    ),
    (
      changed { $0.sink.url = "transport.db" },
      [
        "sink.url: it has no scheme; expected sqlite:PATH or postgres://…"
      ]
    ),
    (changed { $0.errors.maximumRate = 1.5 }, ["errors.max_rate: 1.5 is not a share of 0…1"]),
    (changed { $0.retry.attempts = 0 }, ["retry.attempts: 0 is less than 1"]),
    (
      changed { $0.retry.minimumBackoff = .seconds(90) },
      [
        "retry.backoff: the shortest wait is over the longest"
      ]
    ),
  ]

  @Test("Each by its path", arguments: problems.indices)
  func eachProblem(index: Int) {
    let (job, expected) = Self.problems[index]
    do throws(JobError) {
      try job.validate()
      #expect(expected == [])
    } catch {
      #expect(error.problems.map(\.description) == expected)
    }
  }

  @Test("A pattern has to be a regular expression")
  func pattern() {
    let error = #expect(throws: JobError.self) {
      try Self.column(.text) { $0.pattern = "[a" }.validate()
    }
    #expect(error?.problems.map(\.path) == ["columns[c].pattern"])
  }

  @Test("A wrong setting of the source is said once, not for each column")
  func sourceOnce() {
    let error = #expect(throws: JobError.self) {
      try Self.job(
        [ColumnRule(name: "k", type: .integer), ColumnRule(name: "l", type: .integer)],
        source: SourceOptions(decimal: "xx")
      ).validate()
    }
    #expect(error?.problems.map(\.path) == ["source.decimal"])
  }
}
