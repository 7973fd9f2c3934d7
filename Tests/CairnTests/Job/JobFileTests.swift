import Foundation
import Testing

@testable import Cairn

@Suite("Job files are read strictly")
struct JobFileTests {
  /// Every key there is.
  static let complete = """
    job: transport_documents
    source:
      path: incoming/ZTDWR_*.dat*
      delimiter: "~^"
      header: none
      names: [a, b, c]
      skip_lines: 2
      encoding: windows-1252
      quote: '"'
      nulls: ["", NA, null, ~]
      decimal: ","
      thousands: "."
      timezone: Asia/Jakarta
      extra_columns: json
      max_field_size: 1MiB
    checkpoint:
      enabled: false
      chunk_rows: 50_000
      compression: lz4
      directory: checkpoints/${DAY}
      cleanup_on_success: no
      retention: 9m30s
      min_size: 20MB
    columns:
      - { name: spb, type: text, from: a, required: true, trim: true, pattern: "[A-Z]+", max_length: 10 }
      - { name: order_at, type: timestamp, from: [b, c], format: "yyyyMMdd HHmmss", nulls: ["00000000 000000"] }
      - name: net_weight
        type: numeric(18,3)
        from: a
        min: 0
        max: 99.5
        default: 1
        on_overflow: round
      - { name: gross_weight, type: "numeric(18, 3)", from: a }
      - { name: status, type: text, from: c, one_of: [A, no, 1] }
      - { name: done, type: boolean, from: c, true: [X, yes], false: ["-", off] }
      - { name: plant, constant: JKT, type: text }
      - { name: loaded_from, lineage: file }
      - { name: loaded_by, lineage: run }
      - { name: line, lineage: row }
      - { name: at, lineage: loaded_at }
      - { name: rest, remainder: true }
    rules:
      - { name: net_below_gross, check: [net_weight, "<=", gross_weight] }
    errors: { max_rate: 0.25, max_rows: 7, on_rejects: partial, on_empty: fail, raw: masked }
    sink:
      url: postgres://me:${PASSWORD}@db/x$y$${z}
      table: public.documents
      key: [spb]
      mode: insert_only
      refresh: [transport_daily]
      state_schema: cairn_state
    retry: { attempts: 9, backoff: 250ms..2m, give_up_after: 4 }
    alerts:
      email: [ops@example.com, "${HOOK}@example.com"]
      webhook: "https://hooks/${HOOK}"
      heartbeat: "https://beat/${HOOK}"
      on: [failed, success]
      smtp:
        url: "smtp://mail.example.com:${PORT}"
        user: "${HOOK}"
        password: "${PASSWORD}$${}"
        from: cairn@example.com
        starttls: required
        ca_file: ca.pem
    logging:
      level: WARN
      log_to_console: true
      log_to_file: no
      log_file: "out/${PORT}.log"
      separate_stage_logs: false
      stage_log_dir: stages
      max_size: 1MB
      backup_count: 2
      retention: 36h
    """

  static let environment = ["DAY": "monday", "PASSWORD": "s3cret", "HOOK": "h00k", "PORT": "587"]

  @Test("Every key means what it says")
  func everyKey() throws {
    let numeric = ColumnType.numeric(precision: 18, scale: 3)
    let expected = Job(
      name: "transport_documents",
      source: SourceOptions(
        path: "/jobs/incoming/ZTDWR_*.dat*", delimiter: "~^", header: .none,
        names: ["a", "b", "c"], skipLines: 2, encoding: .windows1252, quote: "\"",
        nulls: ["", "NA", "null", "~"], decimal: ",", thousands: ".", timezone: "Asia/Jakarta",
        extraColumns: .json, maximumFieldBytes: 1 << 20),
      checkpoint: CheckpointOptions(
        enabled: false, chunkRows: 50_000, compression: .lz4, directory: "/jobs/checkpoints/monday",
        cleanupOnSuccess: false, retention: .seconds(570), minimumSize: 20_000_000),
      columns: [
        ColumnRule(
          name: "spb", type: .text, origin: .fields(["a"]), required: true, trim: true,
          pattern: "[A-Z]+", maxLength: 10),
        ColumnRule(
          name: "order_at", type: .timestamp, origin: .fields(["b", "c"]),
          nulls: ["00000000 000000"], format: "yyyyMMdd HHmmss"),
        ColumnRule(
          name: "net_weight", type: numeric, origin: .fields(["a"]), defaultValue: "1",
          minimum: "0", maximum: "99.5", onOverflow: .round),
        ColumnRule(name: "gross_weight", type: numeric, origin: .fields(["a"])),
        ColumnRule(
          name: "status", type: .text, origin: .fields(["c"]), oneOf: ["A", "no", "1"]),
        ColumnRule(
          name: "done", type: .boolean, origin: .fields(["c"]), trueWords: ["X", "yes"],
          falseWords: ["-", "off"]),
        ColumnRule(name: "plant", type: .text, origin: .constant("JKT")),
        ColumnRule(name: "loaded_from", type: .text, origin: .lineage(.file)),
        ColumnRule(name: "loaded_by", type: .text, origin: .lineage(.run)),
        ColumnRule(name: "line", type: .bigint, origin: .lineage(.row)),
        ColumnRule(name: "at", type: .timestamptz, origin: .lineage(.loadedAt)),
        ColumnRule(name: "rest", type: .json, origin: .remainder),
      ],
      rules: [
        RowRule(
          name: "net_below_gross", left: "net_weight", comparison: .lessOrEqual,
          right: "gross_weight")
      ],
      errors: ErrorPolicy(
        maximumRate: 0.25, maximumRows: 7, onRejects: .partial, onEmpty: .fail, raw: .masked),
      sink: SinkOptions(
        url: "postgres://me:s3cret@db/x$y${z}", table: "public.documents", key: ["spb"],
        mode: .insertOnly, refresh: ["transport_daily"], stateSchema: "cairn_state"),
      retry: RetryPolicy(
        attempts: 9, minimumBackoff: .milliseconds(250), maximumBackoff: .seconds(120),
        giveUpAfter: 4),
      alerts: AlertOptions(
        email: ["ops@example.com", "h00k@example.com"], webhook: "https://hooks/h00k",
        heartbeat: "https://beat/h00k",
        smtp: SMTPOptions(
          url: "smtp://mail.example.com:587", user: "h00k", password: "s3cret${}",
          from: "cairn@example.com", startTLS: .required, caFile: "/jobs/ca.pem"),
        on: [.failed, .success]),
      logging: LoggingOptions(
        level: .warning, logToConsole: true, logToFile: false, logFile: "/jobs/out/587.log",
        separateStageLogs: false, stageLogDirectory: "/jobs/stages", maximumBytes: 1_000_000,
        backupCount: 2, retention: .seconds(36 * 3600)))
    let file = try JobFile.parse(
      Self.complete, path: "/jobs/day.yaml", environment: Self.environment)
    #expect(file.job == expected)
    #expect(throws: Never.self) { try file.validate(file.job) }
  }

  @Test("What a job file leaves out has the defaults of a job")
  func defaults() throws {
    let file = try JobFile.parse("job: j\nsink: { url: x:y, table: t }", path: "j.yaml")
    #expect(file.job == Job(name: "j", sink: SinkOptions(url: "x:y", table: "t")))
    let quoted = try JobFile.parse("job: j\nsource: { quote: auto }\nsink: {}", path: "j.yaml")
    #expect(quoted.job.source.quote == nil && quoted.job.source.detectsQuote)
    #expect(try JobFile.parse(JobFile.render(quoted.job), path: "j.yaml").job == quoted.job)
    let keyed = try JobFile.parse("job: j\nsink: { table: t, key: k }", path: "j.yaml")
    #expect(keyed.job.sink == SinkOptions(url: "", table: "t", key: ["k"], mode: .upsert))
  }

  @Test(
    "Relative paths resolve against the job file's folder",
    arguments: [
      ("a/j.yaml", "sqlite:x.db", "sqlite:a/x.db"), ("j.yaml", "sqlite:x.db", "sqlite:x.db"),
      ("/j.yaml", "sqlite:x.db", "sqlite:/x.db"), ("a/j.yaml", "sqlite:/d/x.db", "sqlite:/d/x.db"),
      ("a/j.yaml", "sqlite::memory:", "sqlite::memory:"),
      ("a/j.yaml", "postgres://h/d", "postgres://h/d"),
    ])
  func relativePaths(path: String, url: String, expected: String) throws {
    let file = try JobFile.parse(
      "job: j\nsink: { table: t, url: '\(url)' }\nsource: { path: /abs/*.dat }", path: path)
    #expect(file.job.sink.url == expected)
    #expect(file.job.source.path == "/abs/*.dat")
  }

  /// A broken file and the message it gets.
  static let broken: [(yaml: String, message: String)] = [
    ("", "j.yaml: the job file is empty"),
    ("job: [", "j.yaml:2:1: while parsing a flow node, did not find expected node content"),
    (
      "- a",
      "j.yaml:1:1: a job file is a mapping of job, source, checkpoint, columns, rules, errors, "
        + "sink, retry, alerts, logging, found a list"
    ),
    ("job: j", "j.yaml:1:1: the job needs 'sink'"),
    (
      "job: j\nsinc: { table: t }\nsink: {}", "j.yaml:2:1: unknown key 'sinc'; did you mean 'sink'?"
    ),
    ("job: j\njob: k\nsink: {}", "j.yaml:1:1: the key 'job' appears twice"),
    (
      "job: j\nsink: {}\nsource:\n  delimeter: ','",
      "j.yaml:4:3: unknown key 'delimeter' in source; did you mean 'delimiter'?"
    ),
    (
      "job: j\nsink: {}\nsource: { header: normalise }",
      "j.yaml:3:19: source.header: 'normalise' is not known; did you mean 'normalize'?"
    ),
    (
      "job: j\nsink: {}\nsource: { header: x }",
      "j.yaml:3:19: source.header: 'x' is not known; there are normalize, as_is, none"
    ),
    (
      "job: j\nsink: {}\nsource: { skip_lines: two }",
      "j.yaml:3:23: source.skip_lines: expected a whole number from 0…1000000, found 'two'"
    ),
    (
      "job: j\nsink: {}\nsource: { names: { a: b } }",
      "j.yaml:3:18: source.names: expected a text, found a mapping"
    ),
    (
      "job: j\nsink: {}\nsource:\n  path:",
      "j.yaml:4:8: source.path: it has no value; an empty text is \"\""
    ),
    (
      "job: j\nsink: {}\ncheckpoint: { retention: 7 }",
      "j.yaml:3:26: checkpoint.retention: expected a duration such as 7d, found '7'"
    ),
    (
      "job: j\nsink: {}\ncheckpoint: { enabled: maybe }",
      "j.yaml:3:24: checkpoint.enabled: expected true or false, found 'maybe'"
    ),
    (
      "job: j\nsink: {}\ncheckpoint: { chunk_rows: 0 }",
      "j.yaml:3:27: checkpoint.chunk_rows: expected auto or a whole number of 1…2147483647, found '0'"
    ),
    (
      "job: j\nsink: {}\nerrors: { max_rate: 10 }",
      "j.yaml:3:21: errors.max_rate: expected a share of 0…1, such as 0.10, found '10'"
    ),
    (
      "job: j\nsink: {}\nretry: { backoff: 60s..1s }",
      "j.yaml:3:19: retry.backoff: expected a duration or two, such as 1s..60s, found '60s..1s'"
    ),
    (
      "job: j\nsink: { url: '${NOPE}' }",
      "j.yaml:2:14: sink.url: the environment variable 'NOPE' is not set"
    ),
    ("job: j\nsink: { url: '${NOPE' }", "j.yaml:2:14: sink.url: '${' is not closed by '}'"),
    (
      "job: j\nsink: {}\ncolumns:\n  - { name: a, type: txt }",
      "j.yaml:4:22: columns[a].type: there is no type 'txt'; did you mean 'text'?"
    ),
    ("job: j\nsink: {}\ncolumns:\n  - { name: a }", "j.yaml:4:5: columns[a] needs 'type'"),
    ("job: j\nsink: {}\ncolumns:\n  - { type: text }", "j.yaml:4:5: columns needs 'name'"),
    (
      "job: j\nsink: {}\ncolumns:\n  - a",
      "j.yaml:4:5: columns is a mapping of \(JobFileReader.columnKeys.joined(separator: ", ")), found 'a'"
    ),
    (
      "job: j\nsink: {}\ncolumns: { a: b }",
      "j.yaml:3:10: columns: expected a list of columns, found a mapping"
    ),
    (
      "job: j\nsink: {}\ncolumns:\n  - { name: a, type: text, from: b, constant: c }",
      "j.yaml:4:47: columns[a].constant: a column has one origin, and this one has 'from' already"
    ),
    (
      "job: j\nsink: {}\nrules:\n  - { name: r, check: [a, =, b] }",
      "j.yaml:4:27: rules[r].check: '=' is no comparison; did you mean '=='?"
    ),
    (
      "job: j\nsink: {}\nrules:\n  - { name: r, check: [a, b] }",
      "j.yaml:4:23: rules[r].check: expected [column, comparison, column]"
    ),
    (
      "job: j\nsink: {}\nalerts: { on: [faild] }",
      "j.yaml:3:15: alerts.on: 'faild' is not known; did you mean 'failed'?"
    ),
    (
      "job: j\nsink: {}\nalerts: { heartbeet: x }",
      "j.yaml:3:11: unknown key 'heartbeet' in alerts; did you mean 'heartbeat'?"
    ),
    (
      "job: j\nsink: {}\nalerts:\n  smtp: { passwort: s3cret }",
      "j.yaml:4:11: unknown key 'passwort' in alerts.smtp; did you mean 'password'?"
    ),
    (
      "job: j\nsink: {}\nalerts:\n  smtp: { starttls: require }",
      "j.yaml:4:21: alerts.smtp.starttls: 'require' is not known; did you mean 'required'?"
    ),
    (
      "job: j\nsink: {}\nlogging: { level: loud }",
      "j.yaml:3:19: logging.level: 'loud' is not known; there are"
        + " trace, debug, info, notice, warning, error, critical"
    ),
    (
      "job: j\nsink: {}\nlogging: { log_to_console: perhaps }",
      "j.yaml:3:28: logging.log_to_console: expected true or false, found 'perhaps'"
    ),
    (
      "job: j\nsink: {}\nlogging:\n  log_fiel: x",
      "j.yaml:4:3: unknown key 'log_fiel' in logging; did you mean 'log_file'?"
    ),
    // What stands in place of a section may hold a secret.
    (
      "job: j\nsink: {}\nalerts:\n  smtp: smtp://me:s3cret@mail",
      "j.yaml:4:9: alerts.smtp is a mapping of url, user, password, from, starttls, ca_file"
    ),
    (
      "job: j\nsink: {}\nalerts: https://hooks/s3cret",
      "j.yaml:3:9: alerts is a mapping of email, webhook, heartbeat, smtp, on"
    ),
    (
      "job: j\nsink: postgres://me:s3cret@db",
      "j.yaml:2:7: sink is a mapping of url, table, key, mode, refresh, state_schema"
    ),
  ]

  @Test("What is wrong is said with its place and the nearest name", arguments: broken)
  func errors(yaml: String, message: String) {
    let error = #expect(throws: JobFileError.self) { try JobFile.parse(yaml, path: "j.yaml") }
    #expect(error?.description == message)
  }

  @Test("Everything that is wrong is said at once, in the file's order")
  func allErrors() {
    let error = #expect(throws: JobFileError.self) {
      try JobFile.parse(
        "jop: j\nsource: { quot: x, skip_lines: -1 }\nsink: { tabel: t }", path: "j.yaml")
    }
    #expect(
      error?.problems.map(\.position) == [
        .init(line: 1, column: 1), .init(line: 1, column: 1), .init(line: 2, column: 11),
        .init(line: 2, column: 32), .init(line: 3, column: 9),
      ])
  }

  @Test("What makes no sense is said with its place")
  func semanticErrors() throws {
    let file = try JobFile.parse(
      """
      job: j
      source: { timezone: Mars/Phobos }
      columns:
        - { name: a, type: integer, min: x }
        - name: b
          type: text
      sink: { table: t, key: [bb] }
      """, path: "j.yaml")
    let error = #expect(throws: JobFileError.self) { try file.validate(file.job) }
    #expect(
      error?.description == """
        j.yaml:2:21: source.timezone: 'Mars/Phobos' is no IANA time zone; names look like Asia/Jakarta or UTC
        j.yaml:4:36: columns[a].min: 'x' is not an integer
        j.yaml:7:24: sink.key: no column 'bb' is loaded; did you mean 'b'?
        """)
  }

  @Test("A missing or unreadable file has its own error")
  func files() throws {
    let missing = #expect(throws: JobFileError.self) { try JobFile.read("/nowhere/j.yaml") }
    #expect(missing?.description == "/nowhere/j.yaml: there is no such job file")
    let path = NSTemporaryDirectory() + "cairn-job-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([0x6A, 0xFF]).write(to: URL(fileURLWithPath: path))
    let notUTF8 = #expect(throws: JobFileError.self) { try JobFile.read(path) }
    #expect(notUTF8?.description == "\(path): the job file is not UTF-8")
    try Data(Self.complete.utf8).write(to: URL(fileURLWithPath: path))
    #expect(
      try JobFile.read(path, environment: Self.environment).job.checkpoint.directory.hasSuffix(
        "/checkpoints/monday"))
  }

  @Test("A job written as YAML reads back as the same job")
  func roundTrip() throws {
    let complete = try JobFile.parse(
      Self.complete, path: "/jobs/day.yaml", environment: Self.environment
    ).job
    #expect(try JobFile.parse(JobFile.render(complete), path: "x.yaml").job == complete)
    var numbers = SeededNumbers()
    let texts = [
      "", " ", "true", "no", "~", "null", "12", "012", "1e3", "a: b", "- a", "#x", "'", "\"", "\\",
      "é", "\u{1}", "\u{85}", "\u{2028}", "\t", "${x}", "$${x}", "[a]", "{", "a,b",
      "%", "@", "`", "!", "&", "*", "|", ">", "?", "=", "<<", "0x1F", "2025-01-29", ".inf", "🦀",
    ]
    for _ in 0..<200 {
      func text() -> String { numbers.text(of: texts, most: 3) }
      let column = ColumnRule(
        name: text() + "x", type: .text, origin: .constant(text()), nulls: [text(), text()],
        defaultValue: text() + "y", oneOf: [text()], pattern: text() + "z")
      let job = Job(
        name: text() + "j",
        source: SourceOptions(
          path: "/" + text(), delimiter: text() + "|", quote: "\"", nulls: [text(), text()]),
        columns: [column],
        sink: SinkOptions(
          url: "x:" + text(), table: text() + "t", key: [text() + "k"], mode: .upsert),
        alerts: AlertOptions(
          email: [text() + "@b"], webhook: "https:" + text(), heartbeat: "http:" + text(),
          smtp: SMTPOptions(url: "smtp:" + text(), password: text() + "p")))
      let yaml = JobFile.render(job)
      let reread = try JobFile.parse(yaml, path: "x.yaml").job
      // The settings name what differs.
      #expect(reread == job, "\(reread.differences(from: job)) in \(yaml)")
      if reread != job { break }
    }
  }
}
