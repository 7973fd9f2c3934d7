import ArgumentParser
import Cairn

/// `cairn status`.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how a run stands; by default the newest.",
    discussion: """
      With --max-age it is for monitors: exit code 0 when the last success (a partial one is none) \
      is younger, 1 when it is older or there is none.
      """)

  @Argument(help: ArgumentHelp("The run's id.", valueName: "sync-id"))
  var syncID: String?

  @Option(
    name: .customLong("max-age"),
    help: ArgumentHelp("How old the last success may be, like 26h.", valueName: "time"))
  var maxAge: String?

  @Option(name: .long, help: "Only runs into this table.")
  var table: String?

  @Option(
    name: .customLong("job-name"), help: ArgumentHelp("Only runs of this job.", valueName: "name"))
  var jobName: String?

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let id = try syncID.map { text in
        guard let id = SyncID(text) else {
          throw UsageError("'\(text)' is not a run's id", remedy: "List the runs with: cairn runs")
        }
        return id
      }
      let limit = try maxAge.map { try RunOptions.duration($0, of: "--max-age") }
      if id != nil, limit != nil || table != nil || jobName != nil {
        throw UsageError("--max-age, --table and --job-name look for a run; leave out its id")
      }
      let sink = try sinkOptions.require(for: id)
      if let limit { return try await showLastSuccess(in: sink, maxAge: limit) }
      let runs = try await sink.runs(
        RunFilter(
          syncID: id, table: table, includesAbandoned: id != nil, limit: jobName == nil ? 1 : nil))
      guard let run = runs.first(where: isOfJob) else {
        if let id { throw LoadError.unknownRun(id, sink: sink.location) }
        throw UsageError("there are no \(selection) in \(sink.location) yet")
      }
      if output.json {
        try JSONOutput.print(RunSummary(run))
      } else {
        Terminal.print(RunText.details(run))
      }
    }
  }

  private func showLastSuccess(in sink: any Sink, maxAge: Duration) async throws {
    let runs = try await sink.runs(RunFilter(table: table)).filter(isOfJob)
    let last = LastSuccess(of: runs, maxAge: maxAge, now: RunEnvironment.live.now())
    if output.json {
      try JSONOutput.print(last)
    } else {
      Terminal.print(last.text(place: "the \(selection) in \(sink.location)"))
    }
    if last.verdict != .ok { throw ExitCode(ExitStatus.failed) }
  }

  private func isOfJob(_ run: RunRecord) -> Bool { jobName == nil || run.new.job == jobName }

  /// `runs of job x into table y`.
  private var selection: String {
    "runs" + (jobName.map { " of job \($0)" } ?? "") + (table.map { " into table \($0)" } ?? "")
  }
}

/// `cairn runs`.
struct RunsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List the runs, newest first.")

  @Flag(name: .long, help: "Also those that were abandoned.")
  var all = false

  @Option(name: .long, help: "At most so many.")
  var limit: Int = 50

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let sink = try sinkOptions.require(for: nil)
      let runs = try await sink.runs(RunFilter(includesAbandoned: all, limit: limit))
      if output.json {
        try JSONOutput.print(runs.map(RunSummary.init))
      } else if runs.isEmpty {
        Terminal.note("no runs in \(sink.location) yet")
      } else {
        Terminal.print(RunText.table(runs))
      }
    }
  }
}

/// A run as programs read it.
struct RunSummary: Encodable {
  var syncID: SyncID
  var job, table, source, status, phase, startedAt: String
  var sourcePath: String?
  var attempt: Int
  var attemptStartedAt: String
  var completedAt, abandonedAt, error: String?
  var committedChunks: Int
  var totalChunks: Int?
  var counts: RowCounts
  var owner: LeaseHolder?

  init(_ run: RunRecord) {
    syncID = run.syncID
    job = run.new.job
    table = run.new.table
    source = run.new.sourceName
    sourcePath = run.new.source.path
    status = RunText.standing(run)
    phase = run.phase
    startedAt = run.new.startedAt
    attempt = run.attempt
    attemptStartedAt = run.attemptStartedAt
    completedAt = run.completedAt
    abandonedAt = run.abandonedAt
    error = run.error
    committedChunks = run.committedChunks
    totalChunks = run.end?.position.chunk
    counts = run.counts
    owner = run.holder
  }
}
