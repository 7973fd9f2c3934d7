import Cairn
import CairnPostgres
import CairnTesting
import CommandParts
import Foundation
import Testing

/// Kills real processes that work on entity batches in a real server, and looks at what is left.
@Suite(.serialized) struct BatchCrashTests {
  private struct Course {
    let place: PostgresPlace
    var batches: BatchCourse

    init(_ more: [String] = []) async throws {
      place = try await TestServer.place()
      batches = try BatchCourse(more + ["into=\(place.url)", "schema=\(place.stateSchema)"])
    }

    func prove(deaths: Int?) async throws {
      #expect(
        try await place.probe.query(
          "SELECT count(*), count(DISTINCT id), sum(n) FROM results WHERE day = '2025-01-29'")
          == [["60", "60", "\((0..<60).map { $0 * 7 % 101 }.reduce(0, +))"]])
      let sink = place.sink()
      #expect(try await sink.entityCheckpoints(EntityCheckpointFilter()).isEmpty)
      let history = try await sink.entityAttempts(EntityAttemptFilter())
      #expect(history.first?.ending == .completed)
      if let deaths { #expect(history.filter { $0.ending == .crashed }.count == deaths) }
      #expect(
        try await place.probe.value(
          """
          SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = '\(place.schema)' AND c.relname LIKE 'cairn_shadow%'
          """) == "0")
      // Nothing is left over but the state that the history names.
      #expect(
        try await place.probe.query(
          """
          SELECT state_file FROM \(place.stateSchema).processing_history
          WHERE state_file IS NOT NULL
          """) == batches.place.names("states").map { [$0] })
      let keepsState = !batches.arguments.contains { $0 == "replace" || $0.hasPrefix("at-once") }
      #expect(batches.place.names("states").count == (keepsState ? 1 : 0))
    }
  }

  private func model() async throws -> String? {
    try BatchCourse.summary(try await Course().batches.run().last).model
  }

  @Test(arguments: BatchCrash.points.map(\.point))
  func `killed at a fault point, gone on with`(_ point: FaultPoint) async throws {
    let count = BatchCrash.points.first { $0.point == point }?.count ?? 1
    let course = try await Course()
    let attempts = try await course.batches.run(through: [.crash(at: point, count: count)])
    #expect(attempts.first?.wasKilled == true, "the fault point was never reached")
    let summary = try BatchCourse.summary(attempts.last)
    // All was done, and is not done again: that call only says so.
    let isOver = point == .entitiesCleared
    #expect(summary.attempt == (isOver ? 1 : 2))
    #expect(summary.batches == 0 || !isOver)
    #expect(summary.notes.contains { $0.contains("nothing was processed") } == isOver)
    #expect(summary.model == (try await model()))
    try await course.prove(deaths: isOver ? 0 : 1)
  }

  @Test(arguments: 0..<2)
  func `killed at random, gone on with to the same model`(_ run: Int) async throws {
    let course = try await Course(["delay=20"])
    let mishaps = Mishap.randomKills(
      seed: UInt64(run) &* 29 &+ 3, count: 3, within: .milliseconds(400))
    let attempts = try await course.batches.run(through: mishaps)
    #expect(try BatchCourse.summary(attempts.last).model == (try await model()))
    try await course.prove(deaths: nil)
  }

  @Test func `killed with several batches at once, gaps are filled`() async throws {
    let course = try await Course(["delay=10", "at-once=4", "size=4"])
    let attempts = try await course.batches.run(
      through: [
        .crash(at: .batchBefore, count: 4), .crash(at: .batchAfter, count: 3),
        .crash(at: .batchComputed, count: 3),
      ])
    #expect(attempts.count { $0.wasKilled } == 3)
    try await course.prove(deaths: 3)
  }

  @Test(arguments: [FaultPoint.batchMarked, .batchAfter, .entitiesReplaced])
  func `a partition that is replaced is the old one or the new one`(_ point: FaultPoint)
    async throws
  {
    let course = try await Course(["replace"])
    let probe = course.place.probe
    try await probe.execute(
      """
      CREATE TABLE results (id text, n bigint, day text);
      INSERT INTO results VALUES ('old', 1, '2025-01-29'), ('other', 2, '2025-01-30')
      """)
    let command = course.batches.command
    let crashed = try await CrashCourse(command).attempt(command, .crash(at: point))
    #expect(crashed.wasKilled)
    let rows = "SELECT id FROM results WHERE id NOT LIKE 'e%' ORDER BY id"
    #expect(try await probe.query(rows) == [["old"], ["other"]])
    #expect(try await probe.value("SELECT count(*) FROM results") == "2")
    _ = try await course.batches.run()
    #expect(try await probe.query(rows) == [["other"]])
    try await course.prove(deaths: 1)
  }

  @Test func `of two processes on a partition one works and the other is told`() async throws {
    let course = try await Course(["delay=200"])
    let first = try ChildProcess(course.batches.command)
    let sink = course.place.sink()
    while try await sink.entityCheckpoints(EntityCheckpointFilter()).first?.holder == nil {
      try await Task.sleep(for: .milliseconds(5))
    }
    let second = try await ChildProcess(course.batches.command).wait()
    #expect(second.exitCode == 69)
    #expect(second.standardError.contains("process \(first.id) on"))
    #expect(try await first.wait().exitCode == 0)
    try await course.prove(deaths: 0)
  }

  @Test func `a process that is stopped amid a commit is overtaken, and commits no more`()
    async throws
  {
    let course = try await Course(["delay=20"])
    var stopping = course.batches.command
    stopping.environment["CAIRN_STOP_AT"] = "batch-before:3"
    let first = try ChildProcess(stopping)
    while !first.isStopped, first.poll() == nil { try await Task.sleep(for: .milliseconds(5)) }
    var successor = course.batches
    successor.arguments.append("take-over")
    let second = try await ChildProcess(successor.command).wait()
    #expect(second.exitCode == 0, "\(second.standardError)")
    first.wake()
    #expect(try await first.wait().exitCode != 0)
    #expect(try BatchCourse.summary(second).completedBefore == 20)
    #expect(try BatchCourse.summary(second).model == (try await model()))
    try await course.prove(deaths: 1)
  }
}
