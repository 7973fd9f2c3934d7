import Cairn
import Foundation
import Testing

@Suite struct CheckpointDifferenceTests {
  private struct Row: Codable {
    var id: Int
    var name: String?
    var price: Double
  }

  private func sample(_ id: String, _ name: String, _ price: String) -> [String: String?] {
    ["id": id, "name": name, "price": price]
  }

  @Test func `rows by key`() throws {
    let before = try RecordBatch(rows: [
      Row(id: 1, name: "a", price: 1), Row(id: 2, name: "b", price: 2),
      Row(id: 3, name: nil, price: 3), Row(id: 4, name: "d", price: 4),
    ])
    let after = try RecordBatch(rows: [
      Row(id: 5, name: "e", price: 5), Row(id: 3, name: "c", price: 3),
      Row(id: 2, name: "b", price: 2.5), Row(id: 1, name: "a", price: 1),
    ])
    let found = try CheckpointDifference(from: before, to: after, key: ["id"])
    #expect(found.rowsBefore == 4 && found.rowsAfter == 4)
    #expect(found.added == 1 && found.removed == 1 && found.changed == 2 && found.unchanged == 1)
    #expect(found.addedSample == [sample("5", "e", "5.0")])
    #expect(found.removedSample == [sample("4", "d", "4.0")])
    let named = CheckpointDifference.ChangedRow(key: ["3"], changes: ["name": [nil, "c"]])
    let priced = CheckpointDifference.ChangedRow(key: ["2"], changes: ["price": ["2.0", "2.5"]])
    #expect(found.changedSample == [named, priced])
    #expect(!found.isEmpty)
    #expect(try CheckpointDifference(from: before, to: before, key: ["id"]).isEmpty)
  }

  @Test func `whole rows, columns, and keys that are not unique`() throws {
    let before = try RecordBatch(columns: [
      Column(name: "a", type: .bigint, values: .bigint([1, 1, 2])),
      Column(name: "b", type: .bigint, values: .bigint([7, 8, 9])),
    ])
    let after = try RecordBatch(columns: [
      Column(name: "b", type: .double, values: .double([7, 9])),
      Column(name: "a", type: .bigint, values: .bigint([1, 3])),
      Column(name: "c", type: .boolean, values: .boolean([true, false])),
    ])
    let found = try CheckpointDifference(from: before, to: after)
    #expect(found.addedColumns == ["c boolean"] && found.removedColumns == [])
    let retyped = CheckpointDifference.TypeChange(column: "b", from: .bigint, to: .double)
    #expect(found.changedColumns == [retyped])
    #expect(found.columnsAreReordered)
    let byKey = try CheckpointDifference(from: before, to: after, key: ["a"])
    #expect(byKey.duplicateKeys == 1)
    #expect(byKey.removed == 2 && byKey.added == 1 && byKey.changed == 1)
    #expect(throws: RecordBatchError.self) {
      try CheckpointDifference(from: before, to: after, key: ["c"])
    }
  }

  @Test func `values path by path`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints()
    let before: CheckpointValue = ["a": [1, 2], "b": "x", "c": [:]]
    let after: CheckpointValue = ["a": [1, 3, 4], "b": "x"]
    let first = try await checkpoints.save(before, pipeline: "p", stage: "s")
    let second = try await checkpoints.save(after, pipeline: "p", stage: "s")
    let found = try await checkpoints.difference(from: first, to: second)
    let changed = CheckpointDifference.ChangedRow(key: ["a[1]"], changes: ["value": ["2", "3"]])
    #expect(found.changedSample == [changed])
    let added: [[String: String?]] = [["path": "a[2]", "value": "4"]]
    #expect(found.addedSample == added)
    let removed: [[String: String?]] = [["path": "c", "value": "{}"]]
    #expect(found.removedSample == removed)
  }
}

@Suite struct CheckpointRecompressionTests {
  @Test func `older rows are rewritten, and nothing but the size changes`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints(compression: .none, durability: .synced)
    let old = try await checkpoints.save(try prices(20_000), pipeline: "p", stage: "old")
    let value = try await checkpoints.save([1], pipeline: "p", stage: "value")
    _ = try await Pipelines(checkpoints: checkpoints).run("stream") { run in
      try await run.stage("batches") { writer in
        for seed in 0..<3 { try await writer.write(try prices(5_000, seed: seed)) }
      }
    }
    place.pass(.seconds(86_401))
    let new = try await checkpoints.save(try prices(20_000), pipeline: "p", stage: "new")
    let before = try await checkpoints.list()
    let newBytes = try place.bytes("checkpoints/" + #require(try await data(of: new, checkpoints)))
    let done = try await checkpoints.recompress(olderThan: .seconds(86_400))
    #expect(done.rewritten == 2 && done.leftAlone == 1 && done.damaged == [:])
    #expect(done.bytesAfter < done.bytesBefore)
    #expect(try await checkpoints.list() == before)
    #expect(expectSame(try await checkpoints.load(old).rows(), try prices(20_000)))
    #expect(try await checkpoints.load(value).value(as: [Int].self) == [1])
    let unchanged = try place.bytes("checkpoints/" + #require(try await data(of: new, checkpoints)))
    #expect(unchanged == newBytes)
    // What is done is done.
    #expect(try await checkpoints.recompress(olderThan: .seconds(86_400)).rewritten == 0)
  }

  @Test func `a damaged one is named and left alone`() async throws {
    let place = try CheckpointPlace()
    let checkpoints = place.checkpoints(compression: .none)
    let id = try await checkpoints.save(try prices(1_000), pipeline: "p", stage: "s")
    try place.damage("checkpoints/" + place.files[0], at: 100)
    let bytes = try place.bytes("checkpoints/" + place.files[0])
    place.pass(.seconds(10))
    let done = try await checkpoints.recompress(olderThan: .zero)
    #expect(done.damaged.keys.elementsEqual([id]) && done.rewritten == 0)
    #expect(try place.bytes("checkpoints/" + place.files[0]) == bytes)
  }

  private func data(of id: String, _ checkpoints: StageCheckpoints) async throws -> String? {
    try await checkpoints.describe(id).dataFile
  }
}

@Suite struct PipelineSettingsTests {
  private func read(_ yaml: String) throws -> PipelineSettings {
    let folder = try TemporaryFolder()
    return try PipelineSettings.read(try folder.file("pipeline.yml", yaml))
  }

  @Test func `the keys of the design`() throws {
    let settings = try read(
      """
      pipeline:
        execution:
          checkpoints:
            enabled: true
            checkpoint_dir: "/var/checkpoints"
            save_after_each_stage: false
            auto_resume: false  # Resume from last checkpoint on failure
            retention: 3d
        logging:
          level: "DEBUG"
          log_to_console: true
          log_to_file: true
          log_file: "/var/log/pipeline.log"
          separate_stage_logs: false
          stage_log_dir: "/var/log/stages"
      """)
    #expect(
      settings
        == PipelineSettings(
          directory: "/var/checkpoints", savesAfterEachStage: false, autoResume: false,
          retention: .seconds(3 * 86_400),
          logging: LoggingOptions(
            level: .debug, logToConsole: true, logToFile: true, logFile: "/var/log/pipeline.log",
            separateStageLogs: false, stageLogDirectory: "/var/log/stages")))
    let files = LogFiles(try #require(settings.logging))
    #expect(files.eventLog == "/var/log/events/events.log")
  }

  @Test func `a relative folder is beside the file, and off is off`() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file(
      "pipeline.yml",
      """
      pipeline:
        execution: { checkpoints: { enabled: false, checkpoint_dir: data/checkpoints } }
        logging: { log_file: logs/pipeline.log, stage_log_dir: logs/stages }
      """)
    let settings = try PipelineSettings.read(path)
    #expect(settings.logging?.logFile == folder.url.path + "/logs/pipeline.log")
    #expect(settings.logging?.stageLogDirectory == folder.url.path + "/logs/stages")
    #expect(settings.directory == folder.url.path + "/data/checkpoints")
    #expect(!settings.isEnabled && !settings.savesAfterEachStage && !settings.autoResume)
    #expect(try read("") == PipelineSettings())
  }

  @Test func `what is wrong is said with its place`() throws {
    let error = #expect(throws: JobFileError.self) {
      try read(
        """
        pipeline:
          execution:
            checkpoints:
              enable: true
              auto_resume: maybe
              retention: a week
          logging:
            levle: info
        """)
    }
    let problems = try #require(error).problems.map(\.message)
    #expect(problems.count == 4)
    #expect(problems.last?.contains("'levle'") == true)
    #expect(problems[0].contains("'enable'") && problems[0].contains("enabled"))
    #expect(try #require(error).problems.map { $0.position?.line } == [4, 5, 6, 8])
    #expect(throws: JobFileError.self) { try PipelineSettings.read("/nowhere/pipeline.yml") }
    #expect(throws: JobFileError.self) { try read("pipeline: [") }
  }
}
