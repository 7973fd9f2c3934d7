import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

/// What a pipeline and a batch job record, checked by the schema and asked for with the command: the
/// programs under `Examples/`, killed and gone on with.
@Suite(.serialized) struct ExampleEventTests {
  private func files(_ place: Workplace) -> [String] {
    place.names("logs/events").map { place.file("logs/events/\($0)") }
  }

  private func events(
    _ place: Workplace, _ filter: EventFilter = EventFilter()
  ) throws -> [Event] {
    try EventHistory(folder: place.file("logs/events")).events(filter)
  }

  private struct Summary: Decodable {
    var standing: String?
    var attempts: Int
    var stagesCompleted: [String]
    var stagesUnderWay: [String]
    var stageSeconds: [String: Double]
    var checkpoints: Int
    var errors: [PipelineSummary.Problem]
  }

  private func summary(_ id: String, _ place: Workplace) async throws -> Summary {
    let outcome = try await place.cairn("pipeline", "summary", id, "--json")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Summary.self, from: Data(outcome.standardOutput.utf8))
  }

  @Test func `a pipeline in four stages`() async throws {
    let place = try Workplace()
    let command = ChildCommand(
      CairnBinary.beside("stock-pipeline"), [place.path, "60"], directory: place.path)
    let course = CrashCourse(command)
    // Inside the third of its four stages.
    let killed = try await course.attempt(command, .crash(at: .stageHalfRun, count: 6))
    #expect(killed.wasKilled)
    let resumed = try await course.attempt(command, .none)
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")

    let found = try await RecordPeer.events(files(place))
    #expect(found.problems == [])
    let events = try events(place)
    let id = try #require(events.first { $0.type == .pipelineResume }?.pipelineID)
    let own = events.filter { $0.pipelineID == id }
    let resume = try #require(own.firstIndex { $0.type == .pipelineResume })
    let second = own[resume...]
    #expect(
      second.filter { $0.type == .stageSkip }.map(\.stage) == [
        "data_extraction", "data_validation",
      ])
    let loaded = second.filter { $0.type == .checkpointLoaded }.map { $0.metadata["checkpoint_id"] }
    let saved = own.filter { $0.type == .checkpointSaved }.map { $0.metadata["checkpoint_id"] }
    // What the killed attempt saved and could still tell of.
    #expect(Set(loaded.compactMap(\.self)).count == 2)
    #expect(saved.count >= 3)
    let complete = second.filter { $0.type == .stageComplete }
    #expect(complete.map(\.stage) == ["feature_engineering", "load/rows", "load"])
    let rows = try #require(complete.first?.metadata["rows"]?.integer)
    #expect(rows > 150)
    #expect(complete.last?.metadata["rows"]?.integer == rows)
    // The load is a run of its own, which the stage names.
    let run = try #require(complete.last?.metadata["run"]?.text)
    let load = events.filter { $0.pipelineID == run }
    #expect(load.contains { $0.type == .chunkCommitted && $0.metadata["rows"]?.integer == rows })
    #expect(load.contains { $0.type == .dataQualityCheck })
    #expect(second.last { $0.type != .cleanup }?.type == .pipelineComplete)
    let end = try #require(second.last { $0.type == .pipelineComplete })
    #expect(end.metadata["stages_run"]?.integer == 3)
    #expect(end.metadata["stages_reused"]?.integer == 2)
    let summary = try await summary(id, place)
    #expect(summary.standing == "complete" && summary.attempts == 2)
    #expect(
      Set(summary.stagesCompleted).isSuperset(of: [
        "data_extraction", "data_validation", "feature_engineering", "load",
      ]))
    #expect(summary.stagesUnderWay == [] && summary.errors.isEmpty)
    #expect((summary.stageSeconds["feature_engineering"] ?? -1) >= 0)
    let listed = try await place.cairn("events", "--pipeline", id, "--type", "stage_skip", "--json")
    #expect(listed.standardOutput.split(separator: "\n").count == 2)
    let performance = try await place.cairn("pipeline", "performance", id)
    for stage in ["feature_engineering", "load"] {
      #expect(performance.standardOutput.contains("\n\(stage) "), "\(performance.standardOutput)")
    }
    #expect(place.names("logs/stages").contains("feature_engineering.log"))
  }

  /// In a run that nobody kills: what a process told just before it was killed may be lost.
  @Test func `a program's own quality check`() async throws {
    let place = try Workplace()
    let outcome = try await ChildProcess(
      ChildCommand(CairnBinary.beside("stock-pipeline"), [place.path, "60"], directory: place.path)
    ).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let checks = try events(place).filter { $0.type == .dataQualityCheck }
    #expect(checks.contains { $0.stage == "data_validation" && $0.status == .info })
    #expect(try await RecordPeer.events(files(place)).problems == [])
  }

  @Test func `a processor that trains a model`() async throws {
    let place = try Workplace()
    func command(_ pause: Int) -> ChildCommand {
      ChildCommand(
        CairnBinary.beside("training-loop"),
        ["train", place.file("games.db"), place.file("states"), "\(pause)"],
        directory: place.path)
    }
    // Killed between two of its nine batches.
    let child = try ChildProcess(command(200))
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(60)
    while try events(place, EventFilter(type: .batchCommitted)).count < 2, clock.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
    }
    child.kill()
    _ = try await child.wait()
    let resumed = try await ChildProcess(command(0)).wait()
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")

    let found = try await RecordPeer.events(files(place))
    #expect(found.problems == [])
    let events = try events(place)
    let id = try #require(events.first?.pipelineID)
    #expect(Set(events.map(\.pipelineID)) == [id])
    let committed = events.filter { $0.type == .batchCommitted }
    let last = try #require(committed.last?.metadata)
    #expect(last["entities_completed"]?.integer == 450 && last["total_entities"]?.integer == 450)
    #expect(last["last_entity_id"] == "game-1449")
    #expect(committed.allSatisfy { ($0.metadata["state_bytes"]?.integer ?? 0) > 100 })
    let resume = try #require(events.first { $0.type == .pipelineResume })
    let before = try #require(resume.metadata["entities_completed"]?.integer)
    #expect(before >= 100 && before < 450)
    let complete = try #require(events.last { $0.type == .pipelineComplete })
    #expect(complete.metadata["entities_saved"]?.integer == before)
    #expect(complete.metadata["batches"]?.integer == (450 - before) / 50)

    let summary = try await summary(id, place)
    #expect(summary.standing == "complete" && summary.attempts == 2)
    #expect(summary.stagesCompleted == ["ratings"] && summary.stagesUnderWay == [])
    // One that was committed just before the kill may not have been told of.
    #expect((8...9).contains(summary.checkpoints))
    let performance = try await place.cairn("pipeline", "performance")
    #expect(performance.standardOutput.contains("\nratings "))
    let listed = try await place.cairn("events", "--stage", "ratings", "--json")
    #expect(listed.standardOutput.split(separator: "\n").count >= committed.count + 2)
  }
}
