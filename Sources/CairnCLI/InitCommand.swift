import ArgumentParser
import Cairn
import Foundation

/// `cairn init`.
struct InitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Write the job file that a file's first rows suggest.")

  @Argument(help: "The file.")
  var file: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The job file to write; by default named after the table; - for standard output.",
      valueName: "job.yaml"))
  var output: String?

  @OptionGroup var jobOptions: JobOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      var (job, _) = try JobBuilder(options: jobOptions.flags).build(file: file, needsSink: false)
      let source = FileSource(path: file, options: job.source)
      let suggested = try await JobSuggestion.suggest(job, from: source)
      job = suggested.job
      job.name = job.sink.table
      job.source.path = file
      if job.sink.url.isEmpty { job.sink.url = "sqlite:\(job.sink.table).db" }
      // What the environment says of alerts stays there: it may hold secrets.
      job.alerts = nil
      let text = JobFile.render(job)
      let path = output ?? "\(job.sink.table).yaml"
      if path == "-" { return Terminal.print(text) }
      guard !FileManager.default.fileExists(atPath: path) else {
        throw UsageError("'\(path)' is there already", remedy: "Give another name with -o")
      }
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      Terminal.note("wrote \(path): \(job.columns?.count ?? 0) columns")
      for reason in suggested.reasons { Terminal.note("  \(reason)") }
      Terminal.note("Next: set sink.key, then: cairn check \(shellQuoted(path))")
    }
  }
}
