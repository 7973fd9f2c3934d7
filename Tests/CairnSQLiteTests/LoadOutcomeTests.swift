import Cairn
import CairnSQLite
import Foundation
import GRDB
import Synchronization
import Testing

/// Loads through the library, into a sink that fails where it is told to.
@Suite struct LoadOutcomeTests {
  private final class Place: Sendable {
    let path = NSTemporaryDirectory() + "/load-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private func job(_ place: Place, mode: LoadMode = .upsert) -> Job {
    Job(
      name: "keys",
      checkpoint: CheckpointOptions(chunkRows: 100, directory: place.path + "/checkpoints"),
      columns: [
        ColumnRule(name: "id", type: .integer, required: true),
        ColumnRule(name: "value", type: .text),
      ],
      sink: SinkOptions(
        url: "", table: "t", key: mode == .append ? [] : ["id"], mode: mode),
      retry: RetryPolicy(
        attempts: 2, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(2)))
  }

  /// 1,000 rows whose keys repeat every 250: later rows win.
  private func source(_ place: Place) throws -> FileSource {
    let path = place.path + "/rows.dat"
    let rows = (0..<1_000).map { "\($0 % 250)~^row \($0)" }
    try Data(("id~^value\n" + rows.joined(separator: "\n") + "\n").utf8)
      .write(to: URL(fileURLWithPath: path))
    return FileSource(path: path, options: SourceOptions())
  }

  private func values(_ place: Place) throws -> [String] {
    try DatabaseQueue(path: place.path + "/t.db").read {
      try String.fetchAll($0, sql: "SELECT value FROM t ORDER BY id")
    }
  }

  private let lastRows = (0..<250).map { "row \($0 + 750)" }

  @Test("a chunk that fails while later ones commit is partial, and late rows do not win")
  func lateChunk() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let failing = FailingSink(sink: sink, chunks: [2, 5], error: .transient("busy"))
    let first = try await load(job(place), from: source, into: failing)
    guard case .partial(let receipt) = first else {
      Issue.record("expected partial success, found \(first)")
      return
    }
    #expect(receipt.failedChunks == [2, 5])
    #expect(receipt.committedChunks == 8)
    #expect(failing.tries(of: 2) == 2)
    // Chunk 5 (rows 500–599) has late rows; none of them is the last of its key.
    let second = try await load(job(place), from: source, into: sink)
    guard case .done(let whole) = second else {
      Issue.record("expected done, found \(second)")
      return
    }
    #expect(whole.counts.addsUp && whole.counts.rows == 1_000)
    #expect(whole.attemptWork.chunksSkipped == 8)
    #expect(whole.attemptWork.chunksReused == 2)
    #expect(whole.counts.inserted == 250)
    #expect(try values(place) == lastRows)
  }

  @Test("three chunks in a row that fail stop the run")
  func givesUp() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let failing = FailingSink(sink: sink, chunks: [3, 4, 5], error: .transient("busy"))
    let first = try await load(job(place), from: source, into: failing)
    guard case .stopped(_, .sinkAway) = first else {
      Issue.record("expected the run to stop, found \(first)")
      return
    }
    #expect(failing.tries(of: 6) == 0)
    _ = try await load(job(place), from: source, into: sink)
    #expect(try values(place) == lastRows)
  }

  @Test("a sink that is away ends the load; the next one goes on")
  func away() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let failing = FailingSink(sink: sink, chunks: [4], error: .unavailable("disk full"))
    await #expect(throws: SinkError.self) {
      try await load(job(place), from: source, into: failing)
    }
    let second = try await load(job(place), from: source, into: sink)
    #expect(second.receipt.attemptWork.chunksSkipped == 4)
    #expect(try values(place) == lastRows)
  }

  @Test("a server that cannot be reached stops the run after one chunk's attempts")
  func unreachable() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let failing = FailingSink(sink: sink, chunks: [4, 5], error: .unreachable("refused"))
    let first = try await load(job(place), from: source, into: failing)
    guard case .stopped(let receipt, .sinkAway) = first else {
      Issue.record("expected the run to stop, found \(first)")
      return
    }
    #expect(receipt.committedChunks == 4)
    #expect(failing.tries(of: 4) == 2)
    #expect(failing.tries(of: 5) == 0)
    _ = try await load(job(place), from: source, into: sink)
    #expect(try values(place) == lastRows)
  }

  @Test("a load that tidies up for longer than its lease is done all the same")
  func longCleanup() async throws {
    let place = try Place()
    let sink = SQLiteSink(path: place.path + "/t.db")
    let isSlow = Mutex(false)
    let faults = FaultPoints { point in
      guard point == .cleanupBefore else { return }
      isSlow.withLock { $0 = true }
      Thread.sleep(forTimeInterval: 0.5)
    }
    let outcome = try await load(
      job(place), from: try source(place), into: sink,
      options: LoadOptions(leaseDuration: .milliseconds(150), faults: faults))
    guard case .done = outcome else {
      Issue.record("expected done, found \(outcome)")
      return
    }
    #expect(isSlow.withLock { $0 }, "there was nothing to tidy up")
  }

  @Test("whatever a load asks of the server is asked again")
  func stumbles() async throws {
    let place = try Place()
    let sink = SQLiteSink(path: place.path + "/t.db")
    let failing = FailingSink(sink: sink, chunks: [], forgetting: 0, stumbles: true)
    let outcome = try await load(job(place), from: try source(place), into: failing)
    guard case .done = outcome else {
      Issue.record("expected done, found \(outcome)")
      return
    }
    #expect(
      failing.stumbles == ["finish", "ledger", "recordEnd", "stage", "targetDamage", "update"])
    #expect(try values(place) == lastRows)
  }

  @Test("commits that were acknowledged and are gone are made again", arguments: [2, 9])
  func lostAcknowledgements(_ chunk: Int) async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let forgetful = FailingSink(sink: sink, chunks: [1, chunk], forgetting: 1)
    let outcome = try await load(job(place), from: source, into: forgetful)
    guard case .done(let receipt) = outcome else {
      Issue.record("expected done, found \(outcome)")
      return
    }
    #expect(forgetful.tries(of: chunk) == 2)
    #expect(receipt.counts.addsUp && receipt.counts.rows == 1_000)
    #expect(receipt.attemptWork.rows == 1_000 && receipt.attemptWork.chunksSkipped == 0)
    #expect(receipt.counts.inserted == 250)
    #expect(try values(place) == lastRows)
  }

  @Test("a sink that forgets every commit is given up")
  func losesAlways() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let forgetful = FailingSink(sink: sink, chunks: [3], forgetting: .max)
    await #expect(throws: SinkError.self) {
      try await load(job(place), from: source, into: forgetful)
    }
    _ = try await load(job(place), from: source, into: sink)
    #expect(try values(place) == lastRows)
  }

  @Test("a deadline is an outcome", arguments: [LoadMode.upsert, .append])
  func deadline(_ mode: LoadMode) async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let first = try await load(job(place, mode: mode), from: source, into: sink, deadline: .zero)
    guard case .stopped(let receipt, .deadline) = first else {
      Issue.record("expected the deadline, found \(first)")
      return
    }
    #expect(receipt.counts.rows == 0)
    let second = try await load(job(place, mode: mode), from: source, into: sink)
    #expect(second.receipt.counts.inserted == (mode == .append ? 1_000 : 250))
    let third = try await load(job(place, mode: mode), from: source, into: sink)
    #expect(third.receipt.wasLoadedBefore)
  }

  @Test("a cancelled task stops after the commit in flight")
  func cancelled() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    let job = job(place)
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    let task = Task {
      try await load(
        job, from: source, into: sink, progress: { _ in continuation.yield() })
    }
    for await _ in stream { break }
    task.cancel()
    let outcome = try await task.value
    // It may have been done before it heard of it.
    if case .stopped(let receipt, let reason) = outcome {
      #expect(reason == .cancelled)
      #expect(receipt.counts.rows <= 1_000)
    }
    _ = try await load(job, from: source, into: sink)
    #expect(try values(place) == lastRows)
  }

  @Test("without chunk files nothing is written beside the database, and a resume works")
  func withoutChunkFiles() async throws {
    let place = try Place()
    let source = try source(place)
    let sink = SQLiteSink(path: place.path + "/t.db")
    var job = job(place, mode: .append)
    job.checkpoint.enabled = false
    let failing = FailingSink(sink: sink, chunks: [6], error: .unavailable("away"))
    await #expect(throws: SinkError.self) {
      try await load(job, from: source, into: failing)
    }
    #expect(!FileManager.default.fileExists(atPath: place.path + "/checkpoints"))
    let second = try await load(job, from: source, into: sink)
    #expect(second.receipt.attemptWork.chunksSkipped == 6)
    #expect(second.receipt.counts.inserted == 1_000)
    #expect(!FileManager.default.fileExists(atPath: place.path + "/checkpoints"))
  }

  @Test("insert_only: of the run's own rows the last wins, what was there stays")
  func insertOnly() async throws {
    let place = try Place()
    let source = try source(place)
    let queue = try DatabaseQueue(path: place.path + "/t.db")
    try await queue.write {
      try $0.execute(sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT)")
      try $0.execute(sql: "INSERT INTO t VALUES (7, 'old')")
    }
    try queue.close()
    let sink = SQLiteSink(path: place.path + "/t.db")
    let outcome = try await load(job(place, mode: .insertOnly), from: source, into: sink)
    var expected = lastRows
    expected[7] = "old"
    #expect(try values(place) == expected)
    #expect(outcome.receipt.counts.inserted == 249)
    #expect(outcome.receipt.counts.kept == 4)
    #expect(outcome.receipt.counts.addsUp)
  }

  @Test("replace: the old rows stay visible until the new ones are complete")
  func replace() async throws {
    let place = try Place()
    let source = try source(place)
    let queue = try DatabaseQueue(path: place.path + "/t.db")
    try await queue.write {
      try $0.execute(sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT)")
      try $0.execute(sql: "INSERT INTO t VALUES (7, 'old'), (9999, 'older')")
    }
    try queue.close()
    let sink = SQLiteSink(path: place.path + "/t.db")
    let failing = FailingSink(sink: sink, chunks: [6], error: .transient("busy"))
    let first = try await load(job(place, mode: .replace), from: source, into: failing)
    guard case .partial = first else {
      Issue.record("expected partial success, found \(first)")
      return
    }
    #expect(try values(place) == ["old", "older"])
    _ = try await load(job(place, mode: .replace), from: source, into: sink)
    #expect(try values(place) == lastRows)
  }
}

/// A sink whose commits of some chunks fail.
private struct FailingSink: Sink {
  let sink: SQLiteSink
  let chunks: Set<Int>
  private let failure: Failure
  private let attempts = Attempts()
  private let stumbling: Stumbling?

  /// Fails to commit the chunks.
  init(sink: SQLiteSink, chunks: Set<Int>, error: SinkError) {
    self.sink = sink
    self.chunks = chunks
    failure = .error(error)
    stumbling = nil
  }

  /// Acknowledges the chunks so many times without committing them.
  ///
  /// - Parameter stumbles: Whether the first call of each method that a run makes fails.
  init(sink: SQLiteSink, chunks: Set<Int>, forgetting times: Int, stumbles: Bool = false) {
    self.sink = sink
    self.chunks = chunks
    failure = .forgets(times)
    stumbling = stumbles ? Stumbling() : nil
  }

  /// The methods that failed once.
  var stumbles: [String] { stumbling?.methods ?? [] }

  func tries(of chunk: Int) -> Int { attempts.count(of: chunk) }

  var location: String { sink.location }
  func prepareState() async throws { try await sink.prepareState() }
  func runs(_ filter: RunFilter) async throws -> [RunRecord] { try await sink.runs(filter) }
  func begin(
    _ run: NewRun, owner: LeaseOwner, leaseDuration: Duration
  ) async throws -> BeginOutcome {
    try await sink.begin(run, owner: owner, leaseDuration: leaseDuration)
  }
  func abandon(_ syncID: SyncID, owner: LeaseOwner) async throws {
    try await sink.abandon(syncID, owner: owner)
  }
  func update(_ update: RunUpdate, under lease: Lease) async throws {
    try stumbling?.reach("update")
    try await sink.update(update, under: lease)
  }
  func acquireLease(
    of syncID: SyncID, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> LeaseOutcome {
    try await sink.acquireLease(of: syncID, owner: owner, duration: duration, takeOver: takeOver)
  }
  func renew(_ lease: Lease, duration: Duration) async throws {
    try await sink.renew(lease, duration: duration)
  }
  func release(_ lease: Lease) async throws { try await sink.release(lease) }
  func checkTarget(_ target: TargetTable) async throws -> Bool {
    try await sink.checkTarget(target)
  }
  func prepareTarget(_ target: TargetTable) async throws -> TargetWitness {
    try await sink.prepareTarget(target)
  }
  func targetDamage(of run: RunRecord, target: TargetTable) async throws -> String? {
    try stumbling?.reach("targetDamage")
    return try await sink.targetDamage(of: run, target: target)
  }
  func ledger(of syncID: SyncID) async throws -> [LedgerEntry] {
    try stumbling?.reach("ledger")
    return try await sink.ledger(of: syncID)
  }
  func stage(_ work: ChunkWork) async throws -> any StagedChunk {
    try stumbling?.reach("stage")
    let chunk = work.source.extent.chunk
    let staged = try await sink.stage(work)
    guard chunks.contains(chunk) || chunk == 6 else { return staged }
    return FailingChunk(
      source: work.source, staged: staged, failure: chunks.contains(chunk) ? failure : nil,
      attempts: attempts)
  }
  func recordEnd(_ end: SourceEnd, of syncID: SyncID, under lease: Lease) async throws {
    try stumbling?.reach("recordEnd")
    try await sink.recordEnd(end, of: syncID, under: lease)
  }
  func finish(_ request: FinishRequest, under lease: Lease) async throws -> RunRecord {
    try stumbling?.reach("finish")
    return try await sink.finish(request, under: lease)
  }
  func refresh(_ view: String, under lease: Lease) async throws {
    try await sink.refresh(view, under: lease)
  }
  func rejects(of syncID: SyncID, offset: Int, limit: Int) async throws -> [Reject] {
    try await sink.rejects(of: syncID, offset: offset, limit: limit)
  }
  func replay(_ replay: Replay) async throws -> [ReplayFate] { try await sink.replay(replay) }
}

private enum Failure {
  case error(SinkError)
  case forgets(Int)
}

private struct FailingChunk: StagedChunk {
  let source: RecordedExtent
  let staged: any StagedChunk
  let failure: Failure?
  let attempts: Attempts

  func commit(under lease: Lease, rejectAllowance: Int) async throws -> CommitOutcome {
    let chunk = source.extent.chunk
    attempts.add(chunk)
    switch failure {
    case .error(let error): throw error
    case .forgets(let times) where attempts.count(of: chunk) <= times:
      var counts = RowCounts()
      counts.rows = source.extent.rows
      counts.inserted = counts.rows
      return .committed(
        LedgerEntry(source: source, counts: counts, fence: lease.fence, committedAt: ""))
    default: break
    }
    return try await staged.commit(under: lease, rejectAllowance: rejectAllowance)
  }

  func discard() async { await staged.discard() }
}

/// Fails the first call of each method.
private final class Stumbling: Sendable {
  private let reached = Mutex<Set<String>>([])
  var methods: [String] { reached.withLock { $0.sorted() } }

  func reach(_ method: String) throws {
    guard reached.withLock({ $0.insert(method).inserted }) else { return }
    throw SinkError.transient("\(method) stumbled")
  }
}

private final class Attempts: Sendable {
  private let counts = Mutex<[Int: Int]>([:])
  func add(_ chunk: Int) { counts.withLock { $0[chunk, default: 0] += 1 } }
  func count(of chunk: Int) -> Int { counts.withLock { $0[chunk] ?? 0 } }
}
