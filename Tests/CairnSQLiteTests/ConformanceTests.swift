import CairnSQLite
import CairnTesting
import Testing

@Suite("SQLite does what every sink must")
struct ConformanceTests {
  @Test(arguments: SinkBattery.checks + SinkBattery.entityChecks + SinkBattery.jobChecks)
  func check(_ check: SinkCheck) async throws {
    try await check.run(on: try TemporaryFolder().place())
  }
}
