import CommandParts
import Testing

/// `--profile`, and the step times in the receipt.
struct ProfileTests {
  @Test func `where the time went is printed beside the receipt`() async throws {
    let load = try SampleLoad(rows: 900, seed: 81)
    let outcome = try await load.place.cairn(
      "load", "transport.dat", "--job", "job.yaml", "--chunk-rows", "150", "--quiet", "--json",
      "--profile")
    #expect(outcome.exitCode == 0, "\(outcome.standardError)")
    // Standard output stays JSON.
    let steps = try outcome.receipt().attemptWork.steps
    let parts = [steps.commits.lock, steps.commits.merge, steps.commits.sync]
    #expect(parts.allSatisfy { $0 > 0 })
    #expect(parts.reduce(0, +) <= steps.commit)
    // SQLite has no COPY.
    #expect(steps.commits.copy == 0)
    let lines = outcome.standardError.split(separator: "\n").map(String.init)
    #expect(lines.first?.hasPrefix("where the time went: attempt 1, ") == true)
    for name in ["read", "parse", "encode", "transform", "stage", "commit", "merge", "sync"] {
      #expect(lines.contains { $0.split(separator: " ").first == name[...] }, "\(name)")
    }
    #expect(lines.last?.contains("peak memory") == true)
  }

  @Test func `nothing is printed where it is not asked for`() async throws {
    let load = try SampleLoad(rows: 150, seed: 82)
    let outcome = try await load.place.cairn(
      "load", "transport.dat", "--job", "job.yaml", "--quiet", "--json")
    #expect(outcome.standardError == "")
  }
}
