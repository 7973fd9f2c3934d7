import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// Jobs in processes of their own that are killed where it hurts, on both sinks.
@Suite(.serialized, .timeLimit(.minutes(20))) struct JiraCrashTests {
  enum Target: String, CaseIterable, Sendable {
    case sqlite, postgres
  }

  private static let server = Task { try await PostgresServer() }

  /// A job on a target of its own.
  private struct Work {
    let jira: Standin
    let target: Target
    let into: String
    let folder: URL
    var arguments: [String]

    init(_ jira: Standin, _ target: Target, _ deployment: JiraDeployment, _ more: [String] = [])
      async throws
    {
      self.jira = jira
      self.target = target
      folder = FileManager.default.temporaryDirectory.appending(path: "jira-\(UUID())")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      switch target {
      case .sqlite: into = "sqlite:" + folder.appending(path: "target.db").path
      case .postgres:
        let server = try await JiraCrashTests.server.value
        let name = "jira_" + UUID().uuidString.lowercased().replacing("-", with: "")
        _ = try await server.run(
          "psql", ["-X", "-q", "-d", server.url(), "-c", "create database \(name)"])
        into = server.url(database: name)
      }
      arguments =
        [
          "type=jira", "url=\(jira.url)", "into=\(into)", "deployment=\(deployment.rawValue)",
          "recovery=resume",
        ] + more
    }

    var command: ChildCommand {
      ChildCommand(CairnBinary.beside("connector-program"), arguments, directory: folder.path)
    }

    func run(through mishaps: [Mishap] = []) async throws -> [ChildOutcome] {
      try await CrashCourse(command, spareAttempts: 6).run(through: mishaps)
    }

    func tables() async throws -> [String: [[String]: Landing.Row]] {
      let tables = try jira.source(.cloud).tables
      switch target {
      case .sqlite:
        return try await LandedTables.sqlite(folder.appending(path: "target.db").path, tables)
      case .postgres:
        return try await LandedTables.postgres(
          try await JiraCrashTests.server.value, into, tables)
      }
    }

    /// Holds the target against the truth.
    func check(_ deployment: JiraDeployment, _ what: Comment = "") async throws {
      let differences = try JiraTruth(try await jira.told("truth?accessible=true"), deployment)
        .differences(from: try await tables())
      #expect(differences.prefix(10) == [], what)
    }

    /// Holds what was asked for again against what kills allow: two partitions are asked at once.
    func expectFewRepetitions(kills: Int, _ what: Comment = "") async throws {
      let pages = try await RepeatedPages.jira(jira)
      #expect(pages.problems(kills: kills, atOnce: 2) == [], what)
    }

    func clean() { try? FileManager.default.removeItem(at: folder) }
  }

  @Test(arguments: Target.allCases, JiraDeployment.allCases)
  func extractsAll(_ target: Target, _ deployment: JiraDeployment) async throws {
    let jira = try await Standin.jira()
    let work = try await Work(jira, target, deployment)
    defer { work.clean() }
    #expect(try await work.run().count == 1)
    try await work.check(deployment)
    #expect(try await jira.told("counts")["repeated"].elements.compactMap(\.text) == [])
  }

  /// How often an undisturbed run comes to the places where it is killed.
  private static let places = Task {
    var places: [Target: KillPlaces] = [:]
    for target in Target.allCases {
      let work = try await Work(
        try await Standin.jira(projects: 2, issues: 25), .sqlite, deployment(target))
      defer { work.clean() }
      places[target] = try KillPlaces(report: try await work.run().last?.standardOutput ?? "")
    }
    return places
  }

  private static func deployment(_ target: Target) -> JiraDeployment {
    target == .sqlite ? .cloud : .dataCenter
  }

  /// Killed at every place around every page, and then gone on with to the end. In PostgreSQL around the
  /// first page, the last and one between, unless all is wanted.
  @Test(arguments: Target.allCases, FaultPoint.ofCursorJobs)
  func endsWithTheTruth(_ target: Target, _ point: FaultPoint) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 25)
    let deployment = Self.deployment(target)
    let places = try #require(try await Self.places.value[target])
    let isEverywhere = target == .sqlite || KillPlaces.isThorough
    for count in isEverywhere ? places.all(at: point) : places.times(at: point) {
      try await jira.tell("counts/reset", "{}")
      let work = try await Work(jira, target, deployment)
      defer { work.clean() }
      let attempts = try await work.run(through: [.crash(at: point, count: count)])
      try await work.check(deployment, "\(point) \(count)")
      #expect(attempts.map(\.wasKilled) == [true, false], "\(point) \(count) was not reached")
      // After the end of a run the next one begins, and has pages of its own.
      if point == .jobEnded { continue }
      try await work.expectFewRepetitions(kills: 1, "\(point) \(count)")
    }
  }

  /// Every attempt commits one page more, and is killed: right after, or in the commit of the next.
  @Test(arguments: Target.allCases, [FaultPoint.jobAfter, .jobBefore])
  func endsWithTheTruthThoughEveryAttemptIsKilled(_ target: Target, _ point: FaultPoint)
    async throws
  {
    let deployment = Self.deployment(target)
    let work = try await Work(try await Standin.jira(projects: 2, issues: 25), target, deployment)
    defer { work.clean() }
    let places = try #require(try await Self.places.value[target])
    let count = point == .jobAfter ? 1 : 2
    let kills = places.undisturbed.generation + 1 - count
    let attempts = try await work.run(
      through: Array(repeating: .crash(at: point, count: count), count: kills + 5))
    #expect(attempts.map(\.wasKilled) == Array(repeating: true, count: kills) + [false])
    try await work.check(deployment)
    try await work.expectFewRepetitions(kills: kills)
  }

  /// Killed twice in a row while it waits, as Jira asked for, at random moments of the wait, and then
  /// gone on with.
  @Test(arguments: Target.allCases)
  func isKilledWhileItWaits(_ target: Target) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 25)
    let work = try await Work(jira, target, .cloud)
    defer { work.clean() }
    for (request, moment) in zip([8, 4], Self.moments(of: target)) {
      try await jira.tell(
        "settings", "{\"faults\":[{\"kind\":\"429\",\"at\":[\(request)],\"retry_after\":600}]}")
      let child = try ChildProcess(work.command)
      while !child.standardError.contains("as the API asked") {
        if let end = child.poll() {
          throw Standin.Failure(description: "it ended (\(end)): \(child.standardError)")
        }
        try await Task.sleep(for: .milliseconds(5))
      }
      try await Task.sleep(for: moment)
      child.kill()
      #expect(try await child.wait().wasKilled)
    }
    #expect(try await work.run().map(\.wasKilled) == [false])
    try await work.check(.cloud)
    try await work.expectFewRepetitions(kills: 2)
  }

  /// When a job is killed, counted from the begin of its wait.
  private static func moments(of target: Target) -> [Duration] {
    Mishap.randomKills(
      seed: target == .sqlite ? 5 : 6, count: 2, within: .milliseconds(300)
    ).compactMap { mishap in
      guard case .kill(let moment) = mishap else { return nil }
      return moment
    }
  }

  @Test(arguments: Target.allCases)
  func endsWithTheTruthThoughKilledAgainAndAgain(_ target: Target) async throws {
    for seed in KillPlaces.seeds {
      let jira = try await Standin.jira(seed: Int(seed), projects: 2, issues: 25)
      try await jira.tell(
        "settings",
        #"{"faults":[{"kind":"429","every":9,"retry_after":0.1},{"kind":"502","every":13}]}"#)
      let work = try await Work(jira, target, .cloud)
      defer { work.clean() }
      _ = try await work.run(
        through: Mishap.randomKills(seed: seed, count: 5, within: .milliseconds(900)))
      try await work.check(.cloud, "seed \(seed)")
    }
  }

  /// The restart that Jira's jobs have by default: the old checkpoint is moved aside, and all is read
  /// again to the same rows.
  @Test(arguments: Target.allCases)
  func aRestartEndsWithTheTruth(_ target: Target) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 25)
    let work = try await Work(jira, target, .cloud, ["recovery=restart"])
    defer { work.clean() }
    let attempts = try await work.run(
      through: [.crash(at: .jobAfter, count: 4), .crash(at: .jobBefore, count: 6)])
    #expect(attempts.count == 3)
    try await work.check(.cloud)
  }

  /// Changes between two runs, deleted issues among them.
  @Test(arguments: Target.allCases)
  func theNextRunFollows(_ target: Target) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 25)
    try await jira.tell("settings", #"{"clock":"real"}"#)
    let work = try await Work(jira, target, .cloud, ["sweep"])
    defer { work.clean() }
    _ = try await work.run()
    try await jira.tell("do", #"{"action":"update","count":10}"#)
    for _ in 0..<3 { try await jira.tell("do", #"{"action":"delete"}"#) }
    try await jira.tell("do", #"{"action":"move","to":"P02"}"#)
    _ = try await work.run(through: [.crash(at: .jobBefore, count: 3)])
    try await work.check(.cloud)
  }
}
