import Cairn
import CairnSQLite
import CairnTesting
import Foundation
import GRDB
import Testing

/// A list whose rows were appended is not appended again by a call that is repeated.
@Suite struct AppendOnceTests {
  private struct Stat: Codable {
    var id: String
    var n: Int
  }

  private struct Boom: Error {}

  private let folder: TemporaryFolder
  private let sink: SQLiteSink
  private let probe: SQLiteProbe
  private let ids = (0..<30).map { "e\(100 + $0)" }

  init() throws {
    folder = try TemporaryFolder()
    sink = SQLiteSink(path: folder.file("target.db"))
    probe = SQLiteProbe(path: folder.file("target.db"))
  }

  private func processor(
    _ mode: EntityTarget.Mode = .append, table: String = "stats",
    _ change: (inout ProcessorOptions) -> Void = { _ in }
  ) -> Processor {
    var options = ProcessorOptions(stateFolder: folder.file("states"))
    change(&options)
    return Processor(
      "stats", into: sink,
      target: EntityTarget(table, key: mode == .append ? [] : ["id"], mode: mode),
      options: options)
  }

  private func result(_ batch: EntityBatch<String>) throws -> BatchResult {
    BatchResult(rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }))
  }

  private func run(
    _ processor: Processor? = nil, _ ids: [String]? = nil, partition: String = "d"
  ) async throws -> EntityBatchOutcome {
    try await (processor ?? self.processor()).forEachBatch(
      of: ids ?? self.ids, id: \.self, partition: partition, size: 10
    ) { try result($0) }
  }

  private func count(_ table: String = "stats") async throws -> DatabaseValue? {
    try await probe.value("SELECT count(*) FROM \(table)")
  }

  @Test func `a completed list is not appended again, and the note says how it would be`()
    async throws
  {
    let first = try await run().report
    #expect(!first.wasCompletedBefore && first.notes.isEmpty)
    var bodies = 0
    var outcome = try await processor().forEachBatch(of: ids, id: \.self, partition: "d") {
      bodies += 1
      return try result($0)
    }
    #expect(outcome.exitCode == 0)
    let report = outcome.report
    #expect(report.wasCompletedBefore)
    #expect(report.syncID == first.syncID && report.attempt == 1)
    #expect(report.total == 30 && report.completed == 30 && report.completedBefore == 30)
    #expect(report.batches == 0 && report.counts == RowCounts())
    let ended = try #require(try await sink.entityAttempts(EntityAttemptFilter()).first?.endedAt)
    #expect(report.notes.count == 1)
    for part in ["\(first.syncID)", ended, "30 entities", "'stats'", "appendAgain", "partition"] {
      #expect(report.notes.first?.contains(part) == true, "\(part)")
    }
    // The same with several at once.
    outcome = try await processor().forEachBatch(
      of: ids, id: \.self, partition: "d", atOnce: 2
    ) { _ in throw Boom() }
    #expect(outcome.report.wasCompletedBefore)
    #expect(bodies == 0)
    #expect(try await count() == 30.databaseValue)
    #expect(try await sink.entityAttempts(EntityAttemptFilter()).count == 1)
  }

  @Test func `asked to append again it does, each time`() async throws {
    for times in 1...3 {
      let report = try await run(processor { $0.appendAgain = true }).report
      #expect(!report.wasCompletedBefore && report.batches == 3)
      #expect(try await count() == (30 * times).databaseValue)
    }
    #expect(try await run().report.wasCompletedBefore)
  }

  @Test func `another list, partition or table is appended`() async throws {
    _ = try await run()
    #expect(try await run(partition: "e").report.batches == 3)
    #expect(try await run(nil, ids + ["more"]).report.batches == 4)
    // The list before the last is not remembered: so lists may come round.
    #expect(try await run().report.batches == 3)
    #expect(try await count() == 121.databaseValue)
    #expect(try await run(processor(table: "others")).report.batches == 3)
    #expect(try await count("others") == 30.databaseValue)
  }

  @Test func `what adds nothing twice is processed again`() async throws {
    for mode in [
      EntityTarget.Mode.upsert, .insertOnly, .replacePartition(column: "id"),
    ] {
      for _ in 0..<2 {
        let report = try await run(processor(mode), ["d"]).report
        #expect(report.batches == 1 && report.counts.rows == 1, "\(mode)")
      }
    }
    #expect(try await count() == 1.databaseValue)
    // Nor is an empty list worth a word.
    for _ in 0..<2 { #expect(try await run(nil, []).report.notes.isEmpty) }
  }

  @Test func `who waits for the owner appends nothing behind it`() async throws {
    let second = processor { $0.waitForOwner = .seconds(600) }
    let ids = ids
    var waiting: Task<EntityBatchOutcome, any Error>?
    _ = try await processor().forEachBatch(of: ids, id: \.self, partition: "d", size: 30) { batch in
      waiting = Task {
        try await second.forEachBatch(of: ids, id: \.self, partition: "d") { _ in throw Boom() }
      }
      // Time enough to find that somebody works on it, as a rule.
      try await Task.sleep(for: .milliseconds(200))
      return try result(batch)
    }
    let outcome = try await #require(waiting).value
    #expect(outcome.report.wasCompletedBefore)
    #expect(try await count() == 30.databaseValue)
  }

  /// Works through the list with state; gives what `restore` was called with last, and the report.
  private func train(
    _ processor: Processor, _ ids: [String]? = nil
  ) async throws -> (restored: BatchState?, report: EntityBatchReport) {
    var restored: BatchState?
    let outcome = try await processor.forEachBatch(
      of: ids ?? self.ids, id: \.self, partition: "d", size: 10, restore: { restored = $0 }
    ) { batch in
      BatchResult(rows: try result(batch).rows, state: [UInt8](batch.ids.joined().utf8.suffix(4)))
    }
    return (restored, outcome.report)
  }

  private var states: [String] {
    let found = try? FileManager.default.contentsOfDirectory(atPath: folder.file("states"))
    return (found ?? []).sorted()
  }

  @Test(arguments: [0, 1_000])
  func `the last state is given back, from row and file`(_ limit: Int) async throws {
    let processor = processor { $0.inlineStateLimit = limit }
    let last = BatchState(bytes: Array("e129".utf8))
    #expect(try await train(processor).report.state == last)
    let kept = states
    #expect(kept.count == (limit == 0 ? 1 : 0))
    let repeated = try await train(processor)
    #expect(repeated.report.wasCompletedBefore && repeated.report.notes.count == 1)
    #expect(repeated.restored == last && repeated.report.state == last)
    // The next run of the partition puts its own in the place of it.
    _ = try await train(processor, ids + ["e999"])
    #expect(states.count == kept.count && (limit > 0 || states != kept))
    let newer = try await train(processor, ids + ["e999"])
    #expect(newer.restored?.bytes == Array("e999".utf8))
    // A mark without state leaves none.
    _ = try await run(processor, ["other"])
    #expect(states.isEmpty)
    #expect(try await run(processor, ["other"]).report.state == nil)
  }

  @Test func `state that is lost is said to be`() async throws {
    let processor = processor { $0.inlineStateLimit = 0 }
    _ = try await train(processor)
    try FileManager.default.removeItem(atPath: folder.file("states"))
    let repeated = try await train(processor)
    #expect(repeated.report.wasCompletedBefore && repeated.report.state == nil)
    #expect(repeated.report.notes.count == 2)
    #expect(repeated.report.notes.last?.contains("is gone") == true)
    #expect(try await count() == 30.databaseValue)
  }

  @Test func `rows of one's own transaction are guarded where the table is named`() async throws {
    let own = try DatabaseQueue(path: folder.file("target.db"))
    try await own.write { try $0.execute(sql: "CREATE TABLE stats (id TEXT)") }
    for attempt in 1...2 {
      let outcome = try await processor().forEachBatch(of: ids, id: \.self, size: 10) { batch in
        let statement = try batch.markStatement()
        let ids = batch.ids
        try await own.write { db in
          for id in ids { try db.execute(sql: "INSERT INTO stats VALUES (?)", arguments: [id]) }
          let arguments: [DatabaseValue] = statement.parameters.map { value in
            switch value {
            case .null: .null
            case .text(let text): text.databaseValue
            case .integer(let number): number.databaseValue
            case .real(let number): number.databaseValue
            case .bytes(let bytes): Data(bytes).databaseValue
            }
          }
          let marked = try Row.fetchAll(
            db, sql: statement.sql, arguments: StatementArguments(arguments))
          guard marked.count == 1 else { throw Boom() }
        }
        return .marked
      }
      #expect(outcome.report.wasCompletedBefore == (attempt == 2))
    }
    #expect(try await count() == 30.databaseValue)
  }

  @Test(arguments: [EntityTarget.Mode.append, .upsert])
  func `a list that loses what is not done yet is completed as it is`(_ mode: EntityTarget.Mode)
    async throws
  {
    let processor = processor(mode) { $0.inlineStateLimit = 0 }
    func work(_ ids: [String]) async throws -> EntityBatchOutcome {
      try await processor.forEachBatch(of: ids, id: \.self, partition: "d", size: 10) { batch in
        if batch.positions.lowerBound == 20 { throw Boom() }
        return BatchResult(rows: try result(batch).rows, state: [7] as [UInt8])
      }
    }
    await #expect(throws: Boom.self) { try await work(ids) }
    let shorter = try await work(Array(ids.prefix(20))).report
    #expect(shorter.batches == 0 && shorter.completed == 20 && shorter.total == 20)
    #expect(shorter.state?.bytes == [7])
    let attempt = try await sink.entityAttempts(EntityAttemptFilter()).first
    #expect(attempt?.ending == .completed && attempt?.totalEntities == 20)
    // It is the shorter list that is done.
    if mode == .append {
      #expect(try await work(Array(ids.prefix(20))).report.wasCompletedBefore)
    }
    await #expect(throws: Boom.self) { try await work(ids) }
    #expect(try await count() == (mode == .append ? 40 : 20).databaseValue)
  }

  @Test func `a history of the version before is brought up to date and never matches`()
    async throws
  {
    _ = try await run()
    try await probe.execute(
      """
      DROP INDEX cairn_processing_history_completed;
      DROP INDEX cairn_processing_history_states;
      ALTER TABLE cairn_processing_history DROP COLUMN list_digest;
      ALTER TABLE cairn_processing_history DROP COLUMN table_name;
      ALTER TABLE cairn_processing_history DROP COLUMN state_digest;
      ALTER TABLE cairn_processing_history DROP COLUMN state_size;
      ALTER TABLE cairn_processing_history DROP COLUMN state_file;
      ALTER TABLE cairn_processing_history DROP COLUMN state;
      DELETE FROM cairn_schema_version WHERE version > 5
      """)
    let older = SQLiteSink(path: folder.file("target.db"))
    #expect(try await older.entityAttempts(EntityAttemptFilter()).map(\.ending) == [.completed])
    var processor = processor()
    processor.sink = older
    #expect(try await run(processor).report.batches == 3)
    #expect(
      try await probe.literals("SELECT max(version) FROM cairn_schema_version") == [["6"]])
    #expect(
      try await probe.literals(
        "SELECT list_digest IS NULL, table_name FROM cairn_processing_history ORDER BY id")
        == [["1", "NULL"], ["0", "\"stats\""]])
    #expect(try await run(processor).report.wasCompletedBefore)
    #expect(try await count() == 60.databaseValue)
  }
}
