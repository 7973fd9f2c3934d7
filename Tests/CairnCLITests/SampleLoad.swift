import Cairn
import CairnTesting
import Foundation
import GRDB
import Testing

@testable import CairnCLI

/// A sample on its way into SQLite under the companion job, and the proof that it arrived.
final class SampleLoad: Sendable {
  let place: Workplace
  let expectation: SampleExpectation
  let mode: LoadMode

  static let table = "transport_documents"

  init(rows: Int, seed: UInt64, mode: LoadMode = .upsert, file: String = "transport.dat") throws {
    place = try Workplace()
    self.mode = mode
    expectation = try SampleExtract(rows: rows, seed: seed, badRate: 0.02, duplicateRate: 0.05)
      .writeWithExpectation(to: place.file(file))
    try place.write(
      SampleJob.typed(sink: "sqlite:transport.db", mode: mode.rawValue), to: "job.yaml")
  }

  var arguments: [String] {
    ["load", "transport.dat", "--job", "job.yaml", "--chunk-rows", "150", "--quiet", "--json"]
  }

  var course: CrashCourse { CrashCourse(place.command(arguments)) }

  /// The table's content.
  func content() throws -> SampleContent {
    let columns = try JobFile.read(place.file("job.yaml"), environment: [:]).job.columns ?? []
    return try SampleTable(database: place.file("transport.db"), table: Self.table)
      .content(columns: columns)
  }

  /// Everything that must hold once a load is done, however it got there.
  func prove(_ comment: Comment? = nil) throws {
    let targets = expectation.typed
    let expected = mode == .append ? targets.append : targets.upsert
    #expect(expected.differences(from: try content()) == [], comment)
    let database = try DatabaseQueue(path: place.file("transport.db"))
    try database.read { connection in
      let chunks = try Int.fetchAll(
        connection,
        sql: """
          SELECT l.chunk_id FROM cairn_chunk_ledger l JOIN cairn_sync_metadata m USING (sync_id)
          WHERE m.abandoned_at IS NULL ORDER BY l.chunk_id
          """)
      #expect(chunks == Array(0..<(expectation.rows + 149) / 150), comment)
      let lines = try Int.fetchAll(
        connection, sql: "SELECT line FROM cairn_rejects ORDER BY line")
      #expect(lines == expectation.rejectedAsTyped.map(\.line), comment)
      let statuses = try String.fetchAll(
        connection, sql: "SELECT status FROM cairn_sync_metadata")
      #expect(statuses == ["SUCCESS"], comment)
    }
    // Cleaned up, whatever was killed on the way: no chunk files are left behind.
    let left = place.names("checkpoints").flatMap { place.names("checkpoints/\($0)") }
    #expect(left == [], comment)
  }

  /// The receipt adds up, and says what the generator knows.
  func check(_ receipt: Receipt, _ comment: Comment? = nil) {
    #expect(receipt.counts.addsUp, comment)
    #expect(receipt.counts.rows == expectation.rows, comment)
    #expect(receipt.counts.rejected == expectation.rejectedAsTyped.count, comment)
    let targets = expectation.typed
    let inserted = mode == .append ? targets.append.rows : targets.upsert.rows
    #expect(receipt.counts.inserted == inserted, comment)
  }
}

extension ChildOutcome {
  /// The receipt on standard output.
  func receipt() throws -> Receipt {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .custom { path in
      let words = (path.last?.stringValue ?? "").split(separator: "_").map(String.init)
      let name = (words.first ?? "") + words.dropFirst().map(\.capitalized).joined()
      return JSONKey(stringValue: name == "syncId" ? "syncID" : name)
    }
    return try decoder.decode(Receipt.self, from: Data(standardOutput.utf8))
  }
}

private struct JSONKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
