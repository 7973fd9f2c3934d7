import ArgumentParser
import Cairn

/// `cairn verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Read every chunk back in full; check rows and digests.")

  @Argument(help: ArgumentHelp("A run's id, or a folder of chunks.", valueName: "sync-id|dir"))
  var run: String

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let (folder, ledger) = try await target()
      let receipt = try await Cairn.verify(folder: folder, ledger: ledger)
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
