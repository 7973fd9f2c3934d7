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

  /// Killed at every place around a page, the first, the last and one between, and then gone on with to
  /// the end.
  @Test(arguments: Target.allCases, FaultPoint.ofCursorJobs)
  func endsWithTheTruth(_ target: Target, _ point: FaultPoint) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 25)
    let deployment = Self.deployment(target)
    for count in try #require(try await Self.places.value[target]).times(at: point) {
      try await jira.tell("counts/reset", "{}")
      let work = try await Work(jira, target, deployment)
      defer { work.clean() }
      let attempts = try await work.run(through: [.crash(at: point, count: count)])
      try await work.check(deployment, "\(point) \(count)")
      #expect(attempts.map(\.wasKilled) == [true, false], "\(point) \(count) was not reached")
      // After the end of a run the next one begins, and has pages of its own.
      if point == .jobEnded { continue }
      // A page of each partition in flight, at most, is asked for again: with two at once, two of them.
      let pages = try await repeatedPages(jira)
      #expect(pages.count <= 2, "\(point) \(count): \(pages)")
    }
  }

  /// The searches that were answered more than once.
  private func repeatedPages(_ jira: Standin) async throws -> [String] {
    try await jira.told("counts")["repeated"].elements.compactMap { $0["page"].string }
      .filter { $0.contains("search") }
  }

  /// Killed while it waits, as Jira asked for, and then gone on with.
  @Test(arguments: Target.allCases)
  func isKilledWhileItWaits(_ target: Target) async throws {
    let jira = try await Standin.jira(projects: 2, issues: 25)
    let work = try await Work(jira, target, .cloud)
    defer { work.clean() }
    try await jira.tell(
      "settings", #"{"faults":[{"kind":"429","at":[8],"retry_after":600}]}"#)
    let child = try ChildProcess(work.command)
    while !child.standardError.contains("as the API asked") {
      if let end = child.poll() {
        throw Standin.Failure(description: "it ended (\(end)): \(child.standardError)")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    child.kill()
    #expect(try await child.wait().wasKilled)
    #expect(try await work.run().map(\.wasKilled) == [false])
    try await work.check(.cloud)
    #expect(try await repeatedPages(jira).count <= 2)
  }

  @Test(arguments: Target.allCases)
  func endsWithTheTruthThoughKilledAgainAndAgain(_ target: Target) async throws {
    for seed: UInt64 in 1...3 {
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

  @Test(arguments: Target.allCases)
  func aTokenIsNowhere(_ target: Target) async throws {
    let jira = try await Standin.jira(projects: 1, issues: 5, ["--token", "swordfish-4711"])
    let work = try await Work(jira, target, .cloud, ["token=swordfish-4711"])
    defer { work.clean() }
    let outcome = try #require(try await work.run().last)
    var all = outcome.standardOutput + outcome.standardError
    if target == .sqlite {
      let file = try Data(contentsOf: work.folder.appending(path: "target.db"))
      all += String(decoding: file, as: UTF8.self)
    } else {
      all += try await Self.server.value.run("pg_dump", ["-d", work.into])
    }
    #expect(all.contains("jira_issues"))
    for secret in try await jira.told("authorizations").elements.compactMap(\.string) {
      #expect(!all.contains(secret.split(separator: " ").last ?? "?"))
    }
    #expect(!all.contains("swordfish-4711"))
  }
}
