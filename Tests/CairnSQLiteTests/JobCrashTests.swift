import Cairn
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation
import Testing

/// Kills real processes that run a cursor job, and looks at what is left in the file.
@Suite(.serialized) struct JobCrashTests {
  /// In this state items have notes.
  private let world = ScriptedWorld(repos: 6, items: 13, state: 2)

  private func course(_ more: [String] = []) throws -> JobCourse {
    var course = try JobCourse(["items=13", "state=2"] + more)
    course.arguments.append("into=sqlite:\(course.place.file("target.db"))")
    return course
  }

  /// The target is what the API has, and no more was asked for again than one page of each partition
  /// that was in flight.
  private func prove(_ course: JobCourse, deaths: Int, open: Int) async throws {
    let path = course.place.file("target.db")
    try await JobTarget(path: path).expect(world)
    let requests = try course.requests
    let repeated = requests.count - Set(requests).count
    #expect(Set(requests).count == world.pages(limit: 5))
    #expect(repeated <= deaths * open, "\(repeated) of \(requests.count) requests are repeated")
    let sink = SQLiteSink(path: path)
    let schedule = try #require(try await sink.jobs(named: ["scripted"]).first)
    #expect(schedule.status == .finished)
    #expect(schedule.retryCount == 0)
    let history = try await sink.jobHistory(JobHistoryFilter())
    #expect(history.count { $0.kind == .crashed } == deaths)
    #expect(history.contains { $0.kind == .finished })
    #expect(!history.contains { $0.kind == .inconsistent || $0.kind == .recoveryFailed })
  }

  @Test func `undisturbed`() async throws {
    let course = try course()
    let attempts = try await course.run()
    #expect(attempts.map(\.exitCode) == [0])
    try await prove(course, deaths: 0, open: 0)
  }

  /// Around the first page, the last, and some between.
  @Test(
    arguments: [FaultPoint.jobPageRead, .jobMarked, .jobBefore, .jobAfter], [1, 2, 5, 9, 14, 20])
  func `killed at a page, gone on with`(_ point: FaultPoint, _ count: Int) async throws {
    let course = try course()
    let attempts = try await course.run(through: [.crash(at: point, count: count)])
    #expect(attempts.first?.wasKilled == true, "the fault point was never reached")
    try await prove(course, deaths: 1, open: 6)
  }

  @Test(arguments: [FaultPoint.jobEnding, .jobEnded, .jobDeleted])
  func `killed at its end, or as rows are deleted`(_ point: FaultPoint) async throws {
    let course = try course()
    let attempts = try await course.run(through: [.crash(at: point, count: 1)])
    #expect(attempts.first?.wasKilled == true, "the fault point was never reached")
    guard point != .jobEnded else {
      // All was done: another run looks for what changed.
      return try await JobTarget(path: course.place.file("target.db")).expect(world)
    }
    try await prove(course, deaths: 1, open: 6)
  }

  @Test func `killed twice in a row, and again`() async throws {
    let course = try course(["at-once=1"])
    let attempts = try await course.run(
      through: [
        .crash(at: .jobBefore, count: 4), .crash(at: .jobBefore, count: 1),
        .crash(at: .jobAfter, count: 6),
      ])
    #expect(attempts.count { $0.wasKilled } == 3)
    try await prove(course, deaths: 3, open: 2)
  }

  /// A page that replaces notes leaves a mark by which there may be none of them.
  @Test func `killed once a table that was dropped is there again, and before it is filled`()
    async throws
  {
    let course = try course(["at-once=1"])
    let crashes = CrashCourse(course.command)
    let probe = SQLiteProbe(path: course.place.file("target.db"))
    func attempt(_ mishap: Mishap) async throws -> ChildOutcome {
      try await crashes.attempt(course.command, mishap)
    }
    #expect(try await attempt(.crash(at: .jobAfter, count: 6)).wasKilled)
    let sink = SQLiteSink(path: course.place.file("target.db"))
    let checkpoint = try #require(try await sink.jobCheckpoints(of: "scripted").first)
    #expect(checkpoint.data.contains(#""notes":{"at_least":0,"#), "\(checkpoint.data)")
    #expect(try await !probe.literals("SELECT item FROM notes").isEmpty)
    try await probe.execute("DROP TABLE notes")
    for _ in 0..<2 {
      #expect(try await attempt(.crash(at: .jobPageRead)).wasKilled)
      #expect(try await probe.literals("SELECT item FROM notes") == [])
    }
    #expect(try await attempt(.none).exitCode == 0)
    try await JobTarget(path: course.place.file("target.db")).expect(world)
    let facts = try await sink.jobHistory(JobHistoryFilter(kinds: [.beganAnew]))
    let details = facts.compactMap(\.detail)
    #expect(details.count == 3)
    #expect(details.last?.hasPrefix("'notes' is not there any more") == true)
    #expect(
      details.dropLast().allSatisfy {
        $0.hasPrefix("'notes' was not there, and nothing is committed since")
      }, "\(details)")
  }

  @Test(arguments: 0..<4) func `killed at random, also in waits`(_ run: Int) async throws {
    let course = try course(["delay=10", "wait=60"])
    let mishaps = Mishap.randomKills(
      seed: UInt64(run) &* 31 &+ 7, count: 4, within: .milliseconds(250))
    let attempts = try await course.run(through: mishaps)
    #expect(attempts.last?.exitCode == 0)
    try await JobTarget(path: course.place.file("target.db")).expect(world)
    let requests = try course.requests
    let killed = attempts.count { $0.wasKilled }
    #expect(requests.count - Set(requests).count <= killed * 6)
  }
}

/// The tables of a scripted source in an SQLite file.
struct JobTarget {
  var path: String

  func expect(_ world: ScriptedWorld, sourceLocation: SourceLocation = #_sourceLocation)
    async throws
  {
    let probe = SQLiteProbe(path: path)
    let items = try await probe.literals("SELECT id, repo, n FROM items ORDER BY id")
    #expect(
      items
        == world.items.sorted { $0.id < $1.id }.map {
          ["\($0.id)", SQLiteProbe.literal($0.repo), "\($0.n)"]
        },
      sourceLocation: sourceLocation)
    let notes = try await probe.literals("SELECT item, no, text FROM notes ORDER BY item, no")
    #expect(
      notes
        == world.notes.sorted { ($0.item, $0.no) < ($1.item, $1.no) }
        .map { ["\($0.item)", "\($0.no)", SQLiteProbe.literal($0.text)] },
      sourceLocation: sourceLocation)
  }
}
