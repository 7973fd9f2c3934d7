import ArgumentParser
import CairnTesting
import Foundation

/// `cairn sample`.
struct SampleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sample",
    abstract: "Write a believable transport extract: 45 columns, some rows planted to be rejected.",
    discussion: """
      The same seed writes the same bytes on every machine. --expect writes what a right load of \
      the file must hold, from the generator's own model.
      """)

  @Argument(help: "The file to write; compressed when its name ends in .gz.")
  var out: String

  @Option(name: .long, help: "How many rows.")
  var rows: Int = 100_000

  @Option(name: .long, help: "The seed that everything is derived from.")
  var seed: UInt64 = 1

  @Option(
    name: .customLong("bad-rate"), help: "The share of rows with a defect, 0 to 1.")
  var badRate: Double = 0.005

  @Option(
    name: .customLong("duplicate-rate"), help: "The share of rows that repeat a key, 0 to 1.")
  var duplicateRate: Double = 0.03

  @Option(
    name: .long,
    help: ArgumentHelp("Also write what a right load must hold, as JSON.", valueName: "file"))
  var expect: String?

  @Option(
    name: .customLong("job"),
    help: ArgumentHelp("Also write the companion job file.", valueName: "job.yaml"))
  var jobFile: String?

  func run() async throws {
    try await Failure.reporting(next: nil) {
      guard rows >= 0, (0...1).contains(badRate), (0...1).contains(duplicateRate) else {
        throw UsageError("--rows must not be negative, and rates must lie between 0 and 1")
      }
      let extract = SampleExtract(
        rows: rows, seed: seed, badRate: badRate, duplicateRate: duplicateRate)
      var bytes: Int
      if let expect {
        let expectation = try extract.writeWithExpectation(to: out)
        bytes = expectation.bytes
        try Data(expectation.json()).write(to: URL(fileURLWithPath: expect))
      } else {
        bytes = try extract.write(to: out)
      }
      if let jobFile {
        try Data(SampleJob.typed(sink: "sqlite:transport.db").utf8)
          .write(to: URL(fileURLWithPath: jobFile))
      }
      Terminal.note("wrote \(out): \(Readable.count(rows)) rows, \(Readable.bytes(bytes))")
    }
  }
}
