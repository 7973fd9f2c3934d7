import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

@Suite("PostgreSQL does what every registry of stages must")
struct StageRegistryConformanceTests {
  @Test(arguments: RegistryBattery.checks)
  func check(_ check: RegistryCheck) async throws {
    let place = try await TestServer.place()
    try await check.run(
      on: RegistryPlace(hasLeases: true) {
        PostgresStageRegistry(url: place.url, stateSchema: place.stateSchema)
      })
  }
}

@Suite("Stages and PostgreSQL") struct StageTests {
  private struct Broken: Error {}

  private struct Trade: Codable {
    var id: Int
    var name: String?
    var price: Double
  }

  private func trades(_ ids: Range<Int>) throws -> RecordBatch {
    try RecordBatch(
      rows: ids.map { Trade(id: $0, name: $0 % 3 == 0 ? nil : "n\($0)", price: Double($0) / 4) })
  }

  @Test func `a pipeline with its registry in the database of its rows`() async throws {
    let place = try await TestServer.place()
    let folder = FileManager.default.temporaryDirectory.path + "/cairn-stages-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var bodies: [String] = []
    for attempt in 1...3 {
      let checkpoints = StageCheckpoints(
        directory: folder,
        registry: PostgresStageRegistry(url: place.url, stateSchema: place.stateSchema))
      do {
        let receipt = try await Pipelines(checkpoints: checkpoints).run("stocks", input: ["a"]) {
          run in
          let batches = try await run.stage("extract") { writer in
            bodies.append("extract")
            for part in 0..<4 { try await writer.write(try trades(part * 25..<part * 25 + 25)) }
          }
          if attempt == 1 { throw Broken() }
          let receipt = try await run.stage("load", into: place.sink(), table: "trades") {
            bodies.append("load")
            return batches
          }
          if attempt == 2 { throw Broken() }
          return receipt
        }
        #expect(attempt == 3 && receipt.counts.inserted == 100 && receipt.counts.addsUp)
      } catch is Broken {}
    }
    #expect(bodies == ["extract", "load"])
    #expect(try await place.probe.value("SELECT count(*) FROM trades") == "100")
    #expect(
      try await place.probe.value(
        """
        SELECT string_agg(stage, ' ' ORDER BY sequence) FROM \(place.stateSchema).stage_checkpoints
        """) == "extract load")
  }

  @Test func `state of the version before stages is brought up to date`() async throws {
    let place = try await TestServer.place()
    let registry = PostgresStageRegistry(url: place.url, stateSchema: place.stateSchema)
    try await place.sink().prepareState()
    try await place.probe.execute(
      """
      DROP TABLE \(place.stateSchema).stage_checkpoints, \(place.stateSchema).stage_pipelines,
        \(place.stateSchema).job_schedules, \(place.stateSchema).job_checkpoints,
        \(place.stateSchema).job_history;
      ALTER TABLE \(place.stateSchema).sync_metadata DROP COLUMN rows_in_place;
      DROP INDEX \(place.stateSchema).processing_history_completed;
      ALTER TABLE \(place.stateSchema).processing_history DROP COLUMN list_digest, DROP COLUMN table_name,
        DROP COLUMN state_digest, DROP COLUMN state_size, DROP COLUMN state_file,
        DROP COLUMN state;
      DELETE FROM \(place.stateSchema).schema_version WHERE version > 2
      """)
    #expect(try await registry.checkpoints(CheckpointFilter()) == [])
    #expect(try await place.sink().runs(RunFilter()).isEmpty)
    try await registry.prepare()
    #expect(
      try await place.probe.value("SELECT count(*) FROM \(place.stateSchema).stage_pipelines")
        == "0")
  }
}
