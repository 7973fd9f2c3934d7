import Cairn
import CairnSQLite
import CairnTesting
import Foundation
import Testing

@Suite("A SQLite database does what every registry of stages must")
struct StageRegistryConformanceTests {
  @Test(arguments: RegistryBattery.checks)
  func check(_ check: RegistryCheck) async throws {
    let folder = try TemporaryFolder()
    try await check.run(
      on: RegistryPlace(hasLeases: true) {
        // The folder must outlive the registries.
        withExtendedLifetime(folder) { SQLiteStageRegistry(path: folder.file("stages.db")) }
      })
  }
}

@Suite("Stages and a SQLite database") struct StageTests {
  private struct Broken: Error {}

  private struct Trade: Codable {
    var id: Int
    var name: String?
    var price: Double
    var isOpen: Bool
  }

  private func trades(_ ids: Range<Int>) throws -> RecordBatch {
    try RecordBatch(
      rows: ids.map {
        Trade(
          id: $0, name: $0 % 3 == 0 ? nil : "n\($0)", price: Double($0) / 4, isOpen: $0 % 2 == 0)
      })
  }

  @Test func `a pipeline with its registry in the database of its rows`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("stocks.db")
    var bodies: [String] = []
    for attempt in 1...3 {
      let checkpoints = StageCheckpoints(
        directory: folder.file("checkpoints"), registry: SQLiteStageRegistry(path: path))
      let sink = SQLiteSink(path: path)
      do {
        let receipt = try await Pipelines(checkpoints: checkpoints).run("stocks", input: ["a"]) {
          run in
          let raw = try await run.stage("extract") {
            bodies.append("extract")
            return try trades(0..<100)
          }
          if attempt == 1 { throw Broken() }
          let receipt = try await run.stage("load", into: sink, table: "trades", key: ["id"]) {
            bodies.append("load")
            return raw
          }
          if attempt == 2 { throw Broken() }
          return receipt
        }
        #expect(attempt == 3 && receipt.counts.inserted == 100 && receipt.counts.addsUp)
      } catch is Broken {}
    }
    #expect(bodies == ["extract", "load"])
    let probe = SQLiteProbe(path: path)
    #expect(try await probe.literals("SELECT count(*) FROM trades") == [["100"]])
    #expect(
      try await probe.literals("SELECT stage FROM cairn_stage_checkpoints ORDER BY sequence")
        == [["\"extract\""], ["\"load/rows\""], ["\"load\""]])
    #expect(
      try await probe.literals("SELECT status, attempt FROM cairn_stage_pipelines")
        == [["\"completed\"", "3"]])
    // No second registry beside it.
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("checkpoints"))
    #expect(!names.contains("checkpoint_metadata.json"))
  }

  @Test(arguments: [true, false])
  func `a stage that appends never adds other rows to those of its execution`(
    _ saves: Bool
  ) async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("append.db")
    let settings = PipelineSettings(savesAfterEachStage: saves)
    func run(
      _ rows: Range<Int>, version: Int = 1, key: [String] = [], input: Int = 1, breaks: Bool = true
    ) async throws {
      let pipelines = Pipelines(
        checkpoints: StageCheckpoints(directory: folder.file("checkpoints")), settings: settings)
      try await pipelines.run("append", input: input) { run in
        try await run.stage("load", version: version, into: SQLiteSink(path: path), key: key) {
          try trades(rows)
        }
        if breaks { throw Broken() }
      }
    }
    let count = "SELECT count(*) FROM append"
    let probe = SQLiteProbe(path: path)
    await #expect(throws: Broken.self) { try await run(0..<10) }
    // The same rows again are those that are there.
    await #expect(throws: Broken.self) { try await run(0..<10) }
    await #expect(throws: Broken.self) { try await run(0..<10, version: 2) }
    #expect(try await probe.literals(count) == [["10"]])
    let error = await #expect(throws: PipelineError.self) { try await run(0..<20, version: 3) }
    guard case .addsTwice("load", "append", let former)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(former.counts.rows == 10)
    #expect("\(try #require(error))".contains("has appended 10 rows to 'append'"))
    #expect(try await probe.literals(count) == [["10"]])
    // Another execution's rows are others.
    try await run(20..<25, input: 2, breaks: false)
    #expect(try await probe.literals(count) == [["15"]])
  }

  @Test func `a stream is loaded batch by batch`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("stream.db")
    let checkpoints = StageCheckpoints(directory: folder.file("checkpoints"))
    let receipt = try await Pipelines(checkpoints: checkpoints).run("stream") { run in
      let batches = try await run.stage("extract") { writer in
        for part in 0..<5 { try await writer.write(try trades(part * 20..<part * 20 + 20)) }
      }
      return try await run.stage("load", into: SQLiteSink(path: path)) { batches }
    }
    #expect(receipt.committedChunks == 5 && receipt.counts.inserted == 100)
    // The table is named after the pipeline where nothing else is said.
    #expect(
      try await SQLiteProbe(path: path).literals("SELECT count(*), count(name) FROM stream")
        == [["100", "66"]])
  }

  @Test func `no rows, a replaced table, and rows that the table refuses`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("rows.db")
    let pipelines = Pipelines(
      checkpoints: StageCheckpoints(directory: folder.file("checkpoints")))
    func load(_ rows: RecordBatch, mode: LoadMode? = nil) async throws -> Receipt {
      try await pipelines.run("trades") { run in
        try await run.stage(
          "load", into: SQLiteSink(path: path), key: ["id"], mode: mode
        ) { rows }
      }
    }
    #expect(try await load(try trades(0..<10)).counts.inserted == 10)
    let none = try trades(0..<1).selecting(rows: [])
    #expect(try await load(none).counts.rows == 0)
    let probe = SQLiteProbe(path: path)
    #expect(try await probe.literals("SELECT count(*) FROM trades") == [["10"]])
    _ = try await load(try trades(90..<93), mode: .replace)
    #expect(try await probe.literals("SELECT count(*), min(id) FROM trades") == [["3", "90"]])
    _ = try await load(none, mode: .replace)
    #expect(try await probe.literals("SELECT count(*) FROM trades") == [["0"]])
    // The same rows again are no longer the same execution: they are loaded again.
    #expect(try await load(try trades(0..<10)).counts.inserted == 10)
    try await probe.execute(
      "CREATE TRIGGER no BEFORE INSERT ON trades WHEN new.id = 15 BEGIN SELECT raise(ABORT, 'no'); END"
    )
    await #expect(throws: LoadError.self) { _ = try await load(try trades(10..<20)) }
    #expect(try await probe.literals("SELECT count(*) FROM trades") == [["10"]])
    try await probe.execute("DROP TRIGGER no")
    // Refused, then mended: the stage is gone on with.
    #expect(try await load(try trades(10..<20)).counts.inserted == 10)
  }
}
