import Cairn
import CairnTesting
import Foundation
import Testing

/// Kills real processes and looks at what is left. `CAIRN_CRASH_RUNS` raises the number of random
/// kills.
@Suite(.serialized) struct LoadCrashTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var point: FaultPoint
    var mode: LoadMode
    var testDescription: String { "\(point.rawValue), \(mode.rawValue)" }
  }

  // Standard input is killed in a suite of its own.
  static let cases = FaultPoint.allCases.filter { $0 != .inputConverted }.flatMap { point in
    [LoadMode.upsert, .append].map { Case(point: point, mode: $0) }
  }

  @Test("killed at a fault point, resumed", arguments: cases)
  func faultPoint(_ test: Case) async throws {
    // A swap happens in replace mode only.
    let mode = test.point == .finishSwapped ? .replace : test.mode
    let load = try SampleLoad(rows: 900, seed: 11, mode: mode)
    let attempts = try await load.course.run(through: [.crash(at: test.point)])
    // After clean-up everything is done; before, the attempt must really have been killed.
    #expect(attempts.first?.wasKilled == true, "the fault point was never reached")
    try load.prove()
    let last = try #require(attempts.last)
    load.check(try last.receipt())
  }

  @Test("killed in the third chunk and again while resuming", arguments: cases)
  func killedTwice(_ test: Case) async throws {
    let perRun: Set<FaultPoint> = [
      .runBegun, .endBefore, .endMarked, .finishBefore, .finishProved, .finishSwapped,
      .finishAfter, .cleanupBefore, .cleanupHalf, .cleanupAfter,
    ]
    guard !perRun.contains(test.point) else { return }
    let load = try SampleLoad(rows: 900, seed: 12, mode: test.mode)
    // So short a load saves its manifest twice: at its begin and at its end.
    let count = test.point.rawValue.hasPrefix("manifest") ? 2 : 3
    let attempts = try await load.course.run(
      through: [.crash(at: test.point, count: count), .crash(at: test.point, count: 1)])
    #expect(attempts.count { $0.wasKilled } >= 1, "the fault point was never reached")
    try load.prove()
  }

  static let randomRuns =
    Int(ProcessInfo.processInfo.environment["CAIRN_CRASH_RUNS"] ?? "") ?? 6

  @Test("killed at random moments", arguments: 0..<randomRuns)
  func random(_ run: Int) async throws {
    let seed = UInt64(run) &* 7_919 &+ 1
    let mode: LoadMode = run % 2 == 0 ? .upsert : .append
    let load = try SampleLoad(rows: 1_500, seed: seed, mode: mode)
    var course = load.course
    course.spareAttempts = 3
    let mishaps = Mishap.randomKills(seed: seed, count: 4, within: .seconds(2))
    let attempts = try await course.run(through: mishaps)
    try load.prove("seed \(seed), \(attempts.count) attempts")
    load.check(try #require(attempts.last).receipt(), "seed \(seed)")
  }
}
