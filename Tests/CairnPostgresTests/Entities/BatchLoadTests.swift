import Cairn
import CairnPostgres
import CairnTesting
import Testing

/// Entity batches and loads that are at one table at the same time.
@Suite(.timeLimit(.minutes(20))) struct BatchLoadTests {
  private struct Row: Codable {
    var id: String
    var n: Int
  }

  private func work(
    on sink: PostgresSink, _ ids: [String]
  ) async throws -> EntityBatchOutcome {
    try await Processor(
      "stats", into: sink, target: EntityTarget("target", key: ["id"]),
      options: ProcessorOptions(
        retry: RetryPolicy(attempts: 2, minimumBackoff: .milliseconds(1)), stateFolder: nil)
    ).forEachBatch(of: ids, id: \.self) {
      BatchResult(rows: try RecordBatch(rows: $0.entities.map { Row(id: $0, n: 1) }))
    }
  }

  /// A batch looks for loads, then writes: no load begins between.
  @Test(arguments: [FaultPoint.batchMarked, .batchBefore])
  func `a load begins before a batch's commit or after it`(_ point: FaultPoint) async throws {
    let place = try await TestServer.place()
    let gate = Gate(at: point)
    let sink = PostgresSink(
      url: place.url, stateSchema: place.stateSchema, faults: gate.faults)
    let batch = Task { try await work(on: sink, ["a", "b"]) }
    try await gate.arrival()
    let beginning = Task {
      try await SimpleLoad(
        into: table(["id": .text, "n": .integer], key: ["id"]), on: place.sink())
    }
    try await Task.sleep(for: .milliseconds(200))
    #expect(try await place.sink().runs(RunFilter()).isEmpty)
    gate.open()
    #expect(try await batch.value.exitCode == 0)
    var load = try await beginning.value
    let late = try await work(on: place.sink(), ["c"])
    guard case .stopped(_, .loadUnfinished) = late else {
      Issue.record("\(late)")
      return
    }
    #expect(try await load.commit([[.text("a"), .integer(2)]]).updated == 1)
    try await load.finish()
    #expect(try await work(on: place.sink(), ["c"]).exitCode == 0)
    #expect(
      try await place.probe.query("SELECT id, n FROM target ORDER BY id")
        == [["a", "2"], ["b", "1"], ["c", "1"]])
  }
}
