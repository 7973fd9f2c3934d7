import Cairn
import CairnSQLite
import CairnTesting
import Foundation
import Testing

/// Kills the pipeline at each stage's boundaries and inside each stage, runs it again, and compares
/// with an undisturbed run.
@Suite struct StockPipelineTests {
  /// The moments of a stage, and how often each comes in a run: seven stages are saved (three
  /// downloads, four stages) and one more holds the rows to load.
  static let moments: [(FaultPoint, Int)] = [
    (.stageBegun, 8), (.stageHalfRun, 7), (.stageRan, 8), (.stageDataWritten, 8),
    (.stageDataNamed, 8), (.stageFilesNamed, 8), (.stageRecorded, 8), (.stagesDone, 1),
    // Inside the load.
    (.runBegun, 1), (.chunkStaged, 1), (.commitFenceChecked, 1), (.commitMarked, 1),
    (.commitHalfMerged, 1), (.commitBefore, 1), (.commitAfter, 1), (.endMarked, 1),
    (.finishBefore, 1), (.finishProved, 1), (.finishAfter, 1),
  ]

  @Test(
    arguments: moments.flatMap { point, times in (1...times).map { Moment(point: point, count: $0) }
    })
  func killedAndResumed(_ moment: Moment) async throws {
    let folder = try Folder()
    // Appended rows would be there twice if anything was loaded twice.
    let command = command(folder, "append")
    let course = CrashCourse(command)
    let killed = try await course.attempt(
      command, .crash(at: moment.point, count: moment.count))
    #expect(killed.wasKilled, "the moment never came")
    // What is saved now must not run again.
    let saved = Set(
      try await StageCheckpoints(directory: folder.path + "/checkpoints").list().map {
        Self.body(of: $0.stage)
      })
    let before = folder.lines("bodies.log")
    let resumed = try await course.attempt(command, .none)
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    let bodies = folder.lines("bodies.log")
    #expect(saved.isDisjoint(with: bodies.dropFirst(before.count)))
    #expect(Set(bodies) == Self.bodies)
    try await expectWhole(folder, "append")
  }

  /// The body that a stage's value comes from.
  private static func body(of stage: String) -> String {
    stage == "load/rows" ? "load" : String(stage.split(separator: "/").last ?? "")
  }

  @Test func killedAtRandomMomentsAgainAndAgain() async throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let folder = try Folder()
      _ = try await CrashCourse(command(folder)).run(
        through: Mishap.randomKills(seed: seed, count: 6, within: .milliseconds(120)))
      try await expectWhole(folder)
    }
  }

  @Test func twoAtOnceOneIsToldOfTheOther() async throws {
    let folder = try Folder()
    var first = command(folder)
    first.environment["CAIRN_STOP_AT"] = "stage-half-run:5"
    let stopped = try ChildProcess(first)
    while !stopped.isStopped, stopped.poll() == nil { try await Task.sleep(for: .milliseconds(5)) }
    let second = try await ChildProcess(command(folder)).wait()
    #expect(second.exitCode != 0)
    #expect(second.standardError.contains("process \(stopped.id) on"), "\(second.standardError)")
    stopped.wake()
    let done = try await stopped.wait()
    #expect(done.exitCode == 0, "\(done.standardError)")
    try await expectWhole(folder)
  }

  @Test func theNextCallIsANewExecution() async throws {
    let folder = try Folder()
    for _ in 1...2 {
      let outcome = try await ChildProcess(command(folder)).wait()
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }
    #expect(folder.lines("bodies.log").count == 2 * Self.bodies.count)
    try await expectWhole(folder)
  }

  struct Moment: Sendable, CustomStringConvertible {
    var point: FaultPoint
    var count: Int
    var description: String { "\(point.rawValue):\(count)" }
  }

  static let bodies: Set<String> = [
    "download AAPL", "download MSFT", "download NVDA", "data_extraction", "data_validation",
    "feature_engineering", "load",
  ]

  private func command(_ folder: Folder, _ more: String...) -> ChildCommand {
    ChildCommand(Program.path, [folder.path, "60"] + more)
  }

  /// The table holds what an undisturbed run makes of the request, computed here without any pipeline.
  private func expectWhole(_ folder: Folder, _ more: String...) async throws {
    let sink = SQLiteSink(path: folder.path + "/stocks.db")
    let runs = try await sink.runs(RunFilter())
    #expect(runs.allSatisfy { $0.status == .completed })
    let undisturbed = try Folder()
    var command = command(undisturbed)
    command.arguments += more
    let outcome = try await ChildProcess(command).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try folder.dump() == undisturbed.dump())
    #expect(try folder.dump().split(separator: "\n").count > 150)
  }
}

/// The program under test, beside the test bundle.
enum Program {
  static let path: String = {
    var folder = Bundle(for: Anchor.self).bundleURL
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent("StockPipeline")
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate.path, isDirectory: &isFolder),
        !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: candidate.path)
      {
        return candidate.path
      }
      folder.deleteLastPathComponent()
    }
    return "StockPipeline"
  }()

  private final class Anchor {}
}

/// A folder that is gone when the test is done.
final class Folder {
  let path = NSTemporaryDirectory() + "/stock-pipeline-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func lines(_ name: String) -> [String] {
    let data = FileManager.default.contents(atPath: path + "/" + name) ?? Data()
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The table as the sqlite3 of Python sees it.
  func dump() throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c",
      """
      import sqlite3, sys
      for row in sqlite3.connect(sys.argv[1]).execute("SELECT * FROM prices ORDER BY ticker, day"):
          print(row)
      """, path + "/stocks.db",
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
