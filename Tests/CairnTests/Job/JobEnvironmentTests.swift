import Testing

@testable import Cairn

@Suite("Environment variables override a job")
struct JobEnvironmentTests {
  @Test("Each variable sets what it names")
  func everyVariable() throws {
    let values = [
      "ENABLE_CHECKPOINTING": "False", "CHECKPOINT_BASE_PATH": "/var/c",
      "CHECKPOINT_CLEANUP_ON_SUCCESS": "0", "CHECKPOINT_RETENTION_DAYS": "30",
      "CAIRN_CHUNK_ROWS": "500", "CAIRN_COMPRESSION": "gzip", "CAIRN_MIN_SIZE": "20MiB",
      "CAIRN_SOURCE_PATH": "x.dat", "CAIRN_TIMEZONE": "UTC", "CAIRN_MAX_ERROR_RATE": "0.5",
      "CAIRN_MAX_ERROR_ROWS": "5", "CAIRN_ON_REJECTS": "partial", "CAIRN_ON_EMPTY": "fail",
      "CAIRN_REJECT_RAW": "none", "CAIRN_SINK_URL": "sqlite:e.db", "CAIRN_SINK_TABLE": "e",
      "CAIRN_STATE_SCHEMA": "s", "CAIRN_RETRY_ATTEMPTS": "2", "CAIRN_RETRY_BACKOFF": "2s..3s",
      "CAIRN_GIVE_UP_AFTER": "8", "CAIRN_UNKNOWN": "left alone",
      "CAIRN_ALERT_EMAIL": "a@b.c, d@e.f", "CAIRN_ALERT_WEBHOOK": "https://hook",
      "CAIRN_ALERT_HEARTBEAT": "https://beat", "CAIRN_ALERT_ON": "failed,success",
      "CAIRN_SMTP_URL": "smtp://mail:25", "CAIRN_SMTP_USER": "u", "CAIRN_SMTP_PASSWORD": "p",
      "CAIRN_LOG_LEVEL": "Debug", "CAIRN_LOG_TO_CONSOLE": "1", "CAIRN_LOG_TO_FILE": "no",
      "CAIRN_LOG_FILE": "/l/p.log", "CAIRN_LOG_RETENTION": "2d",
      "CAIRN_SMTP_FROM": "f@b.c", "CAIRN_SMTP_STARTTLS": "optional", "CAIRN_SMTP_CA_FILE": "/ca",
    ]
    #expect(
      Set(Job.environmentVariables.map(\.name)) == Set(values.keys).subtracting(["CAIRN_UNKNOWN"]))
    let expected = Job(
      name: "j", source: SourceOptions(path: "x.dat", timezone: "UTC"),
      checkpoint: CheckpointOptions(
        enabled: false, chunkRows: 500, compression: .gzip, directory: "/var/c",
        cleanupOnSuccess: false, retention: .seconds(30 * 86_400), minimumSize: 20 << 20),
      errors: ErrorPolicy(
        maximumRate: 0.5, maximumRows: 5, onRejects: .partial, onEmpty: .fail, raw: .none),
      sink: SinkOptions(url: "sqlite:e.db", table: "e", stateSchema: "s"),
      retry: RetryPolicy(
        attempts: 2, minimumBackoff: .seconds(2), maximumBackoff: .seconds(3), giveUpAfter: 8),
      alerts: AlertOptions(
        email: ["a@b.c", "d@e.f"], webhook: "https://hook", heartbeat: "https://beat",
        smtp: SMTPOptions(
          url: "smtp://mail:25", user: "u", password: "p", from: "f@b.c", startTLS: .optional,
          caFile: "/ca"), on: [.failed, .success]),
      logging: LoggingOptions(
        level: .debug, logToConsole: true, logToFile: false, logFile: "/l/p.log",
        retention: .seconds(2 * 86_400)))
    let job = Job(
      name: "j", checkpoint: CheckpointOptions(chunkRows: 7),
      sink: SinkOptions(url: "sqlite:x.db", table: "t"))
    #expect(try job.applying(environment: values) == expected)
    // Unset and empty variables change nothing; auto takes a number back.
    #expect(try job.applying(environment: values.mapValues { _ in "" }) == job)
    #expect(try job.applying(environment: ["CAIRN_CHUNK_ROWS": "auto"]).checkpoint.chunkRows == nil)
  }

  @Test("A mail server alone makes no alerts; with addresses it completes the job's own")
  func mailServer() throws {
    var job = Job(name: "j", sink: SinkOptions(url: "sqlite:x.db", table: "t"))
    let server = ["CAIRN_SMTP_URL": "smtp://mail", "CAIRN_SMTP_PASSWORD": "p"]
    #expect(try job.applying(environment: server) == job)
    job.alerts = AlertOptions(webhook: "https://hook")
    #expect(try job.applying(environment: server) == job)
    job.alerts = AlertOptions(email: ["a@b"], smtp: SMTPOptions(url: "smtp://own", user: "u"))
    #expect(
      try job.applying(environment: ["CAIRN_SMTP_PASSWORD": "p"]).alerts?.smtp
        == SMTPOptions(url: "smtp://own", user: "u", password: "p"))
    job.alerts?.smtp = nil
    #expect(try job.applying(environment: server).alerts?.smtp?.url == "smtp://mail")
    #expect(try job.applying(environment: [:]) == job)
  }

  @Test(
    "A bad value is an error that names the variable",
    arguments: [
      ("ENABLE_CHECKPOINTING", "perhaps", "true or false"),
      ("CHECKPOINT_RETENTION_DAYS", "7d", "a number of 0…100000"),
      ("CHECKPOINT_RETENTION_DAYS", "-1", "a number of 0…100000"),
      ("CAIRN_CHUNK_ROWS", "0", "a number of 1…2147483647 or auto"),
      ("CAIRN_COMPRESSION", "bzip2", "one of none, snappy, zstd, lz4, gzip"),
      ("CAIRN_MIN_SIZE", "many", "a size such as 20MB"),
      ("CAIRN_MAX_ERROR_RATE", "10", "a share of 0…1"),
      ("CAIRN_RETRY_BACKOFF", "9s..1s", "a duration or two, such as 1s..60s"),
      ("CAIRN_ALERT_ON", "failed,never", "some of success, partial_success, failed"),
    ])
  func badValues(variable: String, value: String, expected: String) {
    let job = Job(name: "j", sink: SinkOptions(url: "", table: "t"))
    let error = #expect(throws: EnvironmentError.self) {
      try job.applying(environment: [variable: value])
    }
    #expect(error?.description == "\(variable): expected \(expected), found '\(value)'")
  }
}
