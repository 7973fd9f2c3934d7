import AlertPeers
import Cairn
import CairnSQLite
import Foundation
import Testing

@testable import CairnAlerts

/// What is told of pipelines and batch jobs, and that it arrives.
@Suite(.timeLimit(.minutes(20))) final class PipelineAlertTests: Sendable {
  private struct Broken: Error, CustomStringConvertible {
    var description: String { "the price service says <no>" }
  }

  private let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/alerts-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Runs a pipeline of two stages and tells how it ended, as a program would.
  private func run(
    by options: AlertOptions, failing: Bool, _ id: String = "pipeline_20251007_120000"
  ) async throws -> [AlertDelivery] {
    let pipelines = Pipelines(
      checkpoints: StageCheckpoints(directory: folder + "/checkpoints", durability: .unsynced))
    var attempt: PipelineRun?
    do {
      try await pipelines.run("stocks", input: 1, id: id) { run in
        attempt = run
        try await run.stage("extract") {}
        try await run.stage("validate") { if failing { throw Broken() } }
      }
      return await send(Alert(pipeline: "stocks", attempt), by: options)
    } catch {
      let alert = try #require(Alert(error, pipeline: "stocks", attempt))
      return await send(alert, by: options)
    }
  }

  @Test func `a pipeline that fails and then succeeds tells the webhook and the heartbeat`()
    async throws
  {
    let peer = try await AlertPeer("http")
    let options = AlertOptions(webhook: peer.address + "/hook", heartbeat: peer.address + "/beat")
    let failed = try await run(by: options, failing: true)
    #expect(failed == [AlertDelivery(channel: .webhook, attempts: 1)])
    let succeeded = try await run(by: options, failing: false)
    #expect(succeeded == [AlertDelivery(channel: .heartbeat, attempts: 1)])
    #expect(peer.requests.map(\.path) == ["/hook", "/beat"])
    let body = try #require(peer.requests.first?.body)
    let text = try JSONDecoder().decode([String: String].self, from: Data(body.utf8))["text"]
    let lines = (text ?? "").split(separator: "\n")
    #expect(lines.first?.hasPrefix("*FAILED: stocks on ") == true)
    #expect(
      lines.dropFirst().dropLast() == [
        "error: the price service says &lt;no&gt; (fatal)",
        "run: pipeline_20251007_120000, attempt 1", "stages: 1 run, 0 reused", "failed: validate",
      ])
    #expect(lines.last?.hasPrefix("time: ") == true)
  }

  @Test func `a mail about a pipeline`() async throws {
    let peer = try await AlertPeer("smtp")
    let deliveries = try await run(
      by: AlertOptions(
        email: ["ops@example.com"],
        smtp: SMTPOptions(
          url: "smtp://127.0.0.1:\(peer.port)", from: "cairn@example.com", startTLS: .never)),
      failing: true)
    #expect(deliveries == [AlertDelivery(channel: .mail(to: "ops@example.com"), attempts: 1)])
    let mail = try #require(peer.mails.first)
    #expect(mail.defects == [])
    #expect(mail.header("Subject")?.hasPrefix("[cairn] FAILED: stocks on ") == true)
    #expect(mail.text.contains("run     pipeline_20251007_120000, attempt 1"))
    #expect(!mail.text.contains("source") && !mail.text.contains("target"))
  }

  @Test func `what is no failure of a pipeline is not told`() {
    let execution = PipelineExecution(
      pipelineID: "p", pipeline: "stocks", key: "k", inputDigest: "", status: .running, attempt: 2,
      startedAt: "", updatedAt: "")
    let holder = LeaseHolder(owner: .current(), fence: 1, expiresAt: "")
    for error in [
      PipelineError.ownedElsewhere(execution, holder), PipelineError.overtaken("p", holder),
      CancellationError(), PipelineError.loadStopped("load", .deadline),
    ] as [any Error] {
      #expect(Alert(error, pipeline: "stocks") == nil, "\(error)")
    }
    let away = Alert(PipelineError.loadStopped("load", .sinkAway("locked")), pipeline: "stocks")
    #expect(away?.problem?.errorClass == .transient)
  }

  // MARK: Batches

  private struct Flaky: ClassifiedError, CustomStringConvertible {
    var errorClass: ErrorClass { .transient }
    var description: String { "timeout" }
  }

  private struct Row: Codable {
    var id: String
  }

  private var processor: Processor {
    Processor(
      "stats", into: SQLiteSink(path: folder + "/target.db"),
      target: EntityTarget("stats", key: ["id"]),
      options: ProcessorOptions(
        retry: RetryPolicy(
          attempts: 1, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(1)),
        failureLimit: 2, coolDown: .zero, stateFolder: nil))
  }

  private let ids = (0..<40).map { "e\(100 + $0)" }

  private func result(_ batch: EntityBatch<String>) throws -> BatchResult {
    BatchResult(rows: try RecordBatch(rows: batch.entities.map { Row(id: $0) }))
  }

  @Test func `a batch job's outcomes arrive as what they are`() async throws {
    let peer = try await AlertPeer("http")
    let options = AlertOptions(webhook: peer.address + "/hook", heartbeat: peer.address + "/beat")
    let processor = processor
    let partial = try await processor.forEachBatch(
      of: ids, id: \.self, partition: "d", size: 10, atOnce: 1
    ) { [self] batch in
      if batch.positions.lowerBound == 10 { throw Flaky() }
      return try result(batch)
    }
    var alert = try #require(Alert(partial, of: processor))
    #expect(alert.occasion == .partialSuccess)
    #expect(await send(alert, by: options).map(\.channel) == [.webhook])
    let done = try await processor.forEachBatch(of: ids, id: \.self, partition: "d", size: 10) {
      try result($0)
    }
    alert = try #require(Alert(done, of: processor))
    #expect(alert.occasion == .success)
    #expect(await send(alert, by: options).map(\.channel) == [.heartbeat])
    #expect(peer.requests.map(\.path) == ["/hook", "/beat"])
    let body = try #require(peer.requests.first?.body)
    let text = try JSONDecoder().decode([String: String].self, from: Data(body.utf8))["text"]
    let lines = (text ?? "").split(separator: "\n")
    #expect(lines.first?.hasPrefix("*PARTIAL_SUCCESS: stats on ") == true)
    #expect(
      lines.dropFirst().dropLast() == [
        "error: timeout (transient)", "target: stats in \(processor.sink.location)",
        "run: \(partial.report.syncID), attempt 1", "partition: d",
        "entities: 30 of 40 done", "failed: 1 batches, the last one 'e110' to 'e119'",
        "rows: 30 = 30 inserted",
      ])
  }

  @Test func `a list that was completed before is no news, but a sign of life`() async throws {
    let peer = try await AlertPeer("http")
    var options = AlertOptions(webhook: peer.address + "/hook", heartbeat: peer.address + "/beat")
    options.on = [.success]
    var appending = processor
    appending.target = EntityTarget("appended", mode: .append)
    for channels in [[AlertChannel.webhook, .heartbeat], [.heartbeat]] {
      let outcome = try await appending.forEachBatch(of: ids, id: \.self, partition: "d") {
        try result($0)
      }
      let alert = try #require(Alert(outcome, of: appending))
      #expect(alert.occasion == .success)
      #expect(await send(alert, by: options).map(\.channel) == channels)
    }
  }

  @Test func `a circuit that opens is a failure, a deadline is none`() async throws {
    let processor = processor
    let open = try await processor.forEachBatch(of: ids, id: \.self) { _ in throw Flaky() }
    let alert = try #require(Alert(open, of: processor))
    #expect(alert.occasion == .failed && alert.problem?.errorClass == .transient)
    #expect(alert.problem?.summary.contains("timeout") == true)
    let late = try await processor.forEachBatch(of: ids, id: \.self, deadline: .zero) {
      try result($0)
    }
    #expect(late.exitCode == 75 && Alert(late, of: processor) == nil)
  }

  @Test func `an error of a batch job is told without values`() throws {
    let refused = EntityBatchError.wrongPartition(
      column: "day", expected: "2025-01-29", found: "Jane Doe")
    let alert = try #require(Alert(refused, of: processor, partition: "2025-01-29"))
    #expect(alert.occasion == .failed && alert.problem?.errorClass == .data)
    #expect(!SlackMessage(alert).text.contains("Jane"))
    let holder = LeaseHolder(owner: .current(), fence: 1, expiresAt: "")
    let owned = EntityBatchError.ownedElsewhere(processor: "stats", partition: "", holder)
    #expect(Alert(owned, of: processor) == nil)
    #expect(
      Alert(EntityBatchError.overtaken(processor: "stats", partition: "", holder), of: processor)
        == nil)
  }
}
