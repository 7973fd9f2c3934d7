import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

/// Kills real processes and looks at what is left. `CAIRN_CRASH_RUNS` raises the number of random
/// kills.
@Suite(.serialized) struct LoadCrashTests {
  @Test("killed at a fault point, resumed", arguments: CrashCase.all)
  func faultPoint(_ test: CrashCase) async throws {
    let load = try SampleLoad(rows: 900, seed: 11, mode: test.modeOfLoad)
    let attempts = try await load.course.run(through: [.crash(at: test.point)])
    // After clean-up everything is done; before, the attempt must really have been killed.
    #expect(attempts.first?.wasKilled == true, "the fault point was never reached")
    try await load.prove()
    let last = try #require(attempts.last)
    #expect(load.differences(in: try last.receipt()) == [])
  }

  @Test("killed in the third chunk and again while resuming", arguments: CrashCase.ofChunks)
  func killedTwice(_ test: CrashCase) async throws {
    let load = try SampleLoad(rows: 900, seed: 12, mode: test.mode)
    let attempts = try await load.course.run(
      through: [.crash(at: test.point, count: test.middle), .crash(at: test.point, count: 1)])
    #expect(attempts.count { $0.wasKilled } >= 1, "the fault point was never reached")
    try await load.prove()
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
    try await load.prove("seed \(seed), \(attempts.count) attempts")
    #expect(load.differences(in: try #require(attempts.last).receipt()) == [], "seed \(seed)")
  }
}
