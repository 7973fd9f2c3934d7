import Cairn
import CairnPostgres
import CairnTesting
import Foundation
import Testing

@Suite("Others at the same table", .timeLimit(.minutes(20)))
struct LockTests {
  let place: PostgresPlace
  let target = table(["id": .text, "n": .integer], key: ["id"])
  let successor = LeaseOwner(host: "elsewhere", pid: 2, processStart: "y")

  var probe: PostgresProbe { place.probe }

  init() async throws { place = try await TestServer.place() }

  private func row(_ id: String, _ n: Int64) -> [CellValue] { [.text(id), .integer(n)] }

  private func rows() async throws -> [[String?]] {
    try await probe.query("SELECT id, n FROM target ORDER BY id")
  }

  /// A load whose second chunk stands still at a fault point, and that chunk's fate.
  private func stopped(
    at gate: Gate
  ) async throws -> (load: SimpleLoad, commit: Task<CommitOutcome, any Error>, chunk: ChunkWork) {
    let sink = PostgresSink(
      url: place.url, stateSchema: place.stateSchema, faults: gate.faults,
      lockPatience: .seconds(300))
    var load = try await SimpleLoad(into: target, on: sink)
    let work = try load.work([row("a", 1), row("b", 1)])
    let lease = load.lease
    let staged = try await sink.stage(work)
    let commit = Task { try await staged.commit(under: lease, rejectAllowance: .max) }
    try await gate.arrival()
    return (load, commit, work)
  }

  @Test(arguments: [
    FaultPoint.commitFenceChecked, .commitMarked, .commitRejected, .commitHalfMerged, .commitBefore,
  ])
  func `a stopped process holds nothing that who takes its run over waits for`(
    _ point: FaultPoint
  ) async throws {
    let gate = Gate(at: point)
    let (load, commit, work) = try await stopped(at: gate)
    let sink = place.sink()
    let start = ContinuousClock.now
    let outcome = try await sink.acquireLease(
      of: load.record.syncID, owner: successor, duration: .seconds(60), takeOver: true)
    guard case .acquired(let lease, _) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    let committed = try await sink.stage(work).commit(under: lease, rejectAllowance: .max)
    #expect(committed.entry.fence == 2)
    #expect(ContinuousClock.now - start < .seconds(150))
    // Woken, it finds its transaction gone, and itself fenced.
    gate.open()
    await #expect {
      _ = try await commit.value
    } throws: { error in
      guard case SinkError.transient = error else { return false }
      return true
    }
    await #expect {
      _ = try await load.sink.stage(work).commit(under: load.lease, rejectAllowance: .max)
    } throws: { error in
      guard case SinkError.fenced(let holder) = error else { return false }
      return holder.owner == successor
    }
    #expect(try await rows() == [["a", "1"], ["b", "1"]])
    #expect(try await sink.ledger(of: load.record.syncID).map(\.fence) == [2])
  }

  @Test func `a stopped process whose lease has expired is ended by whoever waits`() async throws {
    let gate = Gate(at: .commitHalfMerged)
    let (load, commit, _) = try await stopped(at: gate)
    // Renewing does not wait for the commit.
    try await load.sink.renew(load.lease, duration: .milliseconds(10))
    try await Task.sleep(for: .milliseconds(50))
    // Another run into the same table, which wants nothing of that run.
    var other = try await SimpleLoad(2, into: target, on: place.sink())
    #expect(try await other.commit([row("b", 2)]) == counts(1, inserted: 1))
    gate.open()
    await #expect(throws: SinkError.self) { _ = try await commit.value }
    #expect(try await rows() == [["b", "2"]])
  }

  @Test func `who holds the lock is named when it is held for too long`() async throws {
    let gate = Gate(at: .commitHalfMerged)
    let (load, commit, _) = try await stopped(at: gate)
    let impatient = PostgresSink(
      url: place.url, stateSchema: place.stateSchema, lockPatience: .milliseconds(100))
    await #expect {
      _ = try await impatient.prepareTarget(target)
    } throws: { error in
      guard case SinkError.transient(let text) = error else { return false }
      return text.contains("\(load.record.syncID)") && text.contains("process 1 on elsewhere")
    }
    // Its lease lives, so it is left alone.
    gate.open()
    #expect(try await commit.value.entry.counts == counts(2, inserted: 2))
  }

  @Test(arguments: [
    FaultPoint.commitFenceChecked, .commitMarked, .commitHalfMerged, .commitBefore,
  ])
  func `a commit whose backend is ended is tried again, and lands once`(
    _ point: FaultPoint
  ) async throws {
    let gate = Gate(at: point)
    let (load, commit, work) = try await stopped(at: gate)
    try await probe.execute(
      """
      SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks l
      JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND a.pid <> pg_backend_pid() AND l.objsubid = 2
        AND l.classid::bigint = 4294967295
          & hashtext('\(place.stateSchema) \(load.record.syncID)')::bigint
      """)
    gate.open()
    await #expect {
      _ = try await commit.value
    } throws: { error in
      guard case SinkError.transient = error else { return false }
      return true
    }
    let again = try await load.sink.stage(work).commit(
      under: load.lease, rejectAllowance: .max)
    guard case .committed(let entry, _) = again else {
      Issue.record("\(again)")
      return
    }
    #expect(entry.counts == counts(2, inserted: 2))
    #expect(try await rows() == [["a", "1"], ["b", "1"]])
  }

  @Test func `a key that another program writes meanwhile is no reject`() async throws {
    let sink = place.sink()
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([row("a", 1)])
    // Not committed yet: nobody sees it, but its key is taken.
    let writer = PostgresProbe(url: place.url)
    try await writer.execute("BEGIN; INSERT INTO target VALUES ('x', 100), ('y', 1)")
    let work = try load.work([row("x", 1), row("y", 1), row("z", 1)])
    let lease = load.lease
    let staged = try await sink.stage(work)
    let commit = Task { try await staged.commit(under: lease, rejectAllowance: .max) }
    // It waits for the writer.
    var waiting: String? = "0"
    while waiting == "0" {
      try await Task.sleep(for: .milliseconds(5))
      waiting = try await probe.value(
        "SELECT count(*) FROM pg_locks l JOIN pg_locks h USING (transactionid) "
          + "WHERE NOT l.granted AND h.granted AND h.pid = \(try await writer.backend() ?? "0")")
    }
    try await writer.execute("COMMIT")
    #expect(try await commit.value.entry.counts == counts(3, inserted: 1, updated: 1, unchanged: 1))
    #expect(try await rows() == [["a", "1"], ["x", "1"], ["y", "1"], ["z", "1"]])
    // From then on nothing is taken for granted.
    try await writer.execute("INSERT INTO target VALUES ('w', 9)")
    #expect(
      try await load.commit([row("w", 1), row("v", 1)]) == counts(2, inserted: 1, updated: 1))
  }

  @Test func `two runs into one table at once, with common keys, lose nothing`() async throws {
    let place = place
    let target = target
    let total = try await withThrowingTaskGroup(of: RowCounts.self) { group in
      for run in 1...3 {
        group.addTask {
          var load = try await SimpleLoad(run, into: target, on: place.sink())
          var total = RowCounts()
          for chunk in 0..<15 {
            // In another order in each run, so that row locks alone would deadlock.
            var numbers = (0..<60).map { ($0 + chunk * 20) % 200 }
            if run == 2 { numbers.reverse() }
            total += try await load.commit(
              numbers.map { [.text("k\($0)"), .integer(Int64(run * 1_000 + chunk))] })
          }
          try await load.finish()
          return total
        }
      }
      return try await group.reduce(into: RowCounts()) { $0 += $1 }
    }
    #expect(total.inserted == 200)
    #expect(total.rows == 3 * 15 * 60)
    #expect(total.addsUp)
    #expect(try await probe.value("SELECT count(*) FROM target") == "200")
    #expect(try await place.sink().runs(RunFilter()).allSatisfy { $0.status == .completed })
  }

  @Test func `a commit whose answer is lost is found in the ledger`() async throws {
    let proxy = try CuttingProxy(to: await TestServer.shared.port)
    let sink = PostgresSink(url: proxy.redirect(place.url), stateSchema: place.stateSchema)
    var load = try await SimpleLoad(
      into: table(["id": .text, "n": .integer], key: [], .append), on: sink)
    try await load.commit([row("a", 1)])
    let work = try load.work([row("b", 1), row("b", 1)])
    let staged = try await sink.stage(work)
    proxy.cutAfterCommit()
    await #expect {
      _ = try await staged.commit(under: load.lease, rejectAllowance: .max)
    } throws: { error in
      guard case SinkError.transient = error else { return false }
      return true
    }
    let again = try await staged.commit(under: load.lease, rejectAllowance: .max)
    guard case .alreadyCommitted(let entry) = again else {
      Issue.record("\(again)")
      return
    }
    #expect(entry.counts == counts(2, inserted: 2))
    #expect(try await rows() == [["a", "1"], ["b", "1"], ["b", "1"]])
  }

  @Test(arguments: [0, 1, 2]) func `a connection that is cut inside a copy costs nothing`(
    _ times: Int
  ) async throws {
    let proxy = try CuttingProxy(to: await TestServer.shared.port)
    let sink = PostgresSink(url: proxy.redirect(place.url), stateSchema: place.stateSchema)
    var load = try await SimpleLoad(into: target, on: sink)
    let batch = (0..<20_000).map { row("key number \($0)", Int64($0)) }
    let staged = try await sink.stage(try load.work(batch))
    for _ in 0..<times {
      proxy.cutAfter(bytes: 200_000)
      await #expect(throws: SinkError.self) {
        _ = try await staged.commit(under: load.lease, rejectAllowance: .max)
      }
    }
    #expect(
      try await staged.commit(under: load.lease, rejectAllowance: .max).entry.counts
        == counts(20_000, inserted: 20_000))
    #expect(try await probe.value("SELECT count(*), sum(n) FROM target") == "20000")
  }
}
