import Cairn
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// Loads from a pipe: converted first, then resumable, and known again however it is cut.
@Suite struct StandardInputLoadTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    let rows = (1...500).map { "\($0),name \($0 % 9)" }
    try place.write("id,name\n" + rows.joined(separator: "\n") + "\n", to: "rows.csv")
  }

  /// Pipes a file into `cairn load -`.
  private func piped(
    _ more: String..., file: String = "rows.csv", crash: FaultPoint? = nil
  ) async throws -> ChildOutcome {
    let load = [
      "load", "-", "--into", "sqlite:t.db", "--table", "t", "--mode", "append", "--json", "--quiet",
    ]
    var command = place.command(load + more)
    command.arguments =
      ["-c", "exec \"$0\" \"$@\" < \(file)", command.executable] + command.arguments
    command.executable = "/bin/sh"
    command.environment["CAIRN_CRASH_AT"] = .some(crash?.rawValue)
    return try await ChildProcess(command).wait()
  }

  private func ids() throws -> [Int] {
    try DatabaseQueue(path: place.file("t.db")).read {
      try Int.fetchAll($0, sql: "SELECT id FROM t ORDER BY id")
    }
  }

  @Test func `the same input cut otherwise is known`() async throws {
    #expect(try await piped("--chunk-rows", "100").exitCode == 0)
    let again = try await piped("--chunk-rows", "70")
    #expect(again.exitCode == 0, "\(again.standardError)")
    #expect(try again.receipt().wasLoadedBefore)
    #expect(try ids() == Array(1...500))
    #expect(place.names("checkpoints") == [])
  }

  @Test func `other input that begins and ends alike is loaded`() async throws {
    #expect(try await piped().exitCode == 0)
    let text = String(decoding: try place.read("rows.csv"), as: UTF8.self)
    try place.write(text.replacing("\n250,", with: "\n950,"), to: "other.csv")
    #expect(try await piped(file: "other.csv").exitCode == 0)
    #expect(try ids().count == 1000)
  }

  @Test func `killed once it is converted, it is resumed without being piped again`() async throws {
    let killed = try await piped("--chunk-rows", "100", crash: .inputConverted)
    #expect(killed.wasKilled)
    let plan = try await place.cairn("resume", "--plan")
    #expect(plan.standardOutput.contains("5 chunks are converted (500 rows)"), "\(plan)")
    let resumed = try await place.cairn("resume", "--json", "--quiet")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(try resumed.receipt().counts.inserted == 500)
    #expect(try ids() == Array(1...500))
    #expect(place.names("checkpoints") == [])
  }

  @Test func `killed amid its run, it is resumed piped again or not`() async throws {
    #expect(try await piped("--chunk-rows", "100", crash: .commitAfter).wasKilled)
    // Cut otherwise: the first run's own chunks go on.
    #expect(try await piped("--chunk-rows", "90", crash: .commitAfter).wasKilled)
    #expect(try ids() == Array(1...200))
    let resumed = try await place.cairn("resume", "--into", "sqlite:t.db", "--json", "--quiet")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(try ids() == Array(1...500))
  }

  @Test func `a lost checkpoint folder is made good by piping it again`() async throws {
    #expect(try await piped("--chunk-rows", "100", crash: .commitAfter).wasKilled)
    try FileManager.default.removeItem(atPath: place.file("checkpoints"))
    let outcome = try await piped("--chunk-rows", "100")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try ids() == Array(1...500))
    #expect(place.names("checkpoints") == [])
  }

  @Test func `input whose target does not fit is kept`() async throws {
    try await DatabaseQueue(path: place.file("t.db")).write {
      try $0.execute(sql: "CREATE TABLE t (id INTEGER)")
    }
    let refused = try await piped()
    #expect(refused.exitCode == 1)
    #expect(refused.standardError.contains("need not be piped again"))
    try await DatabaseQueue(path: place.file("t.db")).write {
      try $0.execute(sql: "ALTER TABLE t ADD COLUMN name TEXT")
    }
    let resumed = try await place.cairn("resume", "--into", "sqlite:t.db", "--json", "--quiet")
    #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    #expect(try ids() == Array(1...500))
  }
}
