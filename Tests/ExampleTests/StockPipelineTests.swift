import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
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
    let place = try Workplace()
    // Appended rows would be there twice if anything was loaded twice.
    let command = command(place, "append")
    let course = CrashCourse(command)
    let killed = try await course.attempt(
      command, .crash(at: moment.point, count: moment.count))
    #expect(killed.wasKilled, "the moment never came")
    // What is saved now must not run again.
    let saved = Set(
      try await StageCheckpoints(directory: place.file("checkpoints")).list().map {
        Self.body(of: $0.stage)
      })
    let before = try lines("bodies.log", in: place)
    let resumed = try await course.attempt(command, .none)
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    let bodies = try lines("bodies.log", in: place)
    #expect(saved.isDisjoint(with: bodies.dropFirst(before.count)))
    #expect(Set(bodies) == Self.bodies)
    try await expectWhole(place, "append")
  }

  /// The body that a stage's value comes from.
  private static func body(of stage: String) -> String {
    stage == "load/rows" ? "load" : String(stage.split(separator: "/").last ?? "")
  }

  @Test func killedAtRandomMomentsAgainAndAgain() async throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      let place = try Workplace()
      _ = try await CrashCourse(command(place)).run(
        through: Mishap.randomKills(seed: seed, count: 6, within: .milliseconds(120)))
      try await expectWhole(place)
    }
  }

  @Test func twoAtOnceOneIsToldOfTheOther() async throws {
    let place = try Workplace()
    var first = command(place)
    first.environment["CAIRN_STOP_AT"] = "stage-half-run:5"
    let stopped = try ChildProcess(first)
    while !stopped.isStopped, stopped.poll() == nil { try await Task.sleep(for: .milliseconds(5)) }
    let second = try await ChildProcess(command(place)).wait()
    #expect(second.exitCode != 0)
    #expect(second.standardError.contains("process \(stopped.id) on"), "\(second.standardError)")
    stopped.wake()
    let done = try await stopped.wait()
    #expect(done.exitCode == 0, "\(done.standardError)")
    try await expectWhole(place)
  }

  @Test func theNextCallIsANewExecution() async throws {
    let place = try Workplace()
    for _ in 1...2 {
      let outcome = try await ChildProcess(command(place)).wait()
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }
    #expect(try lines("bodies.log", in: place).count == 2 * Self.bodies.count)
    try await expectWhole(place)
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

  private func command(_ place: Workplace, _ more: String...) -> ChildCommand {
    ChildCommand(CairnBinary.beside("stock-pipeline"), [place.path, "60"] + more)
  }

  /// The table holds what an undisturbed run makes of the request, computed here without any pipeline.
  private func expectWhole(_ place: Workplace, _ more: String...) async throws {
    let sink = SQLiteSink(path: place.file("stocks.db"))
    let runs = try await sink.runs(RunFilter())
    #expect(runs.allSatisfy { $0.status == .completed })
    let undisturbed = try Workplace()
    var command = command(undisturbed)
    command.arguments += more
    let outcome = try await ChildProcess(command).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let prices = try await prices(place)
    #expect(try await prices == self.prices(undisturbed))
    #expect(prices.split(separator: "\n").count > 150)
  }

  private func lines(_ name: String, in place: Workplace) throws -> [String] {
    guard place.exists(name) else { return [] }
    return String(decoding: try place.read(name), as: UTF8.self).split(separator: "\n")
      .map(String.init)
  }

  /// The table as the sqlite3 of Python sees it.
  private func prices(_ place: Workplace) async throws -> String {
    let script = """
      import sqlite3, sys
      for row in sqlite3.connect(sys.argv[1]).execute("SELECT * FROM prices ORDER BY ticker, day"):
          print(row)
      """
    let outcome = try await ChildProcess(
      ChildCommand("/usr/bin/env", ["python3", "-c", script, place.file("stocks.db")])
    ).wait()
    try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    return outcome.standardOutput
  }
}
