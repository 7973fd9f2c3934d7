import Cairn
import CairnPostgres
import CairnTesting
import Testing

/// A list whose rows were appended is not appended again; what is the same for every sink is in the
/// battery.
@Suite(.timeLimit(.minutes(20))) struct AppendOnceTests {
  private struct Row: Codable {
    var id: String
  }

  private func work(
    on sink: PostgresSink, again: Bool = false, partition: String = "d"
  ) async throws -> EntityBatchReport {
    try await Processor(
      "stats", into: sink, target: EntityTarget("target", mode: .append),
      options: ProcessorOptions(appendAgain: again, stateFolder: nil)
    ).forEachBatch(of: ["a", "b", "c"], id: \.self, partition: partition, size: 2) { batch in
      BatchResult(
        rows: try RecordBatch(rows: batch.entities.map { Row(id: $0) }),
        state: [UInt8(batch.positions.upperBound), 0, 255])
    }.report
  }

  @Test func `a completed list is appended again only where that is asked for`() async throws {
    let place = try await TestServer.place()
    let count = "SELECT count(*) FROM target"
    #expect(try await !work(on: place.sink()).wasCompletedBefore)
    let repeated = try await work(on: place.sink())
    #expect(repeated.wasCompletedBefore && repeated.notes.count == 1)
    #expect(repeated.state?.bytes == [3, 0, 255])
    #expect(try await place.probe.value(count) == "3")
    #expect(try await work(on: place.sink(), partition: "e").batches == 2)
    #expect(try await work(on: place.sink(), again: true).batches == 2)
    #expect(try await place.probe.value(count) == "9")
  }

  /// Of an end that is being committed who begins meanwhile sees all or nothing.
  @Test func `who begins while the list is being completed appends nothing`() async throws {
    let place = try await TestServer.place()
    let gate = Gate(at: .entitiesReplaced)
    let sink = PostgresSink(
      url: place.url, stateSchema: place.stateSchema, faults: gate.faults)
    let first = Task { try await work(on: sink) }
    try await gate.arrival()
    await #expect {
      try await work(on: place.sink())
    } throws: { error in
      if case EntityBatchError.ownedElsewhere = error { true } else { false }
    }
    gate.open()
    #expect(try await first.value.batches == 2)
    #expect(try await work(on: place.sink()).wasCompletedBefore)
    #expect(try await place.probe.value("SELECT count(*) FROM target") == "3")
  }

  @Test func `a history of the version before is brought up to date and never matches`()
    async throws
  {
    let place = try await TestServer.place()
    _ = try await work(on: place.sink())
    let state = place.stateSchema
    try await place.probe.execute(
      """
      DROP INDEX \(state).processing_history_completed;
      ALTER TABLE \(state).processing_history DROP COLUMN list_digest, DROP COLUMN table_name,
        DROP COLUMN state_digest, DROP COLUMN state_size, DROP COLUMN state_file,
        DROP COLUMN state;
      DELETE FROM \(state).schema_version WHERE version > 5
      """)
    let older = place.sink()
    #expect(try await older.entityAttempts(EntityAttemptFilter()).map(\.ending) == [.completed])
    #expect(try await work(on: older).batches == 2)
    #expect(
      try await place.probe.value("SELECT max(version) FROM \(state).schema_version") == "6")
    #expect(
      try await place.probe.query(
        "SELECT list_digest IS NULL, table_name IS NULL FROM \(state).processing_history ORDER BY id"
      ) == [["t", "t"], ["f", "f"]])
    #expect(try await work(on: older).wasCompletedBefore)
    #expect(try await place.probe.value("SELECT count(*) FROM target") == "6")
  }
}
