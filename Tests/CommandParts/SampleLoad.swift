package import Cairn
package import CairnTesting
import Foundation

/// A sample on its way into a database under the companion job, and the proof that it arrived.
package final class SampleLoad: Sendable {
  package let place: Workplace
  package let destination: any SampleDestination
  package let expectation: SampleExpectation
  package let mode: LoadMode
  /// Variables for every command.
  package let environment: [String: String?]

  /// The target table.
  package static let table = "transport_documents"

  /// How many rows a chunk has.
  package static let chunkRows = 150

  /// Writes a sample and its job file.
  package init(
    rows: Int, seed: UInt64, mode: LoadMode = .upsert, file: String = "transport.dat",
    environment: [String: String?] = [:], into destination: (Workplace) -> any SampleDestination
  ) throws {
    place = try Workplace()
    self.mode = mode
    self.environment = environment
    self.destination = destination(place)
    expectation = try SampleExtract(rows: rows, seed: seed, badRate: 0.02, duplicateRate: 0.05)
      .writeWithExpectation(to: place.file(file))
    try place.write(
      SampleJob.typed(sink: self.destination.url, mode: mode.rawValue), to: "job.yaml")
  }

  /// What loads it.
  package var arguments: [String] {
    [
      "load", "transport.dat", "--job", "job.yaml", "--chunk-rows", "\(Self.chunkRows)", "--quiet",
      "--json",
    ]
  }

  /// The command that loads it.
  package func command(
    _ more: [String] = [], environment more2: [String: String?] = [:]
  ) -> ChildCommand {
    place.command(arguments + more, environment: environment.merging(more2) { $1 })
  }

  /// Loads it again and again, through mishaps.
  package var course: CrashCourse { CrashCourse(command()) }

  /// Loads it once.
  package func run(
    _ more: String..., environment: [String: String?] = [:]
  ) async throws -> ChildOutcome {
    try await ChildProcess(command(more, environment: environment)).wait()
  }

  /// The table's content.
  package func content() async throws -> SampleContent {
    let columns = try JobFile.read(place.file("job.yaml"), environment: [:]).job.columns ?? []
    return try await destination.content(of: Self.table, columns: columns)
  }

  /// What the table must hold, from the generator's model.
  package var expected: SampleContent {
    mode == .append ? expectation.typed.append : expectation.typed.upsert
  }

  /// What does not hold of a load that is done, however it got there; empty when all is well.
  private func differences() async throws -> [String] {
    var found = expected.differences(from: try await content())
    func compare<Value: Equatable>(_ what: String, _ value: Value, _ expected: Value) {
      if value != expected { found.append("\(what): \(value) instead of \(expected)") }
    }
    let chunkCount = (expectation.rows + Self.chunkRows - 1) / Self.chunkRows
    compare("chunks in the ledger", try await destination.chunks(), Array(0..<chunkCount))
    compare(
      "lines of rejects", try await destination.rejectedLines(),
      expectation.rejectedAsTyped.map(\.line))
    compare("statuses", try await destination.statuses(), ["SUCCESS"])
    // Cleaned up, whatever was killed on the way: no chunk files are left behind.
    let left = place.names("checkpoints").flatMap { place.names("checkpoints/\($0)") }
    compare("files left behind", left, [])
    return found
  }

  /// Proves that a load is done as it should be.
  ///
  /// - Throws: ``Unproved`` with everything that does not hold.
  package func prove(_ circumstances: String = "") async throws {
    let found = try await differences()
    if !found.isEmpty { throw Unproved(circumstances: circumstances, differences: found) }
  }

  /// What does not hold of a load.
  package struct Unproved: Error, CustomStringConvertible {
    var circumstances: String
    var differences: [String]

    package var description: String {
      ([circumstances] + differences).joined(separator: "\n  ")
    }
  }

  /// What a receipt says otherwise than the generator knows; empty when all is well.
  package func differences(in receipt: Receipt) -> [String] {
    var found: [String] = []
    let counts = receipt.counts
    if !counts.addsUp { found.append("the receipt does not add up: \(counts)") }
    for (what, value, expected) in [
      ("rows", counts.rows, expectation.rows),
      ("rejected", counts.rejected, expectation.rejectedAsTyped.count),
      ("inserted", counts.inserted, self.expected.rows),
    ] where value != expected {
      found.append("\(what): \(value) instead of \(expected)")
    }
    return found
  }
}

extension ChildOutcome {
  /// The receipt on standard output.
  package func receipt() throws -> Receipt {
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
