import ArgumentParser
import Cairn
import CairnTesting
import Foundation

/// `cairn convert`.
struct ConvertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a file to Parquet chunks, and no more; safe to repeat.")

  @Argument(help: "The file, or - for standard input.")
  var file: String

  @Option(name: .long, help: ArgumentHelp("The folder for the chunks.", valueName: "dir"))
  var out: String

  @Option(name: .long, help: "zstd, snappy, lz4, gzip or none.")
  var compression: String = "zstd"

  @Option(
    name: .customLong("chunk-rows"),
    help: ArgumentHelp("Rows of a chunk; by default from the file's size.", valueName: "n"))
  var chunkRows: Int?

  @Option(
    name: .long, parsing: .unconditional, help: "What separates fields; detected by default.")
  var delimiter: String?

  @Option(
    name: .long,
    help: ArgumentHelp("A job file, for how its source is parsed.", valueName: "job.yaml"))
  var job: String?

  @Flag(name: .long, help: "Start over instead of going on.")
  var fresh = false

  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let next = TypedCommand.text
    try await Failure.reporting(next: next) {
      try recordOptions.begin()
      let options = JobFlags(job: job, delimiter: delimiter)
      let described = try JobBuilder(options: options).build(file: file, needsSink: false).job
      let source = described.source
      let compression: ChunkCompression = try JobBuilder.choice(compression, of: "--compression")
      if let chunkRows, chunkRows < 1 { throw UsageError("--chunk-rows must be at least 1") }
      let stop = StopRequest()
      let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
      let records = try recordOptions.open(described)
      let load = LoadOptions(
        fresh: fresh, memoryBudget: MemoryBudget.bytes(), logger: records.logger,
        events: records.events, metrics: records.metrics, faults: faults, stop: stop)
      let progress = ProgressLine(quiet: output.quiet)
      let input = SourceFiles.open(file, options: source)
      let receipt = try await records.keeping {
        try await Signals.stopping(stop, quiet: output.quiet) {
          try await Cairn.convert(
            input, to: out, sourceOptions: source, chunkRows: chunkRows, compression: compression,
            options: load
          ) { progress.show($0) }
        }
      }
      progress.end()
      try report(receipt)
      if !receipt.isComplete { throw ExitCode(ExitStatus.stopped) }
    }
  }

  private func report(_ receipt: ConversionReceipt) throws {
    if output.json { return try JSONOutput.print(receipt) }
    let pace = receipt.seconds > 0 ? Double(receipt.sourceBytesConverted) / receipt.seconds : 0
    var text = """
      \(receipt.isComplete ? Terminal.green("CONVERTED") : Terminal.yellow("STOPPED")) \
      \(receipt.syncID)
        \(receipt.source) → \(receipt.folder)
        \(Readable.count(receipt.rows)) rows in \(Readable.count(receipt.chunks)) chunks, \
      \(Readable.count(receipt.malformedRows)) malformed
        \(Readable.bytes(receipt.fileBytes)) for \(Readable.bytes(receipt.sourceBytes)) of source, \
      \(Readable.percent(Double(receipt.fileBytes) / Double(max(receipt.sourceBytes, 1))))
        \(Readable.seconds(receipt.seconds)), \(Readable.bytes(Int(pace)))/s
      """
    if receipt.chunksReused > 0 {
      text += "\n  \(Readable.count(receipt.chunksReused)) chunks were there already"
    }
    Terminal.print(text)
  }
}
