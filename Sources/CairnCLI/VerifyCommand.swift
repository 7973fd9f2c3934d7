import ArgumentParser
import Cairn

/// `cairn verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read every chunk back in full; check rows and digests.",
    discussion: """
      Where a log is asked for, by log_to_file: true in the job, --logs or --log-format json, it \
      hears what was found.
      """)

  @Argument(help: ArgumentHelp("A run's id, or a folder of chunks.", valueName: "sync-id|dir"))
  var run: String

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      try recordOptions.begin()
      let (folder, ledger) = try await target()
      let records = try recordOptions.open(sinkOptions.readJob(), onlyIfAsked: true)
      let receipt = try await records.keeping {
        try await Cairn.verify(folder: folder, ledger: ledger, options: records.options)
      }
      if output.json {
        try JSONOutput.print(receipt)
      } else {
        Terminal.print(text(receipt))
      }
      if !receipt.problems.isEmpty { throw ExitCode(ExitStatus.failed) }
    }
  }

  private func target() async throws -> (folder: String, ledger: [LedgerEntry]) {
    guard let syncID = SyncID(run) else { return (run, []) }
    let folder = sinkOptions.folder(of: syncID)
    guard let sink = try sinkOptions.open(for: syncID) else { return (folder, []) }
    let record = try await sink.runs(RunFilter(syncID: syncID, includesAbandoned: true)).first
    return (
      record?.new.checkpointDirectory ?? folder,
      record == nil ? [] : try await sink.ledger(of: syncID)
    )
  }

  private func text(_ receipt: VerificationReceipt) -> String {
    let verdict = receipt.problems.isEmpty ? Terminal.green("SOUND") : Terminal.red("DAMAGED")
    let problems = receipt.problems.map { "\n  \(Terminal.red("✗")) \($0)" }.joined()
    return """
      \(verdict) \(receipt.folder)
        \(Readable.count(receipt.chunks)) chunks, \(Readable.count(receipt.rows)) rows \
      (\(Readable.count(receipt.malformedRows)) malformed), \(Readable.bytes(receipt.fileBytes)) \
      for \(Readable.bytes(receipt.sourceBytes)) of source\
      \(receipt.isComplete ? ", complete" : ", not to its end")
        \(Readable.seconds(receipt.seconds))\(problems)
      """
  }
}
