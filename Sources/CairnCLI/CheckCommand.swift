import ArgumentParser
import Cairn
import Foundation

/// `cairn check`.
struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Read and validate a source and compare it with its target; write nothing.",
    discussion: """
      Where a log is asked for, by log_to_file: true in the job, --logs or --log-format json, it \
      hears how good the data is.
      """)

  @Argument(help: ArgumentHelp("The job file.", valueName: "job.yaml"))
  var job: String

  @Argument(help: "The file or a glob; by default the job's source.path.")
  var file: String?

  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      try recordOptions.begin()
      let (job, _) = try JobBuilder(options: JobFlags(job: job)).build(file: file)
      guard let pattern = file ?? job.source.path else {
        throw UsageError("there is no file to check", remedy: "cairn check JOB FILE")
      }
      let records = try recordOptions.open(job, onlyIfAsked: true)
      let isFit = try await records.keeping {
        var isFit = true
        for path in try SourceFiles.matching(pattern) {
          if try await !check(path, job, records) { isFit = false }
        }
        return isFit
      }
      if !isFit { throw ExitCode(ExitStatus.badData) }
    }
  }

  /// Checks a file, and tells whether a load would stay within the limits.
  private func check(_ path: String, _ job: Job, _ records: CommandRecords) async throws -> Bool {
    let progress = ProgressLine(quiet: output.quiet)
    let sink = try job.sink.address.open()
    let report = try await Cairn.check(
      job, from: SourceFiles.open(path, options: job.source), against: sink,
      options: records.options
    ) { progress.show($0) }
    progress.end()
    if output.json {
      try JSONOutput.print(report)
    } else {
      Terminal.print(text(report))
    }
    return report.isWithinLimits
  }

  private func text(_ report: CheckReport) -> String {
    var lines = [
      "\(report.isWithinLimits ? Terminal.green("OK") : Terminal.red("OVER THE LIMITS"))"
        + " \(report.source)",
      "  \(Readable.count(report.rows)) rows, \(Readable.count(report.rejected)) would be rejected",
      "  target: \(report.target)",
    ]
    for (rule, count) in report.rejectsByRule.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }
    ) {
      lines.append("    \(rule)  \(Readable.count(count))")
    }
    for reject in report.sample {
      let column = reject.column.map { " \($0)" } ?? ""
      lines.append("  line \(reject.line)\(column): \(reject.reason)")
    }
    return lines.joined(separator: "\n")
  }
}
