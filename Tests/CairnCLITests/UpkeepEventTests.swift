import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

/// What the commands beside loads record: check, verify, replay, cleanup.
@Suite struct UpkeepEventTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.write("id;amount\n1;10\n2;ten\n3;30\n", to: "rows.csv")
    try place.write(
      """
      job: amounts
      source: { path: rows.csv, delimiter: ";" }
      columns:
        - { name: id, type: integer, required: true }
        - { name: amount, type: integer }
      sink: { url: "sqlite:t.db", table: t, key: [id] }
      errors: { max_rate: 0.9 }
      checkpoint: { directory: checkpoints }
      """, to: "job.yaml")
  }

  private var files: [String] {
    place.names("logs/events").map { place.file("logs/events/\($0)") }
  }

  /// The events of a stage.
  private func events(_ stage: String) throws -> [Event] {
    try EventHistory(folder: place.file("logs/events")).events(EventFilter())
      .filter { $0.stage == stage }
  }

  private func load() async throws -> SyncID {
    let outcome = try await place.cairn("load", "--job", "job.yaml", "--json", "--quiet")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    return try outcome.receipt().syncID
  }

  @Test func `check tells how good the rows are`() async throws {
    let outcome = try await place.cairn("check", "job.yaml", "--logs", "logs")
    #expect(outcome.exitCode == 0, "\(outcome)")
    let events = try events("check")
    #expect(
      events.map(\.type) == [
        .stageStart, .dataQualityCheck, .stageComplete, .performanceMetric,
      ])
    #expect(Set(events.map(\.pipelineID)) == ["amounts"])
    let quality = try #require(events.first { $0.type == .dataQualityCheck })
    #expect(quality.metadata["rows"]?.integer == 2)
    #expect(quality.metadata["rejected"]?.integer == 1)
    #expect(quality.status == .warning)
    let complete = try #require(events.first { $0.type == .stageComplete })
    #expect(complete.metadata["rejected"]?.integer == 1)
    #expect(try await RecordPeer.events(files).problems == [])
  }

  @Test func `verify tells what is damaged`() async throws {
    let converted = try await place.cairn(
      "convert", "rows.csv", "--job", "job.yaml", "--out", "chunks")
    #expect(converted.exitCode == 0, "\(converted)")
    let whole = try await place.cairn("verify", "chunks", "--logs", "logs")
    #expect(whole.exitCode == 0, "\(whole)")
    #expect(try events("verify").map(\.type) == [.stageStart, .stageComplete, .performanceMetric])
    #expect(try events("verify").allSatisfy { $0.pipelineID == "chunks" })
    let chunk = place.file("chunks/chunk_0000.parquet")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: chunk))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: chunk))
    let damaged = try await place.cairn("verify", "chunks", "--logs", "logs")
    #expect(damaged.exitCode == 1)
    let error = try #require(try events("verify").first { $0.type == .stageError })
    #expect(error.metadata["problems"]?.integer == 1)
    #expect(try await RecordPeer.events(files).problems == [])
  }

  @Test func `a replay tells what became of the rows`() async throws {
    let run = try await load()
    try place.write("line,raw\n3,2;20\n", to: "corrected.csv")
    let outcome = try await place.cairn(
      "rejects", "replay", "\(run)", "corrected.csv", "--into", "sqlite:t.db", "--logs", "logs")
    #expect(outcome.exitCode == 0, "\(outcome)")
    let events = try events("replay")
    #expect(events.map(\.type) == [.stageStart, .stageComplete])
    #expect(events.last?.metadata["inserted"]?.integer == 1)
    #expect(events.last?.metadata["left"]?.integer == 0)
    #expect(events.allSatisfy { $0.pipelineID == run.description })
    #expect(try await RecordPeer.events(files).problems == [])
  }

  @Test func `a cleanup tells which run is gone`() async throws {
    let killed = try await place.cairn(
      "load", "--job", "job.yaml", "--quiet", environment: ["CAIRN_CRASH_AT": "commit-before:1"])
    #expect(killed.wasKilled)
    let run = try #require(place.names("checkpoints").first)
    let outcome = try await place.cairn("cleanup", run, "--job", "job.yaml", "--logs", "logs")
    #expect(outcome.exitCode == 0, "\(outcome)")
    let told = try EventHistory(folder: place.file("logs/events")).events(EventFilter())
      .filter { $0.type == .cleanup || $0.type == .pipelineAbandon }
    #expect(told.map(\.type).contains(.cleanup))
    #expect(told.allSatisfy { $0.pipelineID == run })
    #expect(place.names("checkpoints") == [])
    #expect(try await RecordPeer.events(files).problems == [])
  }
}
