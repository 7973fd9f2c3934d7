import Cairn
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

@testable import CairnCLI

/// Everything that may be broken between two attempts, and what the protocol says of each.
@Suite(.serialized) struct LoadFaultTests {
  /// A load that was killed in its fourth chunk of six, some chunks converted beyond.
  private func killed(
    mode: LoadMode = .upsert, seed: UInt64 = 21, at point: FaultPoint = .commitBefore,
    count: Int = 4
  ) async throws -> SampleLoad {
    let load = try SampleLoad(rows: 900, seed: seed, mode: mode)
    let outcome = try await load.course.attempt(
      load.place.command(load.arguments), .crash(at: point, count: count))
    try #require(outcome.wasKilled)
    return load
  }

  private func again(_ load: SampleLoad, _ more: String...) async throws -> ChildOutcome {
    try await ChildProcess(load.place.command(load.arguments + more)).wait()
  }

  private func folder(_ load: SampleLoad) throws -> String {
    "checkpoints/" + (try #require(load.place.names("checkpoints").first))
  }

  // MARK: Manifest

  enum Damage: String, CaseIterable, Sendable { case deleted, truncated, flipped, emptied }

  @Test("a damaged manifest is rebuilt", arguments: Damage.allCases)
  func manifest(_ damage: Damage) async throws {
    let load = try await killed()
    let manifest = try folder(load) + "/manifest.json"
    var bytes = try load.place.read(manifest)
    switch damage {
    case .deleted: try FileManager.default.removeItem(atPath: load.place.file(manifest))
    case .truncated: try load.place.write(Array(bytes.prefix(bytes.count / 2)), to: manifest)
    case .flipped:
      bytes[bytes.count / 2] ^= 0x40
      try load.place.write(bytes, to: manifest)
    case .emptied: try load.place.write([UInt8](), to: manifest)
    }
    let outcome = try await again(load)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
  }

  @Test("a manifest of an unknown version is refused by name")
  func unknownVersion() async throws {
    let load = try await killed()
    let manifest = try folder(load) + "/manifest.json"
    let text = String(decoding: try load.place.read(manifest), as: UTF8.self)
    try load.place.write(
      text.replacingOccurrences(of: "\"format_version\": 1", with: "\"format_version\": 99"),
      to: manifest)
    let outcome = try await again(load)
    #expect(outcome.exitCode == 1)
    #expect(outcome.standardError.contains("format_version 99"))
    #expect(load.place.exists(manifest))
  }

  // MARK: Chunk files

  @Test("a damaged chunk file is read from the source again", arguments: Damage.allCases)
  func chunkFile(_ damage: Damage) async throws {
    // Nothing is committed: every chunk that was converted is needed.
    let load = try await killed(at: .commitBefore, count: 1)
    let chunk = try folder(load) + "/chunk_0000.parquet"
    var bytes = try load.place.read(chunk)
    switch damage {
    case .deleted: try FileManager.default.removeItem(atPath: load.place.file(chunk))
    case .truncated: try load.place.write(Array(bytes.prefix(bytes.count - 9)), to: chunk)
    case .flipped:
      bytes[bytes.count / 3] ^= 1
      try load.place.write(bytes, to: chunk)
    case .emptied: try load.place.write([UInt8](), to: chunk)
    }
    let outcome = try await again(load)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    if damage != .deleted { #expect(outcome.standardError.contains("set aside")) }
    try await load.prove()
  }

  @Test("verify notices a flip of any byte of a chunk file")
  func everyByte() async throws {
    let place = try Workplace()
    _ = try SampleExtract(rows: 3, seed: 5, badRate: 0.4, duplicateRate: 0)
      .write(to: place.file("s.dat"))
    let converted = try await place.cairn(
      "convert", "s.dat", "--out", "out", "--compression", "snappy", "--quiet")
    try #require(converted.exitCode == 0, "\(converted.standardError)")
    let chunk = "out/chunk_0000.parquet"
    let sound = try place.read(chunk)
    #expect(try await verify(folder: place.file("out")).problems == [])
    // A manifest would find it too; the file must do without.
    try FileManager.default.removeItem(atPath: place.file("out/manifest.json"))
    for index in sound.indices {
      var bytes = sound
      bytes[index] ^= UInt8(1 << (index % 8))
      try place.write(bytes, to: chunk)
      let problems = try await verify(folder: place.file("out")).problems
      #expect(!problems.isEmpty, "a flip of byte \(index) went unnoticed")
    }
  }

  @Test("a lost checkpoint folder is made again", arguments: [LoadMode.upsert, .append])
  func lostFolder(_ mode: LoadMode) async throws {
    let load = try await killed(mode: mode)
    try FileManager.default.removeItem(atPath: load.place.file("checkpoints"))
    let outcome = try await again(load)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
    let receipt = try outcome.receipt()
    #expect(receipt.attemptWork.chunksSkipped == 3)
  }

  // MARK: Source

  @Test("a source that changed inside is noticed, and is another source")
  func sourceChanged() async throws {
    let load = try await killed(mode: .append)
    var bytes = try load.place.read("transport.dat")
    // Beyond head and tail, which the fingerprint covers, and within the first chunk.
    let place = try #require(bytes[65_540...].firstIndex(of: UInt8(ascii: "a")))
    bytes[place] = UInt8(ascii: "b")
    try load.place.write(bytes, to: "transport.dat")
    let id = try #require(load.place.names("checkpoints").first)
    let resumed = try await load.place.cairn("resume", id, "--into", "sqlite:transport.db")
    // Everything may be converted already; then the source is not needed.
    if resumed.exitCode == 0 {
      try await load.prove()
    } else {
      #expect(resumed.standardError.contains("changed"))
    }
  }

  @Test("a renamed source is the same source")
  func renamed() async throws {
    let load = try await killed(mode: .append)
    try FileManager.default.moveItem(
      atPath: load.place.file("transport.dat"), toPath: load.place.file("renamed.dat"))
    var arguments = load.arguments
    arguments[1] = "renamed.dat"
    let outcome = try await ChildProcess(load.place.command(arguments)).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
    let twice = try await ChildProcess(load.place.command(arguments)).wait()
    #expect(twice.exitCode == 0)
    #expect(try twice.receipt().wasLoadedBefore)
    try await load.prove("loaded twice")
  }

  @Test("a source deleted after conversion is not needed")
  func deletedAfterConversion() async throws {
    let load = try await killed(at: .endMarked, count: 1)
    try FileManager.default.removeItem(atPath: load.place.file("transport.dat"))
    let outcome = try await again(load)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
  }

  @Test("a source deleted before it is converted is asked for")
  func deletedBeforeConversion() async throws {
    let load = try await killed(at: .chunkBeforeRename, count: 2)
    try FileManager.default.removeItem(atPath: load.place.file("transport.dat"))
    let outcome = try await again(load)
    #expect(outcome.exitCode == 1)
    #expect(outcome.standardError.contains("transport.dat"))
  }

  @Test("a source that grows while it is read fails the run")
  func grown() async throws {
    let load = try SampleLoad(rows: 900, seed: 31, mode: .append)
    let child = try ChildProcess(
      load.place.command(load.arguments, environment: ["CAIRN_STOP_AT": "chunk-sealed:1"]))
    while !child.isStopped, child.poll() == nil { try await Task.sleep(for: .milliseconds(5)) }
    let handle = try FileHandle(
      forWritingTo: URL(fileURLWithPath: load.place.file("transport.dat")))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("torn".utf8))
    try handle.close()
    child.wake()
    let outcome = try await child.wait()
    #expect(outcome.exitCode == 1)
    #expect(outcome.standardError.contains("chang"), "\(outcome.standardError)")
    // What it appended must not be appended again as part of the grown file.
    let second = try await again(load)
    let rows = try await load.content().rows
    #expect(second.exitCode != 0 || rows <= load.expectation.typed.append.rows + 1)
  }

  // MARK: Job

  @Test("a raised limit lets the same run go on")
  func raisedLimit() async throws {
    let load = try SampleLoad(rows: 3_000, seed: 41)
    let job = String(decoding: try load.place.read("job.yaml"), as: UTF8.self)
    try load.place.write(
      job.replacingOccurrences(of: "max_rows: 1000000", with: "max_rows: 10"), to: "job.yaml")
    let refused = try await again(load)
    #expect(refused.exitCode == 65)
    #expect(refused.standardError.contains("max_rows"))
    #expect(load.place.names("checkpoints").count == 1)
    try load.place.write(job, to: "job.yaml")
    let outcome = try await again(load)
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try outcome.receipt().attempt == 2)
    try await load.prove()
  }

  @Test("changed parsing is refused once rows are committed, and says what changed")
  func changedJob() async throws {
    let load = try await killed()
    let job = String(decoding: try load.place.read("job.yaml"), as: UTF8.self)
    try load.place.write(
      job.replacingOccurrences(of: "one_of: [A, B, C, X]", with: "one_of: [A, B, C]"),
      to: "job.yaml")
    let refused = try await again(load)
    #expect(refused.exitCode == 1)
    #expect(refused.standardError.contains("one_of"), "\(refused.standardError)")
    try load.place.write(job, to: "job.yaml")
    #expect(try await again(load).exitCode == 0)
    try await load.prove()
  }

  @Test("fresh starts over, but not where it would append twice")
  func fresh() async throws {
    let append = try await killed(mode: .append)
    let refused = try await again(append, "--fresh")
    #expect(refused.exitCode == 1)
    #expect(refused.standardError.contains("twice"))
    let upsert = try await killed()
    let outcome = try await again(upsert, "--fresh")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try outcome.receipt().attempt == 1)
    let content = try await upsert.content()
    #expect(upsert.expectation.typed.upsert.differences(from: content) == [])
  }

  // MARK: Target

  @Test(
    "a target that was dropped or emptied is noticed", arguments: ["DROP TABLE", "DELETE FROM"])
  func damagedTarget(_ statement: String) async throws {
    let load = try await killed()
    let database = try DatabaseQueue(path: load.place.file("transport.db"))
    try await database.write { try $0.execute(sql: "\(statement) transport_documents") }
    try database.close()
    let outcome = try await again(load)
    #expect(outcome.exitCode == 1)
    #expect(outcome.standardError.contains("--fresh"), "\(outcome.standardError)")
    #expect(try await again(load, "--fresh").exitCode == 0)
  }

  // MARK: Owners

  @Test("of two loads begun at once in append mode one loads")
  func twoAtOnce() async throws {
    let load = try SampleLoad(rows: 1_500, seed: 51, mode: .append)
    let first = try ChildProcess(load.place.command(load.arguments))
    let second = try ChildProcess(load.place.command(load.arguments))
    let outcomes = [try await first.wait(), try await second.wait()]
    let codes = outcomes.compactMap(\.exitCode).sorted()
    // The loser was refused, or came when all was done.
    #expect(codes == [0, 69] || codes == [0, 0], "\(outcomes.map(\.standardError))")
    #expect(try load.expectation.typed.append.differences(from: await load.content()) == [])
  }

  @Test(
    "an owner that was stopped, overtaken and woken commits nothing more",
    arguments: [FaultPoint.chunkSealed, .chunkStaged, .commitAfter, .manifestBeforeRename])
  func overtaken(_ point: FaultPoint) async throws {
    let load = try SampleLoad(rows: 900, seed: 61, mode: .append)
    let stopped = try ChildProcess(
      load.place.command(
        load.arguments, environment: ["CAIRN_STOP_AT": "\(point.rawValue):1"]))
    while !stopped.isStopped {
      if let end = stopped.poll() { Issue.record("ended by \(end)") }
      try await Task.sleep(for: .milliseconds(5))
    }
    let refused = try await again(load)
    #expect(refused.exitCode == 69, "\(refused.standardError)")
    let successor = try await again(load, "--take-over")
    #expect(successor.exitCode == 0, "\(successor.standardError)")
    stopped.wake()
    let woken = try await stopped.wait()
    #expect(woken.exitCode != 0, "\(woken.standardError)")
    #expect(try load.expectation.typed.append.differences(from: await load.content()) == [])
  }

  // MARK: Disk

  @Test(
    "a full disk under the chunk files stops the run, and room lets it go on",
    .enabled(if: getuid() == 0, "a small file system can be mounted by root only"))
  func fullDisk() async throws {
    let load = try SampleLoad(rows: 9_000, seed: 71, mode: .append)
    let mounted = load.place.file("small")
    try FileManager.default.createDirectory(atPath: mounted, withIntermediateDirectories: true)
    func run(_ command: String) async throws -> ChildOutcome {
      try await ChildProcess(ChildCommand("/bin/sh", ["-c", command])).wait()
    }
    let mount = try await run("mount -t tmpfs -o size=400k tmpfs '\(mounted)'")
    guard mount.exitCode == 0 else {
      print("no tmpfs can be mounted here; the test of a full disk is skipped")
      return
    }
    var arguments = load.arguments
    arguments += ["--checkpoints", mounted + "/checkpoints"]
    let full = try await ChildProcess(load.place.command(arguments)).wait()
    #expect(full.exitCode == 75, "\(full.standardError)")
    #expect(full.standardError.contains("No space left"), "\(full.standardError)")
    _ = try await run("mount -o remount,size=40m '\(mounted)'")
    let outcome = try await ChildProcess(load.place.command(arguments)).wait()
    _ = try await run("umount '\(mounted)'")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    try await load.prove()
  }

  // MARK: Order of runs

  @Test("Monday's run resumed on Wednesday does not overwrite Tuesday's rows")
  func mondayAfterTuesday() async throws {
    let place = try Workplace()
    let rows = (0..<900).map { "\($0)~^monday" }
    try place.write("id~^day\n" + rows.joined(separator: "\n") + "\n", to: "monday.dat")
    let newer = (500..<1_000).map { "\($0)~^tuesday" }
    try place.write("id~^day\n" + newer.joined(separator: "\n") + "\n", to: "tuesday.dat")
    func arguments(_ file: String) -> [String] {
      [
        "load", file, "--into", "sqlite:x.db", "--table", "t", "--key", "id", "--chunk-rows", "100",
        "--quiet",
      ]
    }
    let monday = try await ChildProcess(
      place.command(arguments("monday.dat"), environment: ["CAIRN_CRASH_AT": "commit-before:4"])
    ).wait()
    #expect(monday.wasKilled)
    let tuesday = try await ChildProcess(place.command(arguments("tuesday.dat"))).wait()
    #expect(tuesday.exitCode == 0, "\(tuesday.standardError)")
    let wednesday = try await ChildProcess(place.command(arguments("monday.dat"))).wait()
    #expect(wednesday.exitCode == 0, "\(wednesday.standardError)")
    let database = try DatabaseQueue(path: place.file("x.db"))
    let counts = try await database.read { connection in
      try Row.fetchAll(
        connection, sql: "SELECT day, count(*) AS n FROM t GROUP BY day ORDER BY day"
      ).map { "\($0["day"] as String) \($0["n"] as Int)" }
    }
    #expect(counts == ["monday 500", "tuesday 500"])
  }
}
