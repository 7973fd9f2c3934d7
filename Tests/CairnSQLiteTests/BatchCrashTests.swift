import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import Testing

/// Kills real processes that work on entity batches, and looks at what is left in the file.
@Suite(.serialized) struct BatchCrashTests {
  private func course(_ more: [String] = []) throws -> BatchCourse {
    var course = try BatchCourse(more)
    course.arguments.append("into=sqlite:\(course.place.file("target.db"))")
    return course
  }

  private func model() async throws -> String? {
    let course = try course()
    return try BatchCourse.summary(try await course.run().last).model
  }

  /// Every entity has its row once, nothing is left over but the state that the history names, and the
  /// history adds up.
  private func prove(_ course: BatchCourse, deaths: Int?) async throws {
    let probe = SQLiteProbe(path: course.place.file("target.db"))
    #expect(
      try await probe.literals(
        "SELECT count(*), count(DISTINCT id), sum(n) FROM results WHERE day = '2025-01-29'")
        == [["60", "60", "\((0..<60).map { $0 * 7 % 101 }.reduce(0, +))"]])
    let sink = SQLiteSink(path: course.place.file("target.db"))
    #expect(try await sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty)
    let history = try await sink.entityAttempts(EntityAttemptFilter())
    #expect(history.first?.ending == .completed)
    if let deaths { #expect(history.filter { $0.ending == .crashed }.count == deaths) }
    #expect(
      try await probe.literals(
        "SELECT count(*) FROM sqlite_master WHERE name LIKE 'cairn_shadow%'") == [["0"]])
    #expect(
      try await probe.literals(
        "SELECT state_file FROM cairn_processing_history WHERE state_file IS NOT NULL")
        == course.place.names("states").map { [SQLiteProbe.literal($0)] })
    let keepsState = !course.arguments.contains { $0 == "replace" || $0.hasPrefix("at-once") }
    #expect(course.place.names("states").count == (keepsState ? 1 : 0))
  }

  @Test(arguments: BatchCrash.points.map(\.point))
  func `killed at a fault point, gone on with`(_ point: FaultPoint) async throws {
    let count = BatchCrash.points.first { $0.point == point }?.count ?? 1
    let course = try course()
    let attempts = try await course.run(through: [.crash(at: point, count: count)])
    #expect(attempts.first?.wasKilled == true, "the fault point was never reached")
    let summary = try BatchCourse.summary(attempts.last)
    // All was done, and is not done again: that call only says so.
    let isOver = point == .entitiesCleared
    #expect(summary.attempt == (isOver ? 1 : 2))
    #expect(summary.batches == 0 || !isOver)
    #expect(summary.notes.contains { $0.contains("nothing was processed") } == isOver)
    #expect(summary.model == (try await model()))
    try await prove(course, deaths: isOver ? 0 : 1)
  }

  @Test(arguments: 0..<3)
  func `killed at random, gone on with to the same model`(_ run: Int) async throws {
    let course = try course(["delay=15"])
    let mishaps = Mishap.randomKills(
      seed: UInt64(run) &* 31 &+ 5, count: 4, within: .milliseconds(150))
    let attempts = try await course.run(through: mishaps)
    #expect(try BatchCourse.summary(attempts.last).model == (try await model()))
    try await prove(course, deaths: nil)
  }

  @Test func `killed with several batches at once, gaps are filled`() async throws {
    let course = try course(["delay=10", "at-once=4", "size=4"])
    let attempts = try await course.run(
      through: [
        .crash(at: .batchBefore, count: 4), .crash(at: .batchAfter, count: 3),
        .crash(at: .batchComputed, count: 3),
      ])
    #expect(attempts.count { $0.wasKilled } == 3)
    try await prove(course, deaths: 3)
  }

  @Test(arguments: [FaultPoint.batchMarked, .batchAfter, .entitiesDone, .entitiesReplaced])
  func `a partition that is replaced is the old one or the new one`(_ point: FaultPoint)
    async throws
  {
    let course = try course(["replace"])
    let probe = SQLiteProbe(path: course.place.file("target.db"))
    try await probe.execute(
      """
      CREATE TABLE results (id TEXT, n BIGINT, day TEXT);
      INSERT INTO results VALUES ('old', 1, '2025-01-29'), ('other', 2, '2025-01-30')
      """)
    let crashed = try await CrashCourse(course.command).attempt(course.command, .crash(at: point))
    #expect(crashed.wasKilled)
    let rows = "SELECT id FROM results WHERE id NOT LIKE 'e%' ORDER BY id"
    #expect(try await probe.literals(rows) == [["\"old\""], ["\"other\""]])
    #expect(try await probe.literals("SELECT count(*) FROM results") == [["2"]])
    _ = try await course.run()
    #expect(try await probe.literals(rows) == [["\"other\""]])
    try await prove(course, deaths: 1)
  }

  @Test func `of two processes on a partition one works and the other is told`() async throws {
    let course = try course(["delay=150"])
    let first = try ChildProcess(course.command)
    let sink = SQLiteSink(path: course.place.file("target.db"))
    while try await sink.entityCheckpoints(EntityCheckpointFilter()).first?.holder == nil {
      try await Task.sleep(for: .milliseconds(5))
    }
    let second = try await ChildProcess(course.command).wait()
    #expect(second.exitCode == 69)
    #expect(second.standardError.contains("process \(first.id) on"))
    let outcome = try await first.wait()
    #expect(outcome.exitCode == 0)
    try await prove(course, deaths: 0)
  }

  @Test func `a process that is stopped and overtaken commits no more`() async throws {
    let course = try course()
    let first = try await stopped(at: .batchComputed, course)
    var successor = course
    successor.arguments.append("take-over")
    let second = try await ChildProcess(successor.command).wait(timeout: .seconds(600))
    #expect(second.exitCode == 0, "\(second)")
    first.wake()
    let outcome = try await first.wait(timeout: .seconds(600))
    #expect(outcome.exitCode == 69, "\(outcome)")
    #expect(try BatchCourse.summary(second).model == (try await model()))
    try await prove(course, deaths: 1)
  }

  /// SQLite's lock is its own until it goes on or ends.
  @Test func `a process that is stopped amid its commit holds the others up, and they say so`()
    async throws
  {
    let course = try course()
    let first = try await stopped(at: .batchBefore, course)
    var successor = course
    successor.arguments.append("take-over")
    let second = try await ChildProcess(successor.command).wait(timeout: .seconds(600))
    #expect(second.exitCode != 0)
    #expect(second.standardError.contains("locked for writing"), "\(second)")
    first.wake()
    #expect(try await first.wait(timeout: .seconds(600)).exitCode == 0)
    try await prove(course, deaths: nil)
  }

  /// A process that stops itself in its third batch.
  private func stopped(at point: FaultPoint, _ course: BatchCourse) async throws -> ChildProcess {
    var stopping = course.command
    stopping.environment["CAIRN_STOP_AT"] = "\(point.rawValue):3"
    let child = try ChildProcess(stopping)
    while !child.isStopped {
      try #require(child.poll() == nil, "\(child.standardError)")
      try await Task.sleep(for: .milliseconds(5))
    }
    return child
  }
}
