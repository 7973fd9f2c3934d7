import CairnTesting
import CommandParts
import Foundation
import GRDB
import Testing

/// A real file, without a job file: 336,776 flights, missing values written `NA`.
///
/// The data is optional: `CAIRN_SHARED` names the folder that has `data/flights.csv.gz`. The tests
/// load its first 20,000 rows, or all with `CAIRN_FLIGHTS_ROWS=0`.
@Suite(.serialized) struct FlightsTests {
  static let path: String? = {
    let environment = ProcessInfo.processInfo.environment
    let folder = environment["CAIRN_SHARED"] ?? "../shared"
    let path = URL(fileURLWithPath: folder).appendingPathComponent("data/flights.csv.gz").path
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  static let rows = Int(ProcessInfo.processInfo.environment["CAIRN_FLIGHTS_ROWS"] ?? "") ?? 20_000

  private struct Sums: Decodable, Equatable {
    var rows: Int
    var filled: [String: Int]
    var sums: [String: Int]
  }

  /// What Python's csv module says.
  private func expected(key: [String]) async throws -> Sums {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../Peers/flights_sums.py").standardizedFileURL.path
    let outcome = try await ChildProcess(
      ChildCommand(
        "/usr/bin/env", ["python3", script, Self.path ?? "", "\(Self.rows)"] + key)
    ).wait()
    return try JSONDecoder().decode(Sums.self, from: Data(outcome.standardOutput.utf8))
  }

  private func found(_ database: String, columns: [String], sums: [String]) throws -> Sums {
    try DatabaseQueue(path: database).read { connection in
      var result = Sums(rows: 0, filled: [:], sums: [:])
      result.rows = try Int.fetchOne(connection, sql: "SELECT count(*) FROM flights") ?? 0
      for column in columns {
        result.filled[column] = try Int.fetchOne(
          connection, sql: "SELECT count(\"\(column)\") FROM flights")
      }
      for column in sums {
        result.sums[column] = try Int.fetchOne(
          connection, sql: "SELECT sum(\"\(column)\") FROM flights")
      }
      return result
    }
  }

  @Test(
    "flights load with the types a person would give, as Python reads them",
    .enabled(if: path != nil, "data/flights.csv.gz is not there; set CAIRN_SHARED"),
    arguments: [[], ["year", "month", "day", "carrier", "flight", "origin"]])
  func flights(_ key: [String]) async throws {
    let place = try Workplace()
    var source = try #require(Self.path)
    if Self.rows > 0 {
      // The head of the file, plain.
      let head = try await ChildProcess(
        ChildCommand(
          "/bin/sh", ["-c", "zcat '\(source)' | head -\(Self.rows + 1) > flights.csv"],
          directory: place.path)
      ).wait()
      try #require(head.exitCode == 0)
      source = place.file("flights.csv")
    }
    var arguments = [
      "load", source, "--into", "sqlite:x.db", "--table", "flights", "--null", "NA", "--quiet",
    ]
    if !key.isEmpty { arguments += ["--key", key.joined(separator: ",")] }
    let outcome = try await ChildProcess(place.command(arguments)).wait(timeout: .seconds(600))
    try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    let expected = try await expected(key: key)
    let found = try found(
      place.file("x.db"), columns: Array(expected.filled.keys), sums: Array(expected.sums.keys))
    #expect(found == expected)
    let types = try await DatabaseQueue(path: place.file("x.db")).read {
      try Row.fetchAll($0, sql: "SELECT name, type FROM pragma_table_info('flights')")
        .reduce(into: [String: String]()) { $0[$1["name"]] = $1["type"] }
    }
    for column in ["year", "dep_time", "dep_delay", "flight", "distance"] {
      #expect(types[column] == "INTEGER" || types[column] == "BIGINT", "\(column)")
    }
    for column in ["carrier", "tailnum", "origin", "dest"] { #expect(types[column] == "TEXT") }
  }
}
