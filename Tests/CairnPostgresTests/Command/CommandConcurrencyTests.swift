import Cairn
import CairnTesting
import CommandParts
import Foundation
import Testing

/// Several processes on one table of a server.
@Suite(.serialized) struct CommandConcurrencyTests {
  @Test func `of two loads begun at once in append mode one loads`() async throws {
    let load = try await SampleLoad(rows: 1_500, seed: 51, mode: .append)
    let first = try ChildProcess(load.command())
    let second = try ChildProcess(load.command())
    let outcomes = [try await first.wait(), try await second.wait()]
    let codes = outcomes.compactMap(\.exitCode).sorted()
    // The loser was refused, or came when all was done.
    #expect(codes == [0, 69] || codes == [0, 0], "\(outcomes.map(\.standardError))")
    try await load.prove()
  }

  private func write(_ ids: Range<Int>, _ day: String, in place: Workplace) throws {
    let rows = ids.map { "\($0)~^\(day)" }
    try place.write("id~^day\n" + rows.joined(separator: "\n") + "\n", to: "\(day).dat")
  }

  private func command(
    _ day: String, in place: Workplace, into url: String, crashing: String? = nil
  ) -> ChildCommand {
    place.command(
      [
        "load", "\(day).dat", "--into", url, "--table", "t", "--key", "id", "--chunk-rows", "50",
        "--quiet",
      ], environment: ["CAIRN_CRASH_AT": crashing])
  }

  @Test func `two files with common keys at once lose nothing, and neither waits for ever`()
    async throws
  {
    let place = try Workplace()
    let server = try await TestServer.place()
    let url = server.url + "&state_schema=\(server.stateSchema)"
    try write(0..<1_000, "left", in: place)
    try write(500..<1_500, "right", in: place)
    let left = try ChildProcess(command("left", in: place, into: url))
    let right = try ChildProcess(command("right", in: place, into: url))
    for outcome in [try await left.wait(), try await right.wait()] {
      #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    }
    // The run that began later wins, whichever that is.
    let later = try #require(
      try await server.probe.value(
        "SELECT file_name FROM \(server.stateSchema).sync_metadata ORDER BY sequence DESC"))
    let isLeft = later.hasPrefix("left")
    #expect(
      try await server.probe.query("SELECT day, count(*) FROM t GROUP BY day ORDER BY day")
        == [["left", isLeft ? "1000" : "500"], ["right", isLeft ? "500" : "1000"]])
    let counted = try await server.probe.value(
      "SELECT sum(records_total) FROM \(server.stateSchema).sync_metadata")
    #expect(counted == "2000")
  }

  @Test func `Monday's run resumed on Wednesday does not overwrite Tuesday's rows`() async throws {
    let place = try Workplace()
    let server = try await TestServer.place()
    let url = server.url + "&state_schema=\(server.stateSchema)"
    try write(0..<900, "monday", in: place)
    try write(500..<1_000, "tuesday", in: place)
    let monday = try await ChildProcess(
      command("monday", in: place, into: url, crashing: "commit-before:4")
    ).wait()
    #expect(monday.wasKilled)
    let tuesday = try await ChildProcess(command("tuesday", in: place, into: url)).wait()
    #expect(tuesday.exitCode == 0, "\(tuesday.standardError)")
    let wednesday = try await ChildProcess(command("monday", in: place, into: url)).wait()
    #expect(wednesday.exitCode == 0, "\(wednesday.standardError)")
    #expect(
      try await server.probe.query("SELECT day, count(*) FROM t GROUP BY day ORDER BY day")
        == [["monday", "500"], ["tuesday", "500"]])
  }
}
