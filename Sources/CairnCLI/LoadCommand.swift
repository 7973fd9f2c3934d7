import ArgumentParser
import Cairn
import CairnTesting
import Foundation

/// `cairn load`.
struct LoadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Load a file into a table; safe to repeat.",
    discussion: """
      An unfinished run of the same source and job is resumed; a finished one is reported and \
      nothing is done, also under another file name. A glob loads every file it matches, in name \
      order, one run each. FILE - is standard input.
      """)

  @Argument(help: "The file, a glob, or - for standard input; by default the job's source.path.")
  var file: String?

  @OptionGroup var jobOptions: JobOptions
  @OptionGroup var runOptions: RunOptions
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  @Flag(name: .long, help: "Abandon an earlier run of this source and start over.")
  var fresh = false

  @Flag(
    name: .customLong("create-key"),
    help: "Create the unique index on the key, where an existing table lacks it.")
  var createKey = false

  func run() async throws {
    let next = TypedCommand.text
    let alerts = CommandAlerts()
    try await alerts.deliveringAtEnd {
      try await Failure.reporting(next: next) {
        try recordOptions.begin()
        try await alerts.noting { try await loadAll(alerts) }
      }
    }
  }

  private func loadAll(_ alerts: CommandAlerts) async throws {
    let (job, jobFile) = try JobBuilder(options: jobOptions.flags).build(file: file)
    guard let pattern = file ?? job.source.path else {
      throw UsageError("there is no file to load", remedy: "cairn load FILE --into URL")
    }
    try refuseUnsupported(job)
    let known = LoadUnderWay(
      job: job.name, table: job.sink.table, source: pattern, jobFile: jobFile, alerts: job.alerts)
    await alerts.begin(known)
    let paths = try SourceFiles.matching(pattern)
    let records = try recordOptions.open(job)
    let worst = try await records.keeping {
      var worst: Int32 = 0
      for (index, path) in paths.enumerated() {
        worst = max(
          worst,
          try await load(
            path, job: job, isLast: index == paths.count - 1, known, records, alerts))
        if worst == ExitStatus.stopped { break }
      }
      return worst
    }
    if worst != 0 { throw ExitCode(worst) }
  }

  private func load(
    _ path: String, job: Job, isLast: Bool, _ known: LoadUnderWay, _ records: CommandRecords,
    _ alerts: CommandAlerts
  ) async throws -> Int32 {
    let stop = StopRequest()
    var load = known
    load.source = path
    load.stop = stop
    load.mark = RunMark()
    await alerts.begin(load)
    let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
    let sink = try job.sink.address.open(faults: faults)
    load.sink = sink
    await alerts.begin(load)
    let mark = load.mark
    var options = try runOptions.loadOptions(
      stop: stop, fresh: fresh, faults: faults, jobFile: known.jobFile, records: records)
    // Once for all files of the command.
    options.refreshesViews = isLast
    options.createsKey = createKey
    let loadOptions = options
    let deadline = try runOptions.deadlineDuration()
    let progress = ProgressLine(quiet: output.quiet)
    let source = SourceFiles.open(path, options: job.source)
    let outcome: LoadOutcome
    do {
      outcome = try await Signals.stopping(stop, quiet: output.quiet) {
        try await Cairn.load(
          job, from: source, into: sink, deadline: deadline, options: loadOptions,
          progress: {
            mark.note($0.syncID)
            progress.show($0)
          })
      }
    } catch {
      progress.end()
      throw error
    }
    progress.end()
    let code = try OutcomeReport(
      json: output.json, profiles: runOptions.profile, sink: job.sink.url
    ).report(outcome)
    alerts.ended(outcome)
    return code
  }

  private func refuseUnsupported(_ job: Job) throws {
    if !job.sink.refresh.isEmpty, job.sink.url.hasPrefix("sqlite:") {
      throw UsageError(
        "sink.refresh: SQLite has no materialized views", remedy: "Remove the key")
    }
  }
}

/// A word as a shell reads it back.
func shellQuoted(_ word: String) -> String {
  let plain = word.utf8.allSatisfy {
    ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A)
      || "_-./:,=@%+".utf8.contains($0)
  }
  return plain && !word.isEmpty
    ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
}
