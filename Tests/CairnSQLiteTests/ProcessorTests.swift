import Cairn
import CairnSQLite
import CairnTesting
import Foundation
import GRDB
import Synchronization
import Testing

/// Entity batches into a SQLite file, within one process.
@Suite("Entity batches") struct ProcessorTests {
  private struct Stat: Codable, Hashable {
    var id: String
    var n: Int
  }

  private struct Place {
    let folder: TemporaryFolder
    let sink: SQLiteSink
    let probe: SQLiteProbe

    init() throws {
      folder = try TemporaryFolder()
      sink = SQLiteSink(path: folder.file("target.db"))
      probe = SQLiteProbe(path: folder.file("target.db"))
    }

    func processor(
      _ mode: EntityTarget.Mode = .append, _ change: (inout ProcessorOptions) -> Void = { _ in }
    ) -> Processor {
      var options = ProcessorOptions(
        retry: RetryPolicy(minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(2)),
        stateFolder: folder.file("states"))
      change(&options)
      return Processor(
        "stats", into: sink,
        target: EntityTarget("stats", key: mode == .append ? [] : ["id"], mode: mode),
        options: options)
    }

    func rows() async throws -> [[String]] {
      try await probe.literals("SELECT id, n FROM stats ORDER BY id, n")
    }
  }

  private struct Boom: Error {}

  private func ids(_ range: Range<Int>) -> [String] { range.map { "e\(100 + $0)" } }

  private func result(_ batch: EntityBatch<String>) throws -> BatchResult {
    BatchResult(rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }))
  }

  private func rows(_ range: Range<Int>) -> [[String]] {
    ids(range).map { ["\"\($0)\"", "1"] }
  }

  @Test func `what failed midway goes on after the last batch`() async throws {
    let place = try Place()
    let processor = place.processor()
    var seen: [Range<Int>] = []
    await #expect(throws: Boom.self) {
      try await processor.forEachBatch(of: ids(0..<45), id: \.self, partition: "d", size: 10) {
        batch in
        seen.append(batch.positions)
        if batch.positions.lowerBound == 20 { throw Boom() }
        return try result(batch)
      }
    }
    #expect(seen == [0..<10, 10..<20, 20..<30])
    let checkpoint = try #require(
      try await place.sink.entityCheckpoints(EntityCheckpointFilter()).first)
    #expect(checkpoint.completed.description == "0-19")
    #expect(checkpoint.lastEntityID == "e119")
    #expect(checkpoint.total == 45)
    #expect(checkpoint.error == "Boom()")
    seen = []
    let outcome = try await processor.forEachBatch(
      of: ids(0..<45), id: \.self, partition: "d", size: 10
    ) { batch in
      seen.append(batch.positions)
      return try result(batch)
    }
    #expect(seen == [20..<30, 30..<40, 40..<45])
    guard case .done(let report) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(report.completedBefore == 20)
    #expect(report.completed == 45)
    #expect(report.attempt == 2)
    #expect(report.batches == 3)
    #expect(report.counts.inserted == 25)
    #expect(outcome.exitCode == 0)
    #expect(try await place.rows() == rows(0..<45))
    #expect(try await place.sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty)
    let history = try await place.sink.entityAttempts(EntityAttemptFilter())
    #expect(history.map(\.ending) == [.completed, .failed])
    #expect(
      CheckpointEffectiveness.of(history).map(\.avgEntitiesSaved) == [20])
  }

  @Test func `a deadline stops between batches and the next call goes on`() async throws {
    let place = try Place()
    let first = try await place.processor().forEachBatch(
      of: ids(0..<30), id: \.self, size: 10, deadline: .milliseconds(1)
    ) { batch in
      try await Task.sleep(for: .milliseconds(5))
      return try result(batch)
    }
    guard case .stopped(let report, .deadline) = first else {
      Issue.record("\(first)")
      return
    }
    #expect(report.completed <= 10)
    #expect(first.exitCode == 75)
    let second = try await place.processor().forEachBatch(of: ids(0..<30), id: \.self, size: 10) {
      try result($0)
    }
    #expect(second.report.completedBefore == report.completed)
    #expect(try await place.rows() == rows(0..<30))
    #expect(
      try await place.sink.entityAttempts(EntityAttemptFilter()).map(\.ending)
        == [.completed, .stopped])
  }

  @Test func `a cancelled task stops after the commit in flight`() async throws {
    let place = try Place()
    let processor = place.processor()
    let entities = ids(0..<30)
    let begun = Mutex(0)
    let task = Task {
      try await processor.forEachBatch(of: entities, id: \.self, size: 10) { batch in
        begun.withLock { $0 += 1 }
        while !Task.isCancelled, batch.positions.lowerBound > 0 { await Task.yield() }
        return BatchResult(
          rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }))
      }
    }
    while begun.withLock({ $0 }) < 2 { await Task.yield() }
    task.cancel()
    let outcome = try await task.value
    guard case .stopped(let report, .cancelled) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(report.completed == 20)
    #expect(try await place.rows() == rows(0..<20))
  }

  actor Model {
    var sum = 0
    func train(_ processor: Processor, _ ids: [String]) async throws -> EntityBatchOutcome {
      // The body runs on the actor: it may use its state.
      try await processor.forEachBatch(
        of: ids, id: \.self, size: 10, restore: { sum = try $0?.decoded() ?? 0 }
      ) { batch in
        sum += batch.entities.count
        if batch.positions.lowerBound == 20, failing { throw Boom() }
        return BatchResult(state: sum)
      }
    }
    var failing: Bool
    init(failing: Bool) { self.failing = failing }
  }

  @Test func `state is saved with the mark and given back`() async throws {
    let place = try Place()
    let processor = Processor("stats", into: place.sink, options: place.processor().options)
    await #expect(throws: Boom.self) {
      try await Model(failing: true).train(processor, ids(0..<45))
    }
    let stored = try await place.sink.entityCheckpoints(EntityCheckpointFilter()).first?.state
    #expect(stored?.bytes == Array("20".utf8))
    let second = Model(failing: false)
    let outcome = try await second.train(processor, ids(0..<45))
    #expect(await second.sum == 45)
    #expect(try outcome.report.state?.decoded(as: Int.self) == 45)
  }

  @Test func `a batch that is tried again begins with the state of the last mark`() async throws {
    let place = try Place()
    let processor = Processor(
      "stats", into: place.sink,
      options: {
        var options = place.processor().options
        options.isTransient = { $0 is Boom }
        return options
      }())
    var sum = 0
    var tries = 0
    let outcome = try await processor.forEachBatch(
      of: ids(0..<30), id: \.self, size: 10, restore: { sum = try $0?.decoded() ?? 0 }
    ) { batch in
      sum += batch.entities.count
      tries += 1
      if tries == 1 || tries == 3 { throw Boom() }
      return BatchResult(state: sum)
    }
    #expect(sum == 30)
    #expect(tries == 5)
    #expect(outcome.report.completed == 30)
  }

  @Test func `large state is in a file, one at a time, and checked`() async throws {
    let place = try Place()
    let folder = place.folder.file("states")
    let processor = place.processor(.append) { $0.inlineStateLimit = 10 }
    let large = [UInt8](repeating: 7, count: 1_000)
    func files() -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }
    func run(
      failing: Int?, _ processor: Processor? = nil, restored: (BatchState?) -> Void = { _ in }
    ) async throws -> EntityBatchOutcome {
      try await (processor ?? place.processor(.upsert) { $0.inlineStateLimit = 10 }).forEachBatch(
        of: ids(0..<30), id: \.self, size: 10, restore: { restored($0) }
      ) { batch in
        if batch.positions.lowerBound == failing { throw Boom() }
        return BatchResult(
          rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }),
          state: large + [UInt8(batch.positions.lowerBound)])
      }
    }
    await #expect(throws: Boom.self) { try await run(failing: 20) }
    let names = files()
    #expect(names.count == 1)
    let file = folder + "/" + (names.first ?? "")
    let checkpoint = try #require(
      try await place.sink.entityCheckpoints(EntityCheckpointFilter()).first)
    #expect(checkpoint.state?.file == names.first)
    #expect(checkpoint.state?.bytes == nil)
    var given: [BatchState?] = []
    await #expect(throws: Boom.self) { try await run(failing: 20) { given.append($0) } }
    #expect(given == [BatchState(bytes: large + [10])])
    // A byte that was flipped is noticed; the work starts over and says so.
    var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
    bytes[5] ^= 1
    try bytes.write(to: URL(fileURLWithPath: file))
    given = []
    let outcome = try await run(failing: nil) { given.append($0) }
    #expect(given == [nil])
    #expect(outcome.report.completedBefore == 0)
    #expect(outcome.report.notes.first?.contains("is not what was written") == true)
    #expect(files() == [(names.first ?? "") + ".bad"])
    #expect(try await place.rows() == rows(0..<30))
    // In append mode it is refused instead.
    let other = Processor(
      "other", into: place.sink, target: EntityTarget("appended", mode: .append),
      options: processor.options)
    await #expect(throws: Boom.self) { try await run(failing: 20, other) }
    for name in files() where !name.hasSuffix(".bad") {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
    await #expect {
      try await run(failing: nil, other)
    } throws: { error in
      guard case EntityBatchError.cannotStartOver(_, _, 20, let reason) = error else {
        return false
      }
      return reason.contains("is gone")
    }
  }

  @Test func `an expired checkpoint starts over, and in append mode refuses`() async throws {
    let place = try Place()
    for (mode, isRefused) in [(EntityTarget.Mode.upsert, false), (.append, true)] {
      try? await place.probe.execute("DROP TABLE IF EXISTS stats")
      try? await place.probe.execute("DELETE FROM cairn_processing_checkpoints")
      try? await place.probe.execute("DELETE FROM cairn_processing_history")
      await #expect(throws: Boom.self) {
        try await place.processor(mode).forEachBatch(of: ids(0..<30), id: \.self, size: 10) {
          if $0.positions.lowerBound == 10 { throw Boom() }
          return try result($0)
        }
      }
      try await place.probe.execute(
        "UPDATE cairn_processing_checkpoints SET checkpoint_at = '2020-01-01T00:00:00.000Z'")
      var first: Range<Int>?
      do {
        let outcome = try await place.processor(mode).forEachBatch(
          of: ids(0..<30), id: \.self, size: 10
        ) { batch in
          first = first ?? batch.positions
          return try result(batch)
        }
        #expect(!isRefused)
        #expect(first == 0..<10)
        #expect(outcome.report.notes.first?.contains("its checkpoint of 2020-01-01") == true)
        #expect(
          try await place.sink.entityAttempts(EntityAttemptFilter()).map(\.ending)
            == [.completed, .expired, .failed])
      } catch EntityBatchError.cannotStartOver {
        #expect(isRefused)
        #expect(first == nil)
      }
    }
  }

  @Test func `several at once leave gaps that the next call fills`() async throws {
    let place = try Place()
    let entities = ids(0..<100)
    let processor = place.processor(.append) {
      $0.isTransient = { $0 is Boom }
      $0.retry.attempts = 2
    }
    let inWork = Mutex((now: 0, most: 0))
    let first = try await processor.forEachBatch(of: entities, id: \.self, size: 10, atOnce: 4) {
      batch in
      inWork.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      defer { inWork.withLock { $0.now -= 1 } }
      try await Task.sleep(for: .milliseconds(3))
      if [20, 50].contains(batch.positions.lowerBound) { throw Boom() }
      return BatchResult(rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }))
    }
    guard case .partial(let report) = first else {
      Issue.record("\(first)")
      return
    }
    #expect(inWork.withLock { $0.most } > 1)
    #expect(inWork.withLock { $0.most } <= 4)
    #expect(
      report.failed.map(\.positions).sorted { $0.lowerBound < $1.lowerBound } == [20..<30, 50..<60])
    #expect(first.exitCode == 2)
    let checkpoint = try await place.sink.entityCheckpoints(EntityCheckpointFilter()).first
    #expect(checkpoint?.completed.description == "0-19,30-49,60-99")
    #expect(checkpoint?.lastEntityID == "e119")
    let seen = Mutex<[Int]>([])
    let second = try await processor.forEachBatch(of: entities, id: \.self, size: 10, atOnce: 4) {
      batch in
      seen.withLock { $0.append(batch.positions.lowerBound) }
      return BatchResult(rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }))
    }
    guard case .done = second else {
      Issue.record("\(second)")
      return
    }
    #expect(seen.withLock { $0.sorted() } == [20, 50])
    #expect(try await place.rows() == rows(0..<100))
  }

  @Test func `several at once save no state`() async throws {
    let place = try Place()
    await #expect(throws: EntityBatchError.oneAtATime("state")) {
      try await place.processor().forEachBatch(of: ids(0..<30), id: \.self, size: 10, atOnce: 2) {
        _ in BatchResult(state: [1, 2, 3])
      }
    }
  }

  @Test func `failures in a row open the circuit, also for the next call`() async throws {
    let place = try Place()
    let processor = place.processor(.append) {
      $0.isTransient = { $0 is Boom }
      $0.failureLimit = 3
      $0.coolDown = .seconds(600)
    }
    var tries = 0
    let outcome = try await processor.forEachBatch(of: ids(0..<30), id: \.self, size: 10) { batch in
      if batch.positions.lowerBound == 0 { return try result(batch) }
      tries += 1
      throw Boom()
    }
    guard case .stopped(let report, .circuitOpen) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(tries == 3)
    #expect(report.completed == 10)
    #expect(outcome.exitCode == 75)
    await #expect {
      try await processor.forEachBatch(of: ids(0..<30), id: \.self, size: 10) { try result($0) }
    } throws: { error in
      guard case EntityBatchError.circuitOpen(_, _, 3, _, "Boom()") = error else { return false }
      return (error as? EntityBatchError)?.exitCode == 75
    }
    let cooled = place.processor(.append) {
      $0.failureLimit = 3
      $0.coolDown = .zero
    }
    let last = try await cooled.forEachBatch(of: ids(0..<30), id: \.self, size: 10) {
      try result($0)
    }
    #expect(last.report.completedBefore == 10)
    #expect(try await place.rows() == rows(0..<30))
  }

  @Test func `rows and mark in a transaction of one's own`() async throws {
    let place = try Place()
    let path = place.folder.file("target.db")
    let own = try DatabaseQueue(path: path)
    try await own.write { try $0.execute(sql: "CREATE TABLE mine (id TEXT)") }
    let processor = Processor("own", into: place.sink, options: place.processor().options)
    @Sendable func body(_ batch: EntityBatch<String>, failing: Bool) async throws -> BatchResult {
      let statement = try batch.markStatement(
        state: BatchState(bytes: [UInt8(batch.positions.upperBound)]))
      let ids = batch.ids
      let fails = failing && batch.positions.lowerBound == 20
      try await own.write { db in
        for id in ids { try db.execute(sql: "INSERT INTO mine VALUES (?)", arguments: [id]) }
        let marked = try Row.fetchAll(
          db, sql: statement.sql,
          arguments: StatementArguments(statement.parameters.map(Self.value)))
        #expect(marked.count == 1)
        if fails { throw Boom() }
      }
      return .marked
    }
    await #expect(throws: Boom.self) {
      try await processor.forEachBatch(of: ids(0..<30), id: \.self, size: 10) {
        try await body($0, failing: true)
      }
    }
    let count = "SELECT count(*) FROM mine"
    #expect(try await place.probe.literals(count) == [["20"]])
    let checkpoint = try await place.sink.entityCheckpoints(EntityCheckpointFilter()).first
    #expect(checkpoint?.completed.count == 20)
    #expect(checkpoint?.state?.bytes == [20])
    let outcome = try await processor.forEachBatch(of: ids(0..<30), id: \.self, size: 10) {
      try await body($0, failing: false)
    }
    #expect(outcome.report.completedBefore == 20)
    #expect(outcome.report.state?.bytes == [30])
    #expect(try await place.probe.literals(count) == [["30"]])
  }

  @Test func `a mark that was said but not committed is noticed`() async throws {
    let place = try Place()
    let processor = Processor("own", into: place.sink, options: place.processor().options)
    await #expect {
      try await processor.forEachBatch(of: ids(0..<30), id: \.self, size: 10) { batch in
        _ = try batch.markStatement()
        return .marked
      }
    } throws: { error in
      guard case EntityBatchError.markRefused = error else { return false }
      return true
    }
  }

  private static func value(_ value: MarkValue) -> DatabaseValue {
    switch value {
    case .null: .null
    case .text(let text): text.databaseValue
    case .integer(let number): number.databaseValue
    case .real(let number): number.databaseValue
    case .bytes(let bytes): Data(bytes).databaseValue
    }
  }

  @Test func `a partition is replaced at the end`() async throws {
    struct DayRow: Codable {
      var id: String
      var day: LocalDate
      var n: Int
    }
    let place = try Place()
    let day = LocalDate(days: 20_117)
    let other = LocalDate(days: 20_118)
    try await place.probe.execute(
      """
      CREATE TABLE daily (id TEXT, day DATE, n BIGINT, PRIMARY KEY (id, day));
      INSERT INTO daily VALUES ('old', '\(day)', 0), ('kept', '\(other)', 0)
      """)
    let processor = Processor(
      "daily", into: place.sink,
      target: EntityTarget(
        "daily", key: ["id", "day"], mode: .replacePartition(column: "day")),
      options: place.processor().options)
    let table = "SELECT id FROM daily ORDER BY id"
    let outcome = try await processor.forEachBatch(
      of: ids(0..<20), id: \.self, partition: day, size: 10
    ) { batch in
      #expect(try await place.probe.literals(table) == [["\"kept\""], ["\"old\""]])
      return BatchResult(
        rows: try RecordBatch(rows: batch.entities.map { DayRow(id: $0, day: day, n: 1) }))
    }
    guard case .done = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(
      try await place.probe.literals(table) == ids(0..<20).map { ["\"\($0)\""] } + [["\"kept\""]])
    #expect(
      try await place.probe.literals(
        "SELECT count(*) FROM sqlite_master WHERE name LIKE 'cairn_shadow%'") == [["0"]])
    // A row of another partition is refused before anything is written.
    await #expect {
      try await processor.forEachBatch(of: ids(0..<20), id: \.self, partition: day, size: 10) {
        BatchResult(
          rows: try RecordBatch(rows: $0.entities.map { DayRow(id: $0, day: other, n: 2) }))
      }
    } throws: { error in
      guard case EntityBatchError.wrongPartition = error else { return false }
      return true
    }
  }

  private struct Visit: Codable {
    var id: String
    var day: String
    var x: Int
    var y: Int?
    var z: Double?
  }

  @Test(arguments: [false, true])
  func `a partition is replaced with the columns of all its batches`(_ dies: Bool) async throws {
    let place = try Place()
    try await place.probe.execute(
      """
      CREATE TABLE visits (id TEXT, day TEXT, x BIGINT, y BIGINT, z DOUBLE, note TEXT DEFAULT 'none');
      INSERT INTO visits (id, day, x) VALUES ('old', 'monday', 0), ('kept', 'sunday', 0)
      """)
    let processor = Processor(
      "visits", into: place.sink,
      target: EntityTarget("visits", mode: .replacePartition(column: "day")),
      options: place.processor().options)
    func run(dying: Bool) async throws {
      let outcome = try await processor.forEachBatch(
        of: ids(0..<3), id: \.self, partition: "monday", size: 1
      ) { batch in
        if dying, batch.positions.lowerBound == 2 { throw Boom() }
        let visits = try RecordBatch(
          rows: batch.entities.map {
            Visit(
              id: $0, day: "monday", x: batch.positions.lowerBound,
              y: 7 + batch.positions.lowerBound,
              z: 0.5)
          })
        // Each batch has other columns, the last one the fewest.
        let names = [["id", "day", "x", "y"], ["day", "z", "id"], ["id", "day"]]
        return BatchResult(
          rows: try RecordBatch(
            columns: names[batch.positions.lowerBound].compactMap(visits.column(named:))))
      }
      guard case .done = outcome else {
        Issue.record("\(outcome)")
        return
      }
    }
    if dies { await #expect(throws: Boom.self) { try await run(dying: true) } }
    try await run(dying: false)
    #expect(
      try await place.probe.literals("SELECT id, day, x, y, z, note FROM visits ORDER BY id") == [
        ["\"e100\"", "\"monday\"", "0", "7", "NULL", "\"none\""],
        ["\"e101\"", "\"monday\"", "NULL", "NULL", "0.5", "\"none\""],
        ["\"e102\"", "\"monday\"", "NULL", "NULL", "NULL", "\"none\""],
        ["\"kept\"", "\"sunday\"", "0", "NULL", "NULL", "\"none\""],
      ])
  }

  @Test(arguments: [false, true])
  func `who was stopped leaves its successor's state alone`(_ ownTransaction: Bool) async throws {
    let place = try Place()
    let states = place.folder.file("states")
    let run = Mutex("")
    // Behind each commit, before anything is deleted, another owner makes a mark of its own.
    let processor = place.processor {
      $0.inlineStateLimit = 0
      $0.faults = FaultPoints { point in
        guard point == .batchAfter else { return }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: states)) ?? []
        let prefix = names.compactMap {
          $0.firstMatch(of: /state_.+?_(?=[0-9]+_[0-9a-f]{16}\.bin)/)
        }
        .first.map { String($0.output) }
        guard let prefix else { return }
        run.withLock { $0 = prefix }
        for name in ["3_00000000000000aa.bin", "1_00000000000000bb.bin", "00000000000000cc.bin"] {
          _ = FileManager.default.createFile(atPath: "\(states)/\(prefix)\(name)", contents: Data())
        }
      }
    }
    let own = try DatabaseQueue(path: place.folder.file("target.db"))
    @Sendable func body(_ batch: EntityBatch<String>) async throws -> BatchResult {
      let state = BatchState(bytes: [UInt8(batch.positions.upperBound)])
      guard ownTransaction else {
        return BatchResult(
          rows: try RecordBatch(rows: batch.entities.map { Stat(id: $0, n: 1) }), state: state)
      }
      let statement = try batch.markStatement(state: state)
      try await own.write { db in
        _ = try Row.fetchAll(
          db, sql: statement.sql,
          arguments: StatementArguments(statement.parameters.map(Self.value)))
      }
      return .marked
    }
    try await #require(throws: Boom.self) {
      try await processor.forEachBatch(of: ids(0..<2), id: \.self, size: 1) {
        if $0.positions.lowerBound == 1 { throw Boom() }
        return try await body($0)
      }
    }
    let prefix = run.withLock { $0 }
    func names() throws -> Set<String> {
      Set(try FileManager.default.contentsOfDirectory(atPath: states))
    }
    // Of what earlier owners and marks left only the last mark's is there, and the successor's.
    let first = try names()
    #expect(first.count == 2 && first.contains("\(prefix)3_00000000000000aa.bin"))
    #expect(first.contains { $0.hasPrefix("\(prefix)1_") && !$0.hasSuffix("bb.bin") })
    try await #require(throws: Boom.self) {
      try await processor.forEachBatch(of: ids(0..<3), id: \.self, size: 1) {
        if $0.positions.lowerBound == 2 { throw Boom() }
        return try await body($0)
      }
    }
    let second = try names()
    #expect(second.count == 2 && second.contains("\(prefix)3_00000000000000aa.bin"))
    #expect(second.contains { $0.hasPrefix("\(prefix)2_") })
    // Once the run is over its last state is kept, for a call that finds it completed, and no other.
    let last = try await processor.forEachBatch(of: ids(0..<3), id: \.self, size: 1) {
      try await body($0)
    }
    #expect(last.exitCode == 0 && last.report.state?.bytes == [3])
    let third = try names()
    #expect(third.count == 1 && third.allSatisfy { $0.hasPrefix("\(prefix)3_") })
    #expect(!third.contains("\(prefix)3_00000000000000aa.bin"))
  }

  private struct Partial: Codable, Equatable {
    var best: Double
    var sums: [String: Double]
  }

  @Test func `state may hold numbers that are not finite`() async throws {
    let place = try Place()
    let state = Partial(best: -.infinity, sums: ["a": .infinity, "b": 0.1])
    let outcome = try await place.processor(.upsert).forEachBatch(of: ids(0..<2), id: \.self) {
      BatchResult(rows: try result($0).rows, state: state)
    }
    #expect(try outcome.report.state?.decoded(as: Partial.self) == state)
    let none = try BatchState(encoding: [Double.nan])
    #expect(try none.decoded(as: [Double].self).first?.isNaN == true)
  }

  @Test func `no wait goes beyond the deadline`() async throws {
    let place = try Place()
    var tries = 0
    for atOnce in [nil, 2] {
      let processor = Processor(
        "late\(atOnce ?? 1)", into: place.sink,
        options: ProcessorOptions(
          retry: RetryPolicy(minimumBackoff: .seconds(3_600), maximumBackoff: .seconds(3_600)),
          isTransient: { _ in true }, stateFolder: nil))
      let start = ContinuousClock.now
      let outcome: EntityBatchOutcome
      if let atOnce {
        outcome = try await processor.forEachBatch(
          of: ids(0..<2), id: \.self, size: 1, atOnce: atOnce, deadline: .seconds(60)
        ) { _ in throw Boom() }
      } else {
        outcome = try await processor.forEachBatch(
          of: ids(0..<2), id: \.self, size: 1, deadline: .seconds(60)
        ) { _ in
          tries += 1
          throw Boom()
        }
      }
      guard case .stopped(_, .deadline) = outcome else {
        Issue.record("\(outcome)")
        continue
      }
      #expect(ContinuousClock.now - start < .seconds(60))
    }
    #expect(tries == 1)
    let failures = try await place.sink.entityCheckpoints(EntityCheckpointFilter()).map(\.error)
    #expect(failures.count == 2)
  }

  @Test func `the size is chosen from the history`() async throws {
    let place = try Place()
    let entities = ids(0..<60)
    var sizes: [Int] = []
    for _ in 0..<2 {
      let outcome = try await place.processor(.upsert).forEachBatch(
        of: entities, id: \.self, size: .auto
      ) { batch in
        try await Task.sleep(for: .milliseconds(40))
        return try result(batch)
      }
      sizes.append(outcome.report.batchSize)
    }
    // At first nothing is known; then marks that cost as much as entities ask for all at once, or what
    // the table has for a short run.
    #expect(sizes[0] == 50)
    #expect(sizes[1] >= 25 && sizes[1] <= 60)
  }

  @Test func `of two calls on a partition one is told who has it`() async throws {
    let place = try Place()
    let processor = place.processor()
    let entities = ids(0..<10)
    try await processor.forEachBatch(of: entities, id: \.self, partition: "a", size: 10) { batch in
      await #expect {
        try await processor.forEachBatch(of: entities, id: \.self, partition: "a", size: 10) {
          try result($0)
        }
      } throws: { error in
        guard case EntityBatchError.ownedElsewhere(_, "a", let holder) = error else { return false }
        return holder.owner == .current() && (error as? EntityBatchError)?.exitCode == 69
      }
      // Another partition is nobody's.
      let other = try await processor.forEachBatch(
        of: entities, id: \.self, partition: "b", size: 10
      ) {
        try result($0)
      }
      #expect(other.report.completed == 10)
      return try result(batch)
    }
    #expect(try await place.rows().count == 20)
  }

  @Test func `what another works on is given up only when it is taken over`() async throws {
    let place = try Place()
    let entities = ids(0..<10)
    try await place.sink.prepareState()
    let began = try await place.sink.beginEntities(
      NewEntityRun(
        syncID: SyncID(environment: .live), processor: "stats", partition: "d", total: 3,
        listDigest: "another list", table: "stats"),
      replacing: nil, unlessCompleted: false,
      owner: LeaseOwner(host: "elsewhere", pid: 1, processStart: "x"),
      leaseDuration: .seconds(600))
    guard case .began = began else {
      Issue.record("\(began)")
      return
    }
    func run(takingOver: Bool) async throws -> EntityBatchOutcome {
      try await place.processor(.upsert) {
        $0.startOver = true
        $0.takeOver = takingOver
      }.forEachBatch(of: entities, id: \.self, partition: "d") { try result($0) }
    }
    await #expect {
      try await run(takingOver: false)
    } throws: { error in
      guard case EntityBatchError.ownedElsewhere(_, "d", let holder) = error else { return false }
      return holder.owner.host == "elsewhere"
    }
    #expect(try await run(takingOver: true).report.completed == 10)
    #expect(
      try await place.sink.entityAttempts(EntityAttemptFilter()).map(\.ending)
        == [.completed, .discarded, .stopped, .crashed])
  }

  private func beginLoad(into place: Place) async throws -> SimpleLoad {
    try await SimpleLoad(
      into: table("stats", ["id": .text, "n": .integer], key: ["id"]), on: place.sink)
  }

  private func expectStopped(_ outcome: EntityBatchOutcome, by load: SimpleLoad, saying: String) {
    guard case .stopped(_, .loadUnfinished(let text)) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(text.contains("\(load.record.syncID)"))
    #expect(text.contains(saying), "\(text)")
    #expect(outcome.exitCode == 75)
  }

  @Test func `an unfinished load stops batches, which go on after it`() async throws {
    let place = try Place()
    var begun: SimpleLoad?
    var bodies = 0
    func run() async throws -> EntityBatchOutcome {
      try await place.processor(.upsert).forEachBatch(of: ids(0..<30), id: \.self, size: 10) {
        bodies += 1
        if bodies == 2 { begun = try await beginLoad(into: place) }
        return try result($0)
      }
    }
    let first = try await run()
    var load = try #require(begun)
    expectStopped(first, by: load, saying: "wait for it")
    #expect(bodies == 2)
    #expect(first.report.completed == 10)
    // Its owner is gone.
    try await place.sink.release(load.lease)
    let id = load.record.syncID
    expectStopped(try await run(), by: load, saying: "cairn resume \(id)")
    expectStopped(try await run(), by: load, saying: "cairn cleanup \(id)")
    #expect(bodies == 4)
    let checkpoint = try #require(
      try await place.sink.entityCheckpoints(EntityCheckpointFilter()).first)
    #expect(checkpoint.failuresInARow == 0)
    guard
      case .acquired(let lease, _) = try await place.sink.acquireLease(
        of: id, owner: .current(), duration: .seconds(60), takeOver: false)
    else {
      Issue.record("the lease was not free")
      return
    }
    load.lease = lease
    // Later than the first batch, earlier than the others.
    try await load.commit([[.text("e100"), .integer(7)], [.text("e115"), .integer(7)]])
    try await load.finish()
    let last = try await run()
    #expect(last.exitCode == 0)
    #expect(try await place.rows() == [["\"e100\"", "7"]] + rows(1..<30))
    #expect(
      try await place.sink.entityAttempts(EntityAttemptFilter()).map(\.ending)
        == [.completed, .stopped, .stopped, .stopped])
  }

  @Test func `an unfinished load holds up a replacement's end, not its batches`() async throws {
    let place = try Place()
    let load = try await beginLoad(into: place)
    var bodies = 0
    func run() async throws -> EntityBatchOutcome {
      try await place.processor(.replacePartition(column: "n")).forEachBatch(
        of: ids(0..<30), id: \.self, partition: 1, size: 10
      ) {
        bodies += 1
        return try result($0)
      }
    }
    let first = try await run()
    expectStopped(first, by: load, saying: "nothing was written")
    #expect(first.report.completed == 30)
    #expect(try await place.rows().isEmpty)
    try await place.sink.release(load.lease)
    try await place.sink.abandon(load.record.syncID, owner: .current())
    #expect(try await run().exitCode == 0)
    #expect(bodies == 3)
    #expect(try await place.rows() == rows(0..<30))
  }

  @Test func `an empty list is done at once`() async throws {
    let place = try Place()
    let outcome = try await place.processor().forEachBatch(of: [String](), id: \.self) {
      try result($0)
    }
    guard case .done(let report) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(report.total == 0)
    #expect(try await place.sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty)
  }

  @Test func `state of the first version is migrated`() async throws {
    let place = try Place()
    try await place.sink.prepareState()
    // As a file of the version before looks.
    try await place.probe.execute(
      """
      DROP TABLE cairn_processing_checkpoints; DROP TABLE cairn_processing_history;
      DROP TABLE cairn_stage_checkpoints; DROP TABLE cairn_stage_pipelines;
      DROP TABLE cairn_job_schedules; DROP TABLE cairn_job_checkpoints;
      DROP TABLE cairn_job_history;
      ALTER TABLE cairn_sync_metadata DROP COLUMN rows_in_place;
      DELETE FROM cairn_schema_version WHERE version > 1
      """)
    let sink = SQLiteSink(path: place.folder.file("target.db"))
    #expect(try await sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty)
    #expect(try await sink.removeEntityCheckpoints(olderThan: .zero).isEmpty)
    let outcome = try await place.processor().forEachBatch(of: ids(0..<10), id: \.self) {
      try result($0)
    }
    #expect(outcome.report.completed == 10)
  }
}
