import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

@testable import CairnConnectors

/// Jobs in processes of their own that are killed where it hurts, on both sinks.
@Suite(.serialized, .timeLimit(.minutes(20))) struct GitHubCrashTests {
  enum Target: String, CaseIterable, Sendable {
    case sqlite, postgres
  }

  private static let server = Task { try await PostgresServer() }

  /// A job on a target of its own.
  private struct Work {
    let gitHub: Standin
    let target: Target
    let into: String
    let folder: URL
    let arguments: [String]

    init(_ gitHub: Standin, _ target: Target, _ more: [String] = []) async throws {
      self.gitHub = gitHub
      self.target = target
      folder = FileManager.default.temporaryDirectory.appending(path: "github-\(UUID())")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      switch target {
      case .sqlite: into = "sqlite:" + folder.appending(path: "target.db").path
      case .postgres:
        let server = try await GitHubCrashTests.server.value
        let name = "github_" + UUID().uuidString.lowercased().replacing("-", with: "")
        _ = try await server.run(
          "psql", ["-X", "-q", "-d", server.url(), "-c", "create database \(name)"])
        into = server.url(database: name)
      }
      arguments = ["type=github", "url=\(gitHub.url)", "into=\(into)", "records=5"] + more
    }

    var command: ChildCommand {
      ChildCommand(CairnBinary.beside("connector-program"), arguments, directory: folder.path)
    }

    func run(
      through mishaps: [Mishap] = [], doneCodes: Set<Int32> = [0]
    ) async throws -> [ChildOutcome] {
      try await CrashCourse(command, doneCodes: doneCodes, spareAttempts: 6)
        .run(through: mishaps)
    }

    func rows() async throws -> [String: [[String: String]]] {
      let options = GitHubOptions(credentials: .anonymous, owners: ["octo"])
      let tables = try GitHubSource(options).tables
      let found =
        switch target {
        case .sqlite:
          try await LandedTables.sqlite(folder.appending(path: "target.db").path, tables)
        case .postgres:
          try await LandedTables.postgres(
            try await GitHubCrashTests.server.value, into, tables)
        }
      return found.mapValues { Array($0.values) }
    }

    func differences() async throws -> [String] {
      let rows = try await rows()
      return try await GitHubTruth(gitHub).differences { rows[$0] ?? [] }
    }

    /// Holds what was asked for again against what kills allow.
    ///
    /// Two partitions are asked at once, and as many more may be staged or committed meanwhile.
    func expectFewRepetitions(kills: Int, _ what: Comment = "") async throws {
      let pages = try await RepeatedPages.gitHub(gitHub)
      #expect(pages.problems(kills: kills, atOnce: 4) == [], what)
    }

    func clean() { try? FileManager.default.removeItem(at: folder) }
  }

  @Test(arguments: Target.allCases)
  func extractsAll(_ target: Target) async throws {
    let gitHub = try await Standin.gitHub()
    let work = try await Work(gitHub, target)
    defer { work.clean() }
    #expect(try await work.run().count == 1)
    #expect(try await work.differences() == [])
    #expect(try await gitHub.told("counts")["repeated"].elements.isEmpty)
  }

  /// How often an undisturbed run comes to the places where it is killed.
  private static let places = Task {
    let work = try await Work(try await Standin.gitHub(), .sqlite)
    defer { work.clean() }
    return try KillPlaces(report: try await work.run().last?.standardOutput ?? "")
  }

  /// Killed at every place around every page, and then gone on with to the end. In PostgreSQL around the
  /// first page, the last and one between, unless all is wanted.
  @Test(arguments: Target.allCases, FaultPoint.ofCursorJobs)
  func endsWithTheTruth(_ target: Target, _ point: FaultPoint) async throws {
    let gitHub = try await Standin.gitHub()
    let places = try await Self.places.value
    let isEverywhere = target == .sqlite || KillPlaces.isThorough
    for count in isEverywhere ? places.all(at: point) : places.times(at: point) {
      try await gitHub.tell("counts/reset", "{}")
      let work = try await Work(gitHub, target)
      defer { work.clean() }
      let attempts = try await work.run(through: [.crash(at: point, count: count)])
      #expect(attempts.map(\.wasKilled) == [true, false], "\(point) \(count) was not reached")
      #expect(try await work.differences() == [], "\(point) \(count)")
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
    let work = try await Work(try await Standin.gitHub(), target)
    defer { work.clean() }
    let commits = try await Self.places.value.undisturbed.generation
    let count = point == .jobAfter ? 1 : 2
    let kills = commits + 1 - count
    let attempts = try await work.run(
      through: Array(repeating: .crash(at: point, count: count), count: kills + 5))
    #expect(attempts.map(\.wasKilled) == Array(repeating: true, count: kills) + [false])
    #expect(try await work.differences() == [])
    try await work.expectFewRepetitions(kills: kills)
  }

  @Test(arguments: Target.allCases)
  func endsWithTheTruthThoughKilledAgainAndAgain(_ target: Target) async throws {
    for seed in KillPlaces.seeds {
      let gitHub = try await Standin.gitHub(seed: Int(seed))
      try await gitHub.tell(
        "settings",
        """
        {"random_faults": {"seed": \(seed), "rate": 0.1, "kinds": ["502", "cut_body", "refuse"]}, \
        "heavy": {"nodes": 900, "kind": "502"}}
        """)
      let work = try await Work(gitHub, target)
      defer { work.clean() }
      _ = try await work.run(
        through: Mishap.randomKills(seed: seed, count: 5, within: .milliseconds(900)))
      #expect(try await work.differences() == [], "seed \(seed)")
    }
  }

  /// Killed twice in a row while it waits for the limit, at random moments of the wait, and then gone on
  /// with.
  @Test(arguments: Target.allCases)
  func isKilledWhileItWaits(_ target: Target) async throws {
    let gitHub = try await Standin.gitHub()
    let work = try await Work(gitHub, target)
    defer { work.clean() }
    for (budget, moment) in zip([4, 5], Self.moments(of: target)) {
      try await gitHub.tell(
        "settings",
        "{\"rate_limit\": {\"limit\": 5000, \"remaining\": \(budget), \"reset_in\": 600}}")
      let child = try ChildProcess(work.command)
      try await untilItWaits(child)
      try await Task.sleep(for: moment)
      child.kill()
      #expect(try await child.wait().wasKilled)
    }
    try await gitHub.tell(
      "settings", "{\"rate_limit\": {\"limit\": 5000, \"remaining\": 5000, \"reset_in\": 600}}")
    #expect(try await work.run().count == 1)
    #expect(try await work.differences() == [])
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

  /// Waits until a child says that it waits for the limit.
  private func untilItWaits(_ child: ChildProcess) async throws {
    while !child.standardError.contains("waiting for rate limit until") {
      if let end = child.poll() {
        throw Standin.Failure(description: "it ended (\(end)): \(child.standardError)")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// What changes between two runs, and what was deleted.
  @Test(arguments: Target.allCases)
  func theNextRunFollows(_ target: Target) async throws {
    let gitHub = try await Standin.gitHub()
    try await gitHub.tell("settings", #"{"clock": "real"}"#)
    let work = try await Work(gitHub, target, ["sweep"])
    defer { work.clean() }
    _ = try await work.run()
    try await gitHub.tell("do", #"{"action": "update", "count": 12}"#)
    try await gitHub.tell(
      "do", #"{"action": "create", "repository": "octo/repo-0001", "what": "issues", "count": 2}"#)
    for _ in 0..<3 {
      try await gitHub.tell("do", #"{"action": "delete", "repository": "octo/repo-0001"}"#)
    }
    _ = try await work.run(through: [.crash(at: .jobBefore, count: 3)])
    #expect(try await work.differences() == [])
  }

  /// A repository that is forbidden is reported, and read again once it may be.
  @Test func aForbiddenRepositoryIsReadLater() async throws {
    let gitHub = try await Standin.gitHub()
    try await gitHub.tell("settings", #"{"clock": "real"}"#)
    let work = try await Work(gitHub, .sqlite, ["sweep"])
    defer { work.clean() }
    // It is known by then, and forbidden while its pull requests are to be read.
    try await gitHub.tell(
      "do", #"{"action": "forbid", "repository": "octo/repo-0001", "after": 2}"#)
    let outcome = try #require(try await work.run(doneCodes: [0, 2]).last)
    #expect(outcome.exitCode == 2)
    // JSON may escape a slash.
    #expect(outcome.standardOutput.replacing("\\/", with: "/").contains("octo/repo-0001"))
    #expect(try await work.rows()["pull_requests"]?.isEmpty == false)
    try await gitHub.tell("do", #"{"action": "restore", "repository": "octo/repo-0001"}"#)
    // Links of others to its issues could not be seen, and no pull request changes by being able to see
    // them: the sweep reads them.
    #expect(try await work.run().last?.exitCode == 0)
    #expect(try await work.differences() == [])
  }
}
