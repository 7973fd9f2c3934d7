import Cairn
import CairnSQLite
import CommandParts
import Foundation
import Testing

/// What batch jobs record, beside the ordinary course: by the schema in `docs/`.
@Suite struct BatchEventTests {
  private struct Flaky: ClassifiedError {
    var errorClass: ErrorClass { .transient }
  }

  private struct Broken: Error {}

  private struct Row: Codable {
    var id: String
  }

  private let folder: TemporaryFolder
  private let log: EventLog
  private let figures = PrometheusMetrics()

  init() throws {
    folder = try TemporaryFolder()
    log = EventLog(LogDestination(files: LogFiles(folder: folder.file("logs"))))
  }

  private func processor(_ change: (inout ProcessorOptions) -> Void = { _ in }) -> Processor {
    var options = ProcessorOptions(
      retry: RetryPolicy(
        attempts: 2, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(2)),
      stateFolder: folder.file("states"), events: log, metrics: figures)
    change(&options)
    return Processor(
      "stats", into: SQLiteSink(path: folder.file("target.db")),
      target: EntityTarget("stats", key: ["id"]), options: options)
  }

  private func ids(_ range: Range<Int>) -> [String] { range.map { "e\(100 + $0)" } }

  private func result(_ batch: EntityBatch<String>, state: [UInt8] = [7]) throws -> BatchResult {
    BatchResult(rows: try RecordBatch(rows: batch.entities.map { Row(id: $0) }), state: state)
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
      values["\(name){job=stats\(labels)}"]
    }
  }

  @Test func `a batch that is tried again, one that fails, and the attempt that goes on`()
    async throws
  {
    var tries = 0
    await #expect(throws: Broken.self) {
      try await processor().forEachBatch(of: ids(0..<30), id: \.self, partition: "d", size: 10) {
        batch in
        tries += 1
        if tries == 1 { throw Flaky() }
        if batch.positions.lowerBound == 20 { throw Broken() }
        return try result(batch)
      }
    }
    try await processor().forEachBatch(of: ids(0..<30), id: \.self, partition: "d", size: 10) {
      try result($0)
    }
    let events = try await events()
    #expect(
      events.map(\.type) == [
        .leaseTaken, .pipelineStart, .stageStart, .batchRetry, .batchCommitted, .batchCommitted,
        .batchFailed, .pipelineError,
        .leaseTaken, .pipelineResume, .stageStart, .batchCommitted, .stageComplete,
        .performanceMetric, .pipelineComplete,
      ])
    #expect(Set(events.map(\.pipelineID)).count == 1)
    #expect(
      events.filter { $0.type.rawValue.hasPrefix("batch_") }.allSatisfy { $0.stage == "stats" })
    let committed = try #require(events.first { $0.type == .batchCommitted }?.metadata)
    #expect(committed["partition"] == "d" && committed["last_entity_id"] == "e109")
    #expect(committed["rows"] == 10 && committed["state_bytes"] == 1)
    #expect(committed["entities_completed"] == 10 && committed["total_entities"] == 30)
    let resume = try #require(events.first { $0.type == .pipelineResume }?.metadata)
    #expect(resume["entities_completed"] == 20 && resume["attempt"] == 2)
    let complete = try #require(events.last?.metadata)
    #expect(complete["entities_saved"] == 20 && complete["rows"] == 10)

    let figure = try await reading()
    #expect(figure("cairn_runs_total", ",outcome=success") == 1)
    #expect(figure("cairn_runs_total", ",outcome=failed") == 1)
    #expect(figure("cairn_resumes_total", ",outcome=success") == 1)
    #expect(figure("cairn_batches_total", ",fate=committed") == 3)
    #expect(figure("cairn_batches_total", ",fate=retried") == 1)
    #expect(figure("cairn_batches_total", ",fate=failed") == 1)
    #expect(figure("cairn_entities_total", ",fate=committed") == 30)
    #expect(figure("cairn_entities_total", ",fate=skipped") == 20)
    #expect(figure("cairn_rows_total", ",fate=inserted") == 30)
    #expect(figure("cairn_commits_total") == 3)
    #expect(figure("cairn_commit_seconds_count") == 3)
    #expect(figure("cairn_checkpoint_seconds_count") == 3)
    #expect(figure("cairn_checkpoint_bytes_total") == 3)
    #expect(figure("cairn_time_to_resume_seconds_count") == 1)
    #expect((figure("cairn_time_saved_seconds_total") ?? 0) > 0)
  }

  @Test func `a circuit that opens, a call that it refuses, and a deadline`() async throws {
    let failing = processor {
      $0.failureLimit = 3
    }
    let outcome = try await failing.forEachBatch(of: ids(0..<5), id: \.self) { _ in throw Flaky() }
    #expect(outcome.exitCode == 75)
    await #expect(throws: EntityBatchError.self) {
      try await failing.forEachBatch(of: ids(0..<5), id: \.self) { try result($0) }
    }
    let stopped = try await processor().forEachBatch(
      of: ids(0..<5), id: \.self, partition: "other", deadline: .zero
    ) { try result($0) }
    #expect(stopped.exitCode == 75)

    let events = try await events()
    let id = try #require(events.first?.pipelineID)
    let first = events.filter { $0.pipelineID == id }
    #expect(
      first.map(\.type) == [
        .leaseTaken, .pipelineStart, .stageStart, .batchRetry, .batchRetry, .batchFailed,
        .circuitOpen, .pipelineStop, .circuitOpen, .pipelineError,
      ])
    #expect(first.filter { $0.type == .circuitOpen }.allSatisfy { $0.metadata["failures"] == 3 })
    #expect(events.last?.type == .pipelineStop)
    #expect(events.last?.metadata["reason"] == "the deadline passed")
    let figure = try await reading()
    #expect(figure("cairn_runs_total", ",outcome=stopped") == 2)
  }

  @Test func `several at once, of which one is passed over`() async throws {
    let outcome = try await processor().forEachBatch(
      of: ids(0..<30), id: \.self, size: 10, atOnce: 2
    ) { batch in
      if batch.positions.lowerBound == 10 { throw Flaky() }
      return BatchResult(rows: try RecordBatch(rows: batch.entities.map { Row(id: $0) }))
    }
    #expect(outcome.exitCode == 2)
    let events = try await events()
    #expect(events.last?.type == .pipelinePartial)
    #expect(events.last?.metadata["failed_batches"] == 1)
    #expect(events.filter { $0.type == .batchRetry }.count == 1)
    let failed = try #require(events.first { $0.type == .batchFailed })
    #expect(failed.metadata["error_class"] == "transient")
    #expect(events.filter { $0.type == .batchCommitted }.count == 2)
  }

  @Test func `a checkpoint that is given up, and an owner that is waited for`() async throws {
    let stop = StopRequest()
    _ = try await processor { $0.stop = stop }.forEachBatch(
      of: ids(0..<30), id: \.self, size: 10
    ) { batch in
      stop.raise(.signal("SIGTERM"))
      return try result(batch)
    }
    _ = try await processor { $0.startOver = true }.forEachBatch(
      of: ids(0..<30), id: \.self, size: 10
    ) { batch in
      if batch.positions.lowerBound == 0 {
        await #expect(throws: EntityBatchError.self) {
          try await processor { $0.waitForOwner = .seconds(6) }.forEachBatch(
            of: ids(0..<30), id: \.self
          ) { try result($0) }
        }
      }
      return try result(batch)
    }
    let events = try await events()
    let abandoned = try #require(events.first { $0.type == .pipelineAbandon })
    #expect(abandoned.pipelineID == events.first?.pipelineID)
    #expect(abandoned.metadata["reason"] == "it was asked to start over")
    let starts = events.filter { $0.type == .pipelineStart }
    #expect(Set(starts.map(\.pipelineID)).count == 2)
    #expect(starts.last?.metadata["reason"]?.text?.hasPrefix("started over") == true)
    let waits = events.filter { $0.type == .leaseWait }
    #expect(waits.map(\.status) == [.info, .error])
    #expect(waits.last?.metadata["gave_up"] == true)
    #expect(waits.allSatisfy { $0.pipelineID == starts.last?.pipelineID })
    let figure = try await reading()
    #expect(figure("cairn_lease_wait_seconds_count") == 1)
  }

  @Test func `a completed list that is not appended again`() async throws {
    var appending = processor()
    appending.target = EntityTarget("appended", mode: .append)
    for _ in 0..<2 {
      _ = try await appending.forEachBatch(of: ids(0..<5), id: \.self, partition: "d") {
        try result($0)
      }
    }
    let events = try await events()
    #expect(events.count { $0.type == .pipelineSkip } == 1)
    let skip = try #require(events.last)
    #expect(skip.type == .pipelineSkip && skip.status == .info)
    #expect(skip.pipelineID == events.first?.pipelineID)
    #expect(skip.metadata["job"] == "stats" && skip.metadata["partition"] == "d")
    #expect(skip.metadata["reason"]?.text?.contains("appendAgain") == true)
    #expect(skip.metadata["total_entities"] == 5)
    let figure = try await reading()
    #expect(figure("cairn_runs_total", ",outcome=success") == 1)
    #expect(figure("cairn_runs_total", ",outcome=skipped") == 1)
    #expect(figure("cairn_entities_total", ",fate=skipped") == 5)
    #expect(figure("cairn_entities_total", ",fate=committed") == 5)
  }

  @Test func `rows that are refused are told of without their values`() async throws {
    let strict = Processor(
      "stats", into: SQLiteSink(path: folder.file("target.db")),
      target: EntityTarget("strict", mode: .replacePartition(column: "id")),
      options: processor().options)
    await #expect(throws: EntityBatchError.self) {
      try await strict.forEachBatch(of: ["Jane Doe"], id: \.self, partition: "d") {
        try result($0)
      }
    }
    _ = try await events()
    for name in ["pipeline.log", "events/events.log", "errors/errors.log"] {
      let text = try String(contentsOfFile: folder.file("logs/" + name), encoding: .utf8)
      #expect(text.contains("is to be replaced, but a row belongs elsewhere"), "\(name)")
      #expect(!text.contains("Jane"), "\(name)")
    }
    let history = try await SQLiteSink(path: folder.file("target.db"))
      .entityAttempts(EntityAttemptFilter())
    #expect(history.first?.error?.contains("Jane") == false)
  }
}
