import Cairn
import CairnSQLite
import CommandParts
import Foundation
import Testing

@Suite struct StageCommandTests {
  private struct Row: Codable {
    var id: Int
    var price: Double
  }

  private struct Broken: Error {}

  private func rows(_ ids: Range<Int>, factor: Double = 1) throws -> RecordBatch {
    try RecordBatch(rows: ids.map { Row(id: $0, price: Double($0) * factor) })
  }

  /// A pipeline that failed in its third stage.
  @discardableResult
  private func fail(
    in place: Workplace, registry: (any StageRegistry)? = nil
  ) async throws -> StageCheckpoints {
    let checkpoints = StageCheckpoints(
      directory: place.file("data/checkpoints"), registry: registry)
    _ = try? await Pipelines(checkpoints: checkpoints).run("stocks", input: ["days": 3]) { run in
      _ = try await run.stage("extract", metadata: ["tickers": ["AAPL"]]) { try rows(0..<100) }
      _ = try await run.stage("validate", version: 2) { try rows(0..<90, factor: 2) }
      try await run.stage("load") { throw Broken() }
    }
    return checkpoints
  }

  private func json(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  @Test func `the plan says what is reused and why the rest is not`() async throws {
    let place = try Workplace()
    try await fail(in: place)
    let plain = try await place.cairn("pipeline", "plan")
    #expect(plain.exitCode == 0, "\(plain.standardError)")
    #expect(plain.standardOutput.contains("failed, attempt 1"))
    #expect(plain.standardOutput.contains("reuse  extract"))
    #expect(plain.standardOutput.contains("reuse  validate (version 2)"))

    try place.write("{\"days\": 3}", to: "same.json")
    try place.write("{\"days\": 4}", to: "other.json")
    let changed = try await place.cairn(
      "pipeline", "plan", "stocks", "--stages", "extract,validate:3,load", "--input", "same.json",
      "--verify", "--json")
    let plan = try json(changed.standardOutput) as? [String: Any]
    let steps = plan?["stages"] as? [[String: Any]]
    #expect(steps?.map { $0["action"] as? String } == ["reuse", "run", "run"])
    #expect(steps?[1]["reason"] as? String == "its version was 2 and is 3")

    let other = try await place.cairn("pipeline", "plan", "--input", "other.json")
    #expect(other.standardOutput.contains("run    extract: the pipeline's input was"))
    let none = try await place.cairn("pipeline", "plan", "bonds")
    #expect(none.exitCode == 64 && none.standardError.contains("There are: stocks"))
    let nowhere = try await place.cairn("pipeline", "plan", "--checkpoints", "nowhere")
    #expect(nowhere.exitCode == 64 && !place.exists("nowhere"))
  }

  @Test func `the plan knows what follows from a file that is gone`() async throws {
    let place = try Workplace()
    let checkpoints = try await fail(in: place)
    let extract = try #require(
      try await checkpoints.list().first { $0.stage == "extract" }?.dataFile)
    try FileManager.default.removeItem(atPath: place.file("data/checkpoints/\(extract)"))
    let planned = try await place.cairn("pipeline", "plan", "--json")
    let plan = try json(planned.standardOutput) as? [String: Any]
    let steps = plan?["stages"] as? [[String: Any]]
    #expect(steps?.map { $0["action"] as? String } == ["run", "run"])
    #expect(
      steps?.map { $0["reason"] as? String } == [
        "its file is gone", "'extract', which came before it, runs again",
      ])
  }

  @Test func `list, show, diff, delete`() async throws {
    let place = try Workplace()
    let checkpoints = try await fail(in: place)
    let ids = try await checkpoints.list().map(\.id)
    let list = try await place.cairn("checkpoints", "list")
    #expect(list.exitCode == 0 && ids.allSatisfy(list.standardOutput.contains))
    let listed = try await place.cairn("checkpoints", "list", "--json")
    let entries = try json(listed.standardOutput) as? [[String: Any]]
    #expect(entries?.map { $0["checkpoint_id"] as? String } == ids)
    #expect(entries?.last?["data_shape"] as? [Int] == [100, 2])

    let shown = try await place.cairn("checkpoints", "show", ids[1], "--rows", "2")
    #expect(shown.exitCode == 0, "\(shown.standardError)")
    #expect(shown.standardOutput.contains("sound") && shown.standardOutput.contains("AAPL"))
    #expect(
      shown.standardOutput.contains("1\t1.0") && shown.standardOutput.contains("98 more rows"))

    let diff = try await place.cairn(
      "checkpoints", "diff", ids[1], ids[0], "--key", "id", "--samples", "2", "--exit-code")
    #expect(diff.exitCode == 1)
    #expect(
      diff.standardOutput.contains(
        "rows: 100 → 90; 0 added, 10 removed, 89 changed, 1 the same"))
    #expect(diff.standardOutput.contains("~ id=1  price: 1.0 → 2.0"))
    #expect(diff.standardOutput.contains("- id=90 price=90.0"))
    let same = try await place.cairn("checkpoints", "diff", ids[0], ids[0], "--exit-code")
    #expect(same.exitCode == 0)
    let wrong = try await place.cairn("checkpoints", "diff", ids[0], ids[1], "--key", "nr")
    #expect(wrong.exitCode == 1 && wrong.standardError.contains("there are id, price"))

    let unknown = try await place.cairn("checkpoints", "delete", ids[0], "nothing")
    #expect(unknown.exitCode == 1)
    #expect(try await checkpoints.list().count == 2)
    let deleted = try await place.cairn("checkpoints", "delete", ids[0])
    #expect(deleted.exitCode == 0)
    #expect(try await checkpoints.list().map(\.id) == [ids[1]])
  }

  @Test func `clean-up and recompression`() async throws {
    let place = try Workplace()
    let checkpoints = StageCheckpoints(
      directory: place.file("data/checkpoints"), compression: .none)
    let id = try await checkpoints.save(try rows(0..<5_000), pipeline: "p", stage: "s")
    let before = try await checkpoints.size(of: checkpoints.describe(id)) ?? 0
    let pressed = try await place.cairn(
      "checkpoints", "recompress", "--older-than", "0", "--level", "9")
    #expect(pressed.exitCode == 0, "\(pressed.standardError)")
    #expect(pressed.standardOutput.contains("1 checkpoints rewritten"))
    #expect(try await checkpoints.size(of: checkpoints.describe(id)) ?? 0 < before)
    let dry = try await place.cairn("checkpoints", "cleanup", "--older-than", "0", "--dry-run")
    #expect(dry.standardOutput == "would delete  \(id)\n")
    #expect(try await place.cairn("checkpoints", "cleanup").standardOutput.hasPrefix("0 "))
    try place.write(
      "pipeline: { execution: { checkpoints: { checkpoint_dir: data/checkpoints, retention: 1ms } } }",
      to: "pipeline.yml")
    let cleaned = try await place.cairn("checkpoints", "cleanup", "--settings", "pipeline.yml")
    #expect(cleaned.standardOutput == "1 checkpoints deleted\n", "\(cleaned.standardError)")
    #expect(!place.names("data/checkpoints").contains { $0.hasSuffix(".parquet") })
  }

  @Test func `a registry in a database`() async throws {
    let place = try Workplace()
    try await fail(in: place, registry: SQLiteStageRegistry(path: place.file("stages.db")))
    let list = try await place.cairn("checkpoints", "list", "--registry", "sqlite:stages.db")
    #expect(list.standardOutput.contains("_validate_"))
    let plan = try await place.cairn("pipeline", "plan", "--registry", "sqlite:stages.db")
    #expect(plan.standardOutput.contains("reuse  validate"))
    // Without it the checkpoints' own states are what there is.
    let states = try await place.cairn("checkpoints", "list")
    #expect(states.standardOutput.contains("_validate_"))
  }
}
