import ArgumentParser
import Cairn
import CairnTesting
import Foundation

/// `cairn resume`.
struct ResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with an unfinished run.",
    discussion: """
      Without an id: the only unfinished run; when there are several they are listed. The job file \
      that the run began with is read again, so that raised limits count.
      """)

  @Argument(help: ArgumentHelp("The run's id.", valueName: "sync-id"))
  var syncID: String?

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var runOptions: RunOptions
  @OptionGroup var output: OutputOptions

  @Option(name: .long, help: "Where the source is now, if it was moved.")
  var source: String?

  @Flag(name: .long, help: "Show what would be done, and do nothing.")
  var plan = false

  func run() async throws {
    let next = "cairn " + CommandLine.arguments.dropFirst().map(shellQuoted).joined(separator: " ")
    try await Failure.reporting(next: next) {
      let named = try syncID.map { text in
        guard let id = SyncID(text) else {
          throw UsageError("'\(text)' is not a run's id", remedy: "List the runs with: cairn runs")
        }
        return id
      }
      let url = try requireURL(named)
      let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
      let sink = try SinkURL.open(url, faults: faults)
      let record = try await find(named, in: sink)
      if plan { return try await showPlan(record, in: sink) }
      try await resume(record, in: sink, url: url, faults: faults)
    }
  }

  private func requireURL(_ named: SyncID?) throws -> String {
    guard let url = try sinkOptions.url(for: named) else {
      throw UsageError(
        "cannot tell which database the run is in",
        remedy: "Add --into sqlite:PATH, or --job with the job file")
    }
    return url
  }

  private func find(_ named: SyncID?, in sink: any Sink) async throws -> RunRecord {
    if let named {
      let found = try await sink.runs(RunFilter(syncID: named, includesAbandoned: true))
      guard let record = found.first else {
        throw LoadError.unknownRun(named, sink: sink.location)
      }
      return record
    }
    let unfinished = try await sink.runs(RunFilter(unfinishedOnly: true))
    guard let only = unfinished.first else {
      throw UsageError("there is no unfinished run in \(sink.location)")
    }
    guard unfinished.count == 1 else {
      let list = unfinished.map { "  cairn resume \($0.syncID)   # \(RunText.line($0))" }
      throw UsageError(
        "\(unfinished.count) runs are unfinished; say which:", remedy: list.joined(separator: "\n"))
    }
    return only
  }

  private func resume(
    _ record: RunRecord, in sink: any Sink, url: String, faults: FaultPoints
  ) async throws {
    let job = try currentJob(of: record, url: url)
    let stop = StopRequest()
    let options = try runOptions.loadOptions(
      stop: stop, fresh: false, faults: faults, jobFile: nil)
    let deadline = try runOptions.deadlineDuration()
    let path = source ?? record.new.source.path
    let input = try path.map { FileSource(path: $0, options: try job?.source ?? pinned(record)) }
    let progress = ProgressLine(quiet: output.quiet)
    let outcome: LoadOutcome
    do {
      outcome = try await Signals.stopping(stop, quiet: output.quiet) {
        try await Cairn.resume(
          record.syncID, job: job, from: input, into: sink, deadline: deadline, options: options,
          progress: { progress.show($0) })
      }
    } catch {
      progress.end()
      throw error
    }
    progress.end()
    let code = try OutcomeReport(json: output.json, sink: url).report(outcome)
    if code != 0 { throw ExitCode(code) }
  }

  /// The job as it is now: from `--job`, or from the file the run began with, if that is still there.
  private func currentJob(of record: RunRecord, url: String) throws -> Job? {
    if let job = try sinkOptions.readJob() { return job }
    guard let path = try record.settings().jobFile, FileManager.default.fileExists(atPath: path)
    else { return nil }
    let environment = ProcessInfo.processInfo.environment
    var job = try JobFile.read(path, environment: environment).job.applying(
      environment: environment)
    job.sink.url = url
    return job
  }

  private func pinned(_ record: RunRecord) throws -> SourceOptions {
    try record.settings().job.source
  }

  private func showPlan(_ record: RunRecord, in sink: any Sink) async throws {
    let plan = try await ResumePlan.of(record, in: sink)
    if output.json { return try JSONOutput.print(plan) }
    Terminal.print(RunText.plan(plan, of: record))
  }
}
