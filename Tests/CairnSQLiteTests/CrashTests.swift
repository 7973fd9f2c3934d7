import Cairn
import CairnSQLite
import CairnTesting
import Foundation
import Synchronization
import Testing

/// A killed process leaves its files as they are: at each fault point they are copied, and another
/// sink goes on with the copy.
@Suite("Whatever is torn off amid a transaction was not there")
struct CrashTests {
  @Test func `rows, rejects and mark are there together or not at all`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("target.db")
    let isArmed = Mutex(false)
    let reached = Mutex<[FaultPoint]>([])
    let faults = FaultPoints { point in
      guard isArmed.withLock({ $0 }) else { return }
      reached.withLock { $0.append(point) }
      for suffix in ["", "-wal"] {
        try? FileManager.default.copyItem(
          atPath: path + suffix, toPath: folder.file("\(point.rawValue).db\(suffix)"))
      }
    }
    let target = table(["id": .text, "n": .integer], key: ["id"])
    var load = try await SimpleLoad(into: target, on: SQLiteSink(path: path, faults: faults))
    try await load.commit([[.text("a"), .integer(1)]])
    let work = try load.work([
      [.text("a"), .integer(2)], [.text("b"), .integer(2)], [.null, .integer(2)],
    ])
    isArmed.withLock { $0 = true }
    _ = try await load.sink.stage(work).commit(under: load.lease, rejectAllowance: .max)
    isArmed.withLock { $0 = false }
    let points = reached.withLock { $0 }
    #expect(
      points == [
        .commitFenceChecked, .commitMarked, .commitRejected, .commitHalfMerged, .commitBefore,
        .commitAfter,
      ])
    for point in points {
      let copy = folder.file("\(point.rawValue).db")
      let sink = SQLiteSink(path: copy)
      let probe = SQLiteProbe(path: copy)
      let isCommitted = point == .commitAfter
      let entries = try await sink.ledger(of: load.record.syncID)
      #expect(entries.count == (isCommitted ? 2 : 1), "\(point)")
      let rejects = try await sink.rejects(of: load.record.syncID, offset: 0, limit: 9)
      #expect(rejects.count == (isCommitted ? 1 : 0), "\(point)")
      let rows = "SELECT id, n FROM target ORDER BY id"
      let after = [["\"a\"", "2"], ["\"b\"", "2"]]
      #expect(
        try await probe.literals(rows) == (isCommitted ? after : [["\"a\"", "1"]]), "\(point)")
      // The successor goes on.
      guard
        case .acquired(let lease, _) = try await sink.acquireLease(
          of: load.record.syncID, owner: .current(), duration: .seconds(60), takeOver: true)
      else {
        Issue.record("expected the lease")
        continue
      }
      let outcome = try await sink.stage(work).commit(under: lease, rejectAllowance: .max)
      #expect(outcome.entry.counts == counts(3, inserted: 1, updated: 1, rejected: 1), "\(point)")
      if case .alreadyCommitted = outcome { #expect(isCommitted) } else { #expect(!isCommitted) }
      #expect(try await probe.literals(rows) == after, "\(point)")
      #expect(
        try await sink.rejects(of: load.record.syncID, offset: 0, limit: 9).count == 1, "\(point)")
    }
  }

  @Test func `a replace is swapped in together with its status or not at all`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.file("target.db")
    let reached = Mutex<[FaultPoint]>([])
    let faults = FaultPoints { point in
      guard point.rawValue.hasPrefix("finish") else { return }
      reached.withLock { $0.append(point) }
      for suffix in ["", "-wal"] {
        try? FileManager.default.copyItem(
          atPath: path + suffix, toPath: folder.file("\(point.rawValue).db\(suffix)"))
      }
    }
    let target = table(["id": .text, "n": .integer], key: ["id"], .replace)
    let sink = SQLiteSink(path: path, faults: faults)
    try await sink.prepareState()
    _ = try await sink.prepareTarget(target)
    try await SQLiteProbe(path: path).execute("INSERT INTO target VALUES ('old', 0)")
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([[.text("a"), .integer(1)]])
    try await load.finish()
    let points = reached.withLock { $0 }
    #expect(points == [.finishProved, .finishSwapped])
    for point in points {
      let copy = folder.file("\(point.rawValue).db")
      let successor = SQLiteSink(path: copy)
      #expect(try await successor.runs(RunFilter()).first?.status == .converting)
      let rows = "SELECT id FROM target"
      #expect(try await SQLiteProbe(path: copy).literals(rows) == [["\"old\""]])
      let record = try await successor.finish(
        FinishRequest(status: .completed, target: target), under: load.lease)
      #expect(record.status == .completed)
      #expect(try await SQLiteProbe(path: copy).literals(rows) == [["\"a\""]])
    }
  }
}
