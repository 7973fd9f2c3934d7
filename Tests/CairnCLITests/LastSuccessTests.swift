import Cairn
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// `cairn status --max-age`, for monitors.
@Suite struct LastSuccessTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.write("id,name\n1,a\n2,b\n", to: "a.csv")
  }

  private struct Report: Decodable {
    struct Run: Decodable { var table: String }
    var verdict: String
    var maxAgeSeconds: Int
    var ageSeconds: Int?
    var run: Run?
  }

  private func status(_ arguments: String...) async throws -> (code: Int32?, report: Report) {
    let outcome = try await ChildProcess(
      place.command(["status", "--into", "sqlite:t.db", "--json"] + arguments)
    ).wait()
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let report = try decoder.decode(Report.self, from: Data(outcome.standardOutput.utf8))
    return (outcome.exitCode, report)
  }

  private func load(_ file: String, into table: String) async throws {
    let outcome = try await place.cairn(
      "load", file, "--into", "sqlite:t.db", "--table", table, "--quiet")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
  }

  private func change(_ sql: String) async throws {
    try await DatabaseQueue(path: place.file("t.db")).write { try $0.execute(sql: sql) }
  }

  private func completed(secondsAgo: Int, table: String) async throws {
    try await change(
      """
      UPDATE cairn_sync_metadata
      SET completed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-\(secondsAgo) seconds')
      WHERE table_name = '\(table)'
      """)
  }

  @Test func `young enough, too old, none`() async throws {
    try await load("a.csv", into: "one")
    try await load("a.csv", into: "two")
    try await completed(secondsAgo: 3700, table: "one")
    try await completed(secondsAgo: 90_000, table: "two")

    let young = try await status("--max-age", "1h10m")
    #expect(young.code == 0)
    #expect(young.report.verdict == "ok" && young.report.maxAgeSeconds == 4200)
    #expect(young.report.run?.table == "one")
    #expect((3700...3760).contains(young.report.ageSeconds ?? 0))

    let old = try await status("--max-age", "1h")
    #expect(old.code == 1 && old.report.verdict == "too_old")

    // The newest run is not the last success: `two` began later and ended earlier.
    let other = try await status("--max-age", "24h", "--table", "two")
    #expect(other.code == 1 && other.report.run?.table == "two")
    #expect(try await status("--max-age", "26h", "--table", "two").code == 0)
    #expect(try await status("--max-age", "26h", "--job-name", "load_two").code == 0)
    let none = try await status("--max-age", "26h", "--job-name", "load_three")
    #expect(none.code == 1 && none.report.verdict == "none" && none.report.run == nil)
  }

  @Test(
    "What is no success",
    arguments: ["status = 'PARTIAL_SUCCESS'", "status = 'FAILED'", "abandoned_at = completed_at"])
  func noSuccess(change: String) async throws {
    try await load("a.csv", into: "one")
    #expect(try await status("--max-age", "1h").code == 0)
    try await self.change("UPDATE cairn_sync_metadata SET \(change)")
    let report = try await status("--max-age", "1h")
    #expect(report.code == 1 && report.report.verdict == "none")
  }

  @Test func `in words`() async throws {
    try await load("a.csv", into: "one")
    let young = try await place.cairn("status", "--into", "sqlite:t.db", "--max-age", "26h")
    #expect(young.exitCode == 0)
    #expect(young.standardOutput.hasPrefix("OK the last success is "))
    #expect(young.standardOutput.contains("old, at most 1d2h: sync_"))
    try await completed(secondsAgo: 100_000, table: "one")
    let old = try await place.cairn("status", "--into", "sqlite:t.db", "--max-age", "26h")
    #expect(old.exitCode == 1)
    #expect(old.standardOutput.contains("TOO OLD the last success is 1d3h46m4"))
    let none = try await place.cairn(
      "status", "--into", "sqlite:t.db", "--max-age", "26h", "--table", "three")
    #expect(none.exitCode == 1)
    #expect(
      none.standardOutput
        == "NO SUCCESS none of the runs into table three in sqlite:t.db has succeeded\n")
    #expect(none.standardError == "")
  }

  @Test func `what makes no sense is a usage error`() async throws {
    try await load("a.csv", into: "one")
    let duration = try await place.cairn("status", "--into", "sqlite:t.db", "--max-age", "26")
    #expect(duration.exitCode == 64)
    let both = try await place.cairn(
      "status", "sync_20250129_143022_a3f4b2c1", "--into", "sqlite:t.db", "--max-age", "26h")
    #expect(both.exitCode == 64)
  }

  @Test func `a table or job also chooses the run that is shown`() async throws {
    try await load("a.csv", into: "one")
    try await load("a.csv", into: "two")
    for choice in [["--table", "one"], ["--job-name", "load_one"]] {
      let shown = try await ChildProcess(
        place.command(["status", "--into", "sqlite:t.db"] + choice)
      ).wait()
      #expect(shown.standardOutput.contains("table      one"), "\(shown)")
    }
  }
}
