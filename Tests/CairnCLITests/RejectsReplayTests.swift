import Cairn
import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// Rejects that are written out, corrected and loaded again.
@Suite struct RejectsReplayTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    try place.write(
      """
      id;name;amount
      1;José;10
      2;Ana;ten
      1;José;x1
      3;"quoted; and; more";-
      4;Eva;40
      """ + "\n", to: "rows.csv")
    try place.write(
      """
      job: amounts
      source: { path: rows.csv, delimiter: ";", quote: '"', nulls: [""] }
      columns:
        - { name: id, type: integer, required: true }
        - { name: name, type: text }
        - { name: amount, type: integer, min: 0 }
        - { name: number, lineage: row }
      sink: { url: "sqlite:t.db", table: t, key: [id] }
      errors: { max_rate: 0.9 }
      """, to: "job.yaml")
  }

  private func rows() throws -> [String] {
    try DatabaseQueue(path: place.file("t.db")).read {
      try String.fetchAll(
        $0, sql: "SELECT id || '|' || name || '|' || amount || '|' || number FROM t ORDER BY id")
    }
  }

  private func load() async throws -> String {
    let outcome = try await place.cairn("load", "--job", "job.yaml", "--json", "--quiet")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    #expect(try rows() == ["1|José|10|1", "4|Eva|40|5"])
    return "\(try outcome.receipt().syncID)"
  }

  @Test(arguments: ["csv", "json"])
  func `corrected rows land, the others stay`(_ format: String) async throws {
    let run = try await load()
    let written = try await place.cairn("rejects", run, "--into", "sqlite:t.db", "--format", format)
      .standardOutput
    let corrected =
      written
      // Columns in which the reasons show the values are left alone: only raw counts.
      .replacing("2;Ana;ten", with: "2;Ana;20").replacing("1;José;x1", with: "1;José;-5")
    try place.write(corrected, to: "corrected")
    let outcome = try await place.cairn(
      "rejects", "replay", run, "corrected", "--into", "sqlite:t.db")
    #expect(outcome.exitCode == 2, "\(outcome)")
    #expect(outcome.standardOutput.contains("1 inserted"))
    #expect(outcome.standardOutput.contains("line 4: amount: '-5' is less than 0"))
    #expect(outcome.standardOutput.contains("1 as they were rejected"))
    #expect(try rows() == ["1|José|10|1", "2|Ana|20|2", "4|Eva|40|5"])

    try place.write(
      corrected.replacing("1;José;-5", with: "1;José;11").replacing(";-", with: ";30"),
      to: "corrected")
    let again = try await place.cairn(
      "rejects", "replay", run, "corrected", "--into", "sqlite:t.db", "--json")
    #expect(try rows() == ["1|José|11|3", "2|Ana|20|2", "3|quoted; and; more|30|4", "4|Eva|40|5"])
    // Line 3 was settled before; its row is still in the file.
    #expect(again.standardOutput.contains("no open reject of the run is on this line"))
    let left = try await place.cairn("rejects", run, "--into", "sqlite:t.db", "--format", "raw")
    #expect(left.exitCode == 0 && left.standardOutput == "")
  }

  @Test func `a newer row is not overwritten`() async throws {
    let run = try await load()
    try place.write("id;name;amount\n2;Bea;99\n", to: "later.csv")
    let later = try await place.cairn("load", "later.csv", "--job", "job.yaml", "--quiet")
    #expect(later.exitCode == 0, "\(later.standardError)")
    try place.write("line,raw\n3,2;Ana;20\n", to: "corrected.csv")
    let outcome = try await place.cairn(
      "rejects", "replay", run, "corrected.csv", "--into", "sqlite:t.db")
    #expect(outcome.exitCode == 0, "\(outcome)")
    #expect(outcome.standardOutput.contains("1 superseded"))
    #expect(try rows().contains("2|Bea|99|1"))
  }

  @Test func `what is no list of corrected rows is refused`() async throws {
    let run = try await load()
    try place.write("a,b\n1,2\n", to: "other.csv")
    let outcome = try await place.cairn(
      "rejects", "replay", run, "other.csv", "--into", "sqlite:t.db")
    #expect(outcome.exitCode == 64)
    #expect(outcome.standardError.contains("no columns line and raw"))
    // Two rows in the place of one.
    try place.write("line,raw\n3,\"2;Ana;20\n7;New;1\"\n", to: "two.csv")
    let two = try await place.cairn("rejects", "replay", run, "two.csv", "--into", "sqlite:t.db")
    #expect(two.exitCode == 2)
    #expect(two.standardOutput.contains("it is not one row"))
    #expect(try rows().count == 2)
  }
}
