import ArgumentParser
import Cairn

/// `cairn status`.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how a run stands; by default the newest.")

  @Argument(help: ArgumentHelp("The run's id.", valueName: "sync-id"))
  var syncID: String?

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
      let sink = try sinkOptions.require(for: id)
      let runs = try await sink.runs(
        RunFilter(syncID: id, includesAbandoned: id != nil, limit: 1))
      guard let run = runs.first else {
        if let id { throw LoadError.unknownRun(id, sink: sink.location) }
        throw UsageError("there are no runs in \(sink.location) yet")
      }
      if output.json {
        try JSONOutput.print(RunSummary(run))
      } else {
        Terminal.print(RunText.details(run))
      }
    }
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
