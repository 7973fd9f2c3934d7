import Cairn
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// A value that contradicts an inferred type, in append mode, and both ways on from there.
@Suite struct TypeContradictionTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    let rows = (1...60).map { "\($0),\($0 == 52 ? "x7" : "\($0 * 3)")" }
    try place.write("id,amount\n" + rows.joined(separator: "\n") + "\n", to: "rows.csv")
  }

  /// Loads until the contradiction; returns the job file that the message holds.
  private func contradicted() async throws -> String {
    let outcome = try await place.cairn(
      "load", "rows.csv", "--into", "sqlite:t.db", "--table", "t", "--mode", "append",
      "--chunk-rows", "10", "--quiet")
    #expect(outcome.exitCode == 65)
    #expect(outcome.standardError.contains("line 53 has 'x7'"))
    // The chunks just before it may have been on their way.
    #expect((20...50).contains(try amounts().count))
    let lines = outcome.standardError.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex { $0.hasPrefix("job: ") })
    return lines[start...].prefix { !$0.isEmpty }.joined(separator: "\n") + "\n"
  }

  private func amounts() throws -> [String] {
    try DatabaseQueue(path: place.file("t.db")).read {
      try String.fetchAll($0, sql: "SELECT CAST(amount AS TEXT) FROM t ORDER BY id")
    }
  }

  @Test func `with the type kept the run goes on and rejects the row`() async throws {
    let job = try await contradicted()
    try place.write(
      job.replacing("name: amount, type: text", with: "name: amount, type: integer"),
      to: "job.yaml")
    let outcome = try await place.cairn(
      "load", "rows.csv", "--job", "job.yaml", "--json", "--quiet")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    let receipt = try outcome.receipt()
    #expect(receipt.counts.inserted == 59 && receipt.counts.rejected == 1)
    #expect(receipt.attempt == 2)
    #expect(try amounts().count == 59)
    let again = try await place.cairn("load", "rows.csv", "--job", "job.yaml", "--json", "--quiet")
    #expect(try again.receipt().wasLoadedBefore)
  }

  @Test func `with the type widened it is loaded anew, once its rows are gone`() async throws {
    try place.write(try await contradicted(), to: "job.yaml")
    let arguments = ["load", "rows.csv", "--job", "job.yaml", "--json", "--quiet"]
    let changed = try await ChildProcess(place.command(arguments)).wait()
    #expect(changed.exitCode == 1)
    #expect(changed.standardError.contains(#"columns: "inferred" → not set"#))
    let fresh = arguments + ["--fresh"]
    let refused = try await ChildProcess(place.command(fresh)).wait()
    #expect(refused.exitCode == 1)
    #expect(refused.standardError.contains("would load them twice"))
    try await DatabaseQueue(path: place.file("t.db")).write { try $0.execute(sql: "DROP TABLE t") }
    let outcome = try await ChildProcess(place.command(fresh)).wait()
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try amounts().count == 60)
    #expect(try amounts()[51] == "x7")
  }
}
