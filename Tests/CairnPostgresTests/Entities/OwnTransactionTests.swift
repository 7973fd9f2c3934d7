import CPostgres
import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

/// The mark of a batch in a transaction of a program's own client.
@Suite struct OwnTransactionTests {
  private struct Boom: Error {}

  /// A client that knows nothing of Cairn: libpq with untyped text parameters.
  private final class Client: MarkTransaction, @unchecked Sendable {
    // @unchecked: a test uses it from one task, one call after the other.
    private let session: OpaquePointer?

    init(_ url: String) { session = PQconnectdb(url) }

    deinit { PQfinish(session) }

    func execute(_ sql: String) throws {
      let result = PQexec(session, sql)
      defer { PQclear(result) }
      guard PQresultStatus(result) == PGRES_COMMAND_OK else {
        throw ProbeError(message: String(cString: PQerrorMessage(session)), sql: sql)
      }
    }

    func execute(_ statement: MarkStatement) throws -> Int {
      let texts: [String?] = statement.parameters.map { value in
        switch value {
        case .null: nil
        case .text(let text): text
        case .integer(let number): String(number)
        case .real(let number): String(number)
        case .bytes(let bytes): "\\x" + bytes.map { String(format: "%02x", $0) }.joined()
        }
      }
      let values = texts.map { $0.flatMap { strdup($0) } }
      defer { for value in values { free(value) } }
      let result = PQexecParams(
        session, statement.sql, Int32(values.count), nil, values.map { UnsafePointer($0) }, nil,
        nil, 0)
      defer { PQclear(result) }
      guard PQresultStatus(result) == PGRES_TUPLES_OK else {
        throw ProbeError(message: String(cString: PQerrorMessage(session)), sql: statement.sql)
      }
      return Int(PQntuples(result))
    }
  }

  @Test func `rows and mark are committed together or not at all`() async throws {
    let place = try await TestServer.place()
    try await place.probe.execute("CREATE TABLE mine (id text)")
    let client = Client(place.url)
    let processor = Processor(
      "own", into: place.sink(),
      options: ProcessorOptions(stateFolder: nil, environment: .live))
    let entities = (0..<30).map { "e\(100 + $0)" }
    @Sendable func body(_ batch: EntityBatch<String>, failing: Bool) async throws -> BatchResult {
      try client.execute("BEGIN")
      do {
        for id in batch.ids { try client.execute("INSERT INTO mine VALUES ('\(id)')") }
        let result = try await batch.mark(
          in: client, state: BatchState(bytes: [0, 255, UInt8(batch.positions.upperBound)]))
        if failing, batch.positions.lowerBound == 20 { throw Boom() }
        try client.execute("COMMIT")
        return result
      } catch {
        try client.execute("ROLLBACK")
        throw error
      }
    }
    await #expect(throws: Boom.self) {
      try await processor.forEachBatch(of: entities, id: \.self, size: 10) {
        try await body($0, failing: true)
      }
    }
    #expect(try await place.probe.value("SELECT count(*) FROM mine") == "20")
    let checkpoint = try await place.sink().entityCheckpoints(EntityCheckpointFilter()).first
    #expect(checkpoint?.completed.count == 20)
    #expect(checkpoint?.state?.bytes == [0, 255, 20])
    let outcome = try await processor.forEachBatch(of: entities, id: \.self, size: 10) {
      try await body($0, failing: false)
    }
    #expect(outcome.report.completedBefore == 20)
    #expect(outcome.report.state?.bytes == [0, 255, 30])
    #expect(try await place.probe.value("SELECT count(*), count(DISTINCT id) FROM mine") == "30")
  }

  @Test func `a mark of an owner that was overtaken does not hold`() async throws {
    let place = try await TestServer.place()
    let client = Client(place.url)
    let processor = Processor(
      "own", into: place.sink(), options: ProcessorOptions(stateFolder: nil))
    await #expect {
      try await processor.forEachBatch(of: ["a", "b"], id: \.self, size: 1) { batch in
        let other = place.sink()
        let found = try await other.entityCheckpoints(EntityCheckpointFilter()).first
        if let found {
          _ = try await other.acquireEntities(
            of: found.syncID, owner: .current(), duration: .seconds(60), takeOver: true)
        }
        try client.execute("BEGIN")
        defer { try? client.execute("ROLLBACK") }
        return try await batch.mark(in: client)
      }
    } throws: { error in
      if case EntityBatchError.overtaken = error { return true }
      guard case EntityBatchError.markRefused = error else { return false }
      return true
    }
  }
}
