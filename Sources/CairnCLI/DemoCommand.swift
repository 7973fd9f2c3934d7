import ArgumentParser
import Cairn
import CairnTesting
import Foundation

/// `cairn demo`.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Generate a file, load it, kill the load at 60 %, resume it, prove the result.")

  @Option(name: .long, help: "How many rows.")
  var rows: Int = 150_000

  @Option(name: .long, help: "The seed of the file.")
  var seed: UInt64 = 20_250_129

  @Flag(name: .long, help: "Keep the folder that the demo works in.")
  var keep = false

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("cairn-demo-\(ProcessInfo.processInfo.processIdentifier)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { if !keep { try? FileManager.default.removeItem(at: folder) } }
      try await Demonstration(folder: folder.path, rows: rows, seed: seed).run()
      if keep { Terminal.note("kept \(folder.path)") }
    }
  }
}

/// The demo's steps.
private struct Demonstration {
  let folder: String
  let rows: Int
  let seed: UInt64

  private var job: String { folder + "/transport.yaml" }
  private var database: String { folder + "/transport.db" }

  func run() async throws {
    step("cairn sample --rows \(rows) --seed \(seed) transport.dat")
    let expectation = try SampleExtract(rows: rows, seed: seed)
      .writeWithExpectation(to: folder + "/transport.dat")
    try Data(SampleJob.typed(sink: "sqlite:transport.db").utf8)
      .write(to: URL(fileURLWithPath: job))
    say(
      "\(Readable.count(expectation.rows)) rows, \(Readable.bytes(expectation.bytes)),"
        + " \(Readable.count(expectation.defects.count)) of them planted to be rejected")

    step("cairn load transport.dat --job transport.yaml      (killed with SIGKILL at 60 %)")
    let killed = try await kill(at: expectation.rows * 6 / 10)
    say("the process ended by \(killed.end)")

    step("cairn status")
    let status = try await cairn(["status", "--into", "sqlite:transport.db"])
    Terminal.print(indented(status.standardOutput))

    step("cairn resume")
    let resumed = try await cairn(["resume", "--into", "sqlite:transport.db", "--quiet"])
    Terminal.print(indented(resumed.standardOutput))

    step("compare the table with the generator's own account of it")
    let differences = try compare(with: expectation)
    guard differences.isEmpty else {
      for difference in differences { say(Terminal.red("✗ ") + difference) }
      throw UsageError("the table does not hold what it should")
    }
    let content = expectation.typed.upsert
    say(
      Terminal.green("✓")
        + " \(Readable.count(content.rows)) rows, every value of every column; nothing lost,"
        + " nothing twice")
    say("  content digest \(content.digest)")
  }

  /// Loads in a child process and kills it once so many rows are committed.
  private func kill(at rows: Int) async throws -> ChildOutcome {
    let child = try ChildProcess(
      command(["load", "transport.dat", "--job", "transport.yaml", "--chunk-rows", "5000"]))
    let sink = try SinkAddress(url: "sqlite:" + database).open()
    while child.poll() == nil {
      // The child may not have made the database yet.
      let committed = try? await sink.runs(RunFilter(limit: 1)).first?.counts.rows
      if committed ?? 0 >= rows {
        child.kill()
        break
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    let outcome = try await child.wait()
    guard outcome.wasKilled else {
      throw UsageError("the load ended before it could be killed: \(outcome.standardError)")
    }
    return outcome
  }

  private func cairn(_ arguments: [String]) async throws -> ChildOutcome {
    let outcome = try await ChildProcess(command(arguments)).wait()
    guard outcome.exitCode == 0 else {
      throw UsageError(
        "cairn \(arguments.joined(separator: " ")) ended with \(outcome.end):\n"
          + outcome.standardError)
    }
    return outcome
  }

  private func command(_ arguments: [String]) -> ChildCommand {
    ChildCommand(
      Bundle.main.executablePath ?? CommandLine.arguments[0], arguments, directory: folder)
  }

  private func compare(with expectation: SampleExpectation) throws -> [String] {
    let columns = try JobFile.read(job, environment: [:]).job.columns ?? []
    let content = try SampleTable(database: database, table: "transport_documents")
      .content(columns: columns)
    return expectation.typed.upsert.differences(from: content)
  }

  private func step(_ text: String) { Terminal.print("\n" + Terminal.bold("$ " + text)) }

  private func say(_ text: String) { Terminal.print("  " + text) }

  private func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
      .joined(separator: "\n")
  }
}
