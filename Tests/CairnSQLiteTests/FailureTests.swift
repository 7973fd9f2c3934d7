import Cairn
import CairnTesting
import Foundation
import GRDB
import Testing

@testable import CairnSQLite

@Suite("Trouble with the file is named")
struct FailureTests {
  let folder: TemporaryFolder
  let path: String
  let target = table(["id": .text, "n": .integer], key: ["id"])

  init() throws {
    folder = try TemporaryFolder()
    path = folder.file("target.db")
  }

  private func error(_ body: () async throws -> Void) async throws -> SinkError {
    do {
      try await body()
    } catch let error as SinkError {
      return error
    }
    throw BatteryFailure("trouble", expected: "a SinkError", found: "none")
  }

  @Test func `no file, no runs, and reading makes none`() async throws {
    #expect(try await SQLiteSink(path: path).runs(RunFilter()) == [])
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `a folder, a missing folder, another kind of file, a damaged one`() async throws {
    let another = folder.file("another.db")
    try Data("This is a diary, not a database. ".utf8).write(to: URL(fileURLWithPath: another))
    for (path, words) in [
      (folder.path, "is a folder"), (folder.file("missing/x.db"), "cannot be opened"),
      (another, "is not a SQLite database"),
    ] {
      let found = try await error { try await SQLiteSink(path: path).prepareState() }
      guard case .fatal(let message, let remedy) = found else {
        Issue.record("expected fatal, found \(found)")
        continue
      }
      #expect(message.contains(words))
      #expect(!remedy.isEmpty)
    }
    var load = try await SimpleLoad(into: target, on: SQLiteSink(path: path))
    try await load.commit((0..<500).map { [.text("k\($0)"), .integer(1)] })
    try await SQLiteProbe(path: path).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    for page in 1..<40 {
      try file.seek(toOffset: UInt64(page) * 4096)
      try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
    }
    try file.close()
    let found = try await error { _ = try await SQLiteSink(path: path).runs(RunFilter()) }
    guard case .fatal(let message, _) = found else {
      Issue.record("expected fatal, found \(found)")
      return
    }
    #expect(message.contains("is damaged"))
  }

  @Test func `state of a newer version is refused by name`() async throws {
    let sink = SQLiteSink(path: path)
    try await sink.prepareState()
    try await SQLiteProbe(path: path).execute(
      "INSERT INTO cairn_schema_version VALUES (99, 'later')")
    for body in [
      { try await sink.prepareState() }, { _ = try await sink.runs(RunFilter()) },
    ] as [() async throws -> Void] {
      let found = try await error(body)
      #expect("\(found)".contains("version 99"))
    }
  }

  @Test func `a busy database is waited for, and then its holder is named`() async throws {
    let sink = SQLiteSink(path: path, busyTimeout: .milliseconds(200))
    var load = try await SimpleLoad(into: target, on: sink)
    let staged = try await sink.stage(try load.work([[.text("a"), .integer(1)]]))
    let lease = load.lease
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let blocker = try DatabaseQueue(path: path, configuration: configuration)
    try await blocker.writeWithoutTransaction { db in
      try db.execute(sql: "BEGIN IMMEDIATE; CREATE TABLE other (x)")
    }
    let start = ContinuousClock.now
    let found = try await error { _ = try await staged.commit(under: lease, rejectAllowance: .max) }
    #expect(ContinuousClock.now - start >= .milliseconds(190))
    guard case .transient(let message) = found else {
      Issue.record("expected transient, found \(found)")
      return
    }
    #if os(Linux)
      #expect(message.contains("process \(ProcessInfo.processInfo.processIdentifier)"))
    #else
      #expect(message.contains("locked"))
    #endif
    try await blocker.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
    guard case .committed = try await staged.commit(under: lease, rejectAllowance: .max) else {
      Issue.record("expected the commit to succeed once the lock is free")
      return
    }
  }

  @Test func `a file that was replaced under a run is noticed`() async throws {
    let sink = SQLiteSink(path: path)
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([[.text("a"), .integer(1)]])
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.removeItem(atPath: path + suffix)
    }
    let staged = try await sink.stage(try load.work([[.text("b"), .integer(1)]]))
    let lease = load.lease
    let found = try await error { _ = try await staged.commit(under: lease, rejectAllowance: .max) }
    guard case .unavailable(let message) = found else {
      Issue.record("expected unavailable, found \(found)")
      return
    }
    #expect(message.contains("deleted or replaced"))
  }

  @Test func `a full disk stops the run, and it goes on when there is room`() async throws {
    let mount = folder.file("small")
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
    guard run("mount", ["-t", "tmpfs", "-o", "size=700k", "none", mount]) else {
      print("skipped: a small file system cannot be mounted here")
      return
    }
    defer { _ = run("umount", ["-l", mount]) }
    let sink = SQLiteSink(path: mount + "/target.db")
    var load = try await SimpleLoad(into: target, on: sink)
    try await load.commit([[.text("a"), .integer(1)]])
    let ballast = mount + "/ballast"
    try Data(count: 300_000).write(to: URL(fileURLWithPath: ballast))
    let rows: [[CellValue]] = (0..<6_000).map {
      [.text("a rather long key, so that the disk fills \($0)"), .integer(Int64($0))]
    }
    let work = try load.work(rows)
    let lease = load.lease
    let found = try await error {
      _ = try await sink.stage(work).commit(under: lease, rejectAllowance: .max)
    }
    guard case .unavailable = found else {
      Issue.record("expected unavailable, found \(found)")
      return
    }
    let second = SQLiteSink(path: mount + "/target.db")
    #expect(try await second.ledger(of: load.record.syncID).count == 1)
    try FileManager.default.removeItem(atPath: ballast)
    guard run("mount", ["-o", "remount,size=20m", mount]) else { return }
    guard
      case .committed(let entry, _) = try await sink.stage(work).commit(
        under: lease, rejectAllowance: .max)
    else {
      Issue.record("expected the chunk to be committed at last")
      return
    }
    #expect(entry.counts.inserted == 6_000)
  }

  @Test func `a chunk that was committed from other bytes is refused`() async throws {
    let sink = SQLiteSink(path: path)
    var load = try await SimpleLoad(into: target, on: sink)
    var work = try load.work([[.text("a"), .integer(1)]])
    _ = try await sink.stage(work).commit(under: load.lease, rejectAllowance: .max)
    work.source.contentDigest = "another"
    let (changed, lease) = (work, load.lease)
    let found = try await error {
      _ = try await sink.stage(changed).commit(under: lease, rejectAllowance: .max)
    }
    #expect("\(found)".contains("other bytes"))
  }

  @Test func `network file systems are told from the mount table`() {
    let mounts = """
      22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
      30 22 0:26 / /mnt/share\\040one rw - nfs4 server:/export rw,vers=4.2
      31 22 0:27 / /mnt/win rw - cifs //server/x rw
      32 22 0:28 / /home/a/far rw,nosuid - fuse.sshfs a@b: rw
      33 30 0:29 / /mnt/share\\040one/local rw - tmpfs none rw
      """
    func kind(_ path: String) -> String? {
      NetworkFileSystem.kind(
        ofType: NetworkFileSystem.fileSystemType(of: path, mountInfo: mounts))
    }
    #expect(kind("/var/lib/x.db") == nil)
    #expect(kind("/mnt/share one/x.db") == "nfs4")
    #expect(kind("/mnt/share one/local/x.db") == nil)
    #expect(kind("/mnt/share onex.db") == nil)
    #expect(kind("/mnt/win/a/x.db") == "cifs")
    #expect(kind("/home/a/far") == "fuse.sshfs")
  }

  @Test func `the holder of the write lock is found in the table of locks`() {
    let locks = """
      1: POSIX  ADVISORY  READ  100 08:01:55 123 123
      2: POSIX  ADVISORY  WRITE 200 08:01:55 120 120
      3: FLOCK  ADVISORY  WRITE 300 08:01:56 0 EOF
      4: POSIX  ADVISORY  WRITE 400 08:01:57 0 EOF
      5: -> POSIX  ADVISORY  WRITE 500 08:01:58 120 120
      """
    #expect(WriteLockHolder.holder(ofByte: 120, inode: 55, locks: locks) == 200)
    #expect(WriteLockHolder.holder(ofByte: 121, inode: 55, locks: locks) == nil)
    #expect(WriteLockHolder.holder(ofByte: 120, inode: 56, locks: locks) == nil)
    #expect(WriteLockHolder.holder(ofByte: 120, inode: 57, locks: locks) == 400)
    #expect(WriteLockHolder.holder(ofByte: 120, inode: 58, locks: locks) == nil)
  }

  private func run(_ program: String, _ arguments: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
