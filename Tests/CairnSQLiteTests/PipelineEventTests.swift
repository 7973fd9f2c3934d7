import Cairn
import CairnSQLite
import CommandParts
import Foundation
import Testing

/// What pipelines record, beside the ordinary course: by the schema in `docs/`.
@Suite struct PipelineEventTests {
  private struct Flaky: ClassifiedError {
    var errorClass: ErrorClass { .transient }
  }

  private struct Broken: Error {}

  private let folder: TemporaryFolder
  private let log: EventLog
  private let figures = PrometheusMetrics()

  init() throws {
    folder = try TemporaryFolder()
    log = EventLog(LogDestination(files: LogFiles(folder: folder.file("logs"))))
  }

  private func pipelines(
    _ settings: PipelineSettings = PipelineSettings(), registry: (any StageRegistry)? = nil
  ) -> Pipelines {
    Pipelines(
      checkpoints: StageCheckpoints(
        directory: folder.file("checkpoints"), registry: registry, durability: .unsynced),
      settings: settings, events: log, metrics: figures)
  }

  /// All events, after the schema has nothing to say against them.
  private func events() async throws -> [Event] {
    await log.flush()
    let found = try await RecordPeer.events([folder.file("logs/events/events.log")])
    #expect(found.problems == [])
    return try #require(log.history).events(EventFilter())
  }

  /// The figures so far, as Prometheus's client reads them.
  private func reading() async throws -> Reading {
    let path = folder.file("\(UUID().uuidString).prom")
    try await PrometheusFile(path: path, metrics: figures).write()
    return Reading(values: try await RecordPeer.metrics(path))
  }

  private struct Reading {
    let values: [String: Double]

    func callAsFunction(_ name: String, _ labels: String = "") -> Double? {
      values["\(name){job=stocks\(labels)}"]
    }
  }

  private func two(_ rows: Int = 2) throws -> RecordBatch {
    try RecordBatch(columns: [
      Column(name: "n", type: .bigint, values: .bigint((0..<rows).map { Int64($0) }))
    ])
  }

  @Test func `a stage that is tried again, one that fails, and the attempt that goes on`()
    async throws
  {
    var tries = 0
    var isBroken = true
    func run() async throws {
      try await pipelines().run("stocks", input: 1) { run in
        try await run.stage(
          "extract",
          retry: StageRetry(minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(1))
        ) {
          tries += 1
          if tries < 3 { throw Flaky() }
          return try two()
        }
        try await run.stage("sum") {
          if isBroken { throw Broken() }
          return 1
        }
      }
    }
    await #expect(throws: Broken.self) { try await run() }
    isBroken = false
    try await run()

    let events = try await events()
    #expect(
      events.map(\.type) == [
        .leaseTaken, .pipelineStart, .stageStart, .stageRetry, .stageRetry, .checkpointSaved,
        .stageComplete, .performanceMetric, .stageStart, .stageError, .pipelineError,
        .leaseTaken, .pipelineResume, .checkpointLoaded, .stageSkip, .stageStart,
        .checkpointSaved, .stageComplete, .performanceMetric, .pipelineComplete,
      ])
    #expect(Set(events.map(\.pipelineID)).count == 1)
    let complete = try #require(events.first { $0.type == .stageComplete })
    #expect(complete.stage == "extract" && complete.metadata["tries"] == 3)
    #expect(complete.metadata["rows"] == 2)
    let saved = try #require(events.first { $0.type == .checkpointSaved })
    #expect(saved.metadata["rows"] == 2 && (saved.metadata["bytes"]?.integer ?? 0) > 100)
    #expect(
      events.first { $0.type == .checkpointLoaded }?.metadata["checkpoint_id"]
        == saved.metadata["checkpoint_id"])
    #expect(events.first { $0.type == .pipelineError }?.metadata["stages_run"] == 1)
    let errors = try String(contentsOfFile: folder.file("logs/errors/errors.log"), encoding: .utf8)
    #expect(errors.contains("Broken recorded at Cairn/"))

    let figure = try await reading()
    #expect(figure("cairn_runs_total", ",outcome=success") == 1)
    #expect(figure("cairn_runs_total", ",outcome=failed") == 1)
    #expect(figure("cairn_resumes_total", ",outcome=success") == 1)
    #expect(figure("cairn_retries_total") == 2)
    #expect(figure("cairn_stages_total", ",fate=ran") == 2)
    #expect(figure("cairn_stages_total", ",fate=reused") == 1)
    #expect(figure("cairn_stages_total", ",fate=failed") == 1)
    #expect(figure("cairn_checkpoints_total", ",fate=saved") == 2)
    #expect(figure("cairn_checkpoints_total", ",fate=loaded") == 1)
    #expect(figure("cairn_time_to_resume_seconds_count") == 1)
    #expect((figure("cairn_checkpoint_bytes_total") ?? 0) > 100)
    #expect((figure("cairn_last_success_timestamp_seconds") ?? 0) > 1.7e9)
  }

  @Test func `what a reused stage took to run is time saved`() async throws {
    for _ in 1...2 {
      try await pipelines().run("stocks", input: 1, id: "nightly") { run in
        try await run.stage("slow") { try await Task.sleep(for: .seconds(1)) }
      }
    }
    let figure = try await reading()
    let saved = try #require(figure("cairn_time_saved_seconds_total"))
    #expect(saved > 0.02 && saved < 30)
    #expect(try await events().allSatisfy { $0.pipelineID == "nightly" })
  }

  @Test func `a damaged checkpoint, another version, and a clean-up`() async throws {
    func run(_ version: Int, retention: Duration = .seconds(60)) async throws {
      try await pipelines(PipelineSettings(retention: retention)).run(
        "stocks", input: 1, id: "nightly"
      ) { run in
        try await run.stage("extract") { try two() }
        try await run.stage("sum", version: version) { version }
      }
    }
    try await run(1)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("checkpoints"))
    let data = try #require(
      names.first { $0.contains("_stage_extract_") && $0.hasSuffix("parquet") })
    try Data("none".utf8).write(to: URL(fileURLWithPath: folder.file("checkpoints/\(data)")))
    try await run(2)
    // Another execution's end deletes what is too old.
    try await Task.sleep(for: .milliseconds(5))
    try await pipelines(PipelineSettings(retention: .zero)).run("stocks", input: 2) { _ in }

    let events = try await events()
    let rejected = try #require(events.first { $0.type == .checkpointRejected })
    #expect(rejected.stage == "extract" && rejected.status == .warning)
    #expect(rejected.metadata["reason"]?.text?.contains(data) == true)
    let again = events.filter { $0.type == .stageStart }.suffix(2)
    #expect(again.first?.metadata["reason"]?.text?.contains("damaged") == true)
    #expect(again.last?.metadata["reason"]?.text?.contains("version") == true)
    let cleaned = try #require(events.last { $0.type == .cleanup })
    // What was kept aside has no entry any more.
    #expect(cleaned.pipelineID == "nightly" && cleaned.metadata["deleted"] == 3)
    let figure = try await reading()
    #expect(figure("cairn_checkpoints_total", ",fate=damaged") == 1)
    #expect(figure("cairn_cleanups_total", ",outcome=success") == 1)
  }

  @Test func `another process has it, a cancelled task, and a lease that is lost`() async throws {
    let registry = SQLiteStageRegistry(path: folder.file("registry.db"))
    let first = pipelines(registry: registry)
    try await first.run("stocks", input: 1) { _ in
      _ = await #expect(throws: PipelineError.self) {
        try await pipelines(registry: registry).run("stocks", input: 1) { _ in }
      }
    }
    await #expect(throws: PipelineError.self) {
      try await first.run("stocks", input: 2) { run in
        var thief = pipelines(registry: registry)
        thief.takeOver = true
        try await thief.run("stocks", input: 2) { _ in }
        try await run.stage("late") {}
      }
    }
    let task = Task {
      try await first.run("stocks", input: 3) { run in
        try await run.stage("long") { try await Task.sleep(for: .seconds(600)) }
      }
    }
    await log.flush()
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while try await !events().contains(where: { $0.stage == "long" }), clock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }

    let events = try await events()
    let wait = try #require(events.first { $0.type == .leaseWait })
    #expect(wait.status == .error && wait.metadata["gave_up"] == true)
    #expect(wait.pipelineID == events.first?.pipelineID)
    let lost = events.filter { $0.type == .leaseLost }
    #expect(lost.count == 1)
    let stop = try #require(events.last { $0.type == .pipelineStop })
    #expect(stop.metadata["reason"] == "cancelled")
    #expect(!events.contains { $0.type == .pipelineError })
    let figure = try await reading()
    #expect(figure("cairn_leases_total", ",fate=lost") == 1)
    #expect(figure("cairn_runs_total", ",outcome=stopped") == 1)
  }

  @Test func `without a log nothing is written`() async throws {
    let quiet = Pipelines(
      checkpoints: StageCheckpoints(directory: folder.file("checkpoints"), durability: .unsynced))
    try await quiet.run("stocks", input: 1) { run in
      #expect(run.events == nil)
      try await run.stage("extract") { try two() }
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("logs")))
  }
}
