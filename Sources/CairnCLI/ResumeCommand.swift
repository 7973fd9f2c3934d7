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
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  @Option(name: .long, help: "Where the source is now, if it was moved.")
  var source: String?

  @Flag(name: .long, help: "Show what would be done, and do nothing.")
  var plan = false

  func run() async throws {
    let next = TypedCommand.text
    let alerts = CommandAlerts()
    try await alerts.deliveringAtEnd {
      try await Failure.reporting(next: next) {
        try recordOptions.begin()
        try await alerts.noting { try await resume(alerts) }
      }
    }
  }

  private func resume(_ alerts: CommandAlerts) async throws {
    let named = try syncID.map { text in
      guard let id = SyncID(text) else {
        throw UsageError("'\(text)' is not a run's id", remedy: "List the runs with: cairn runs")
      }
      return id
    }
    let address = try requireAddress(named)
    let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
    let sink = try address.open(faults: faults)
    let found = try await find(named, in: sink)
    if plan { return try await showPlan(found, in: sink) }
    try await resume(found, in: sink, url: address.url, faults: faults, alerts)
  }

  /// What can be gone on with.
  private enum Unfinished {
    case run(RunRecord)
    /// Standard input that is converted, its run not begun.
    case input(PendingInput)

    var syncID: SyncID {
      switch self {
      case .run(let record): record.syncID
      case .input(let input): input.syncID
      }
    }

    var line: String {
      switch self {
      case .run(let record): RunText.line(record)
      case .input(let input): RunText.line(input)
      }
    }

    func settings() throws -> RunSettings {
      switch self {
      case .run(let record): try record.settings()
      case .input(let input): input.settings
      }
    }
  }

  private func requireAddress(_ named: SyncID?) throws -> SinkAddress {
    guard let address = try sinkOptions.address(for: named) else {
      throw UsageError(
        "cannot tell which database the run is in",
        remedy: "Add --into \(SinkAddress.form), or --job with the job file")
    }
    return address
  }

  private func find(_ named: SyncID?, in sink: any Sink) async throws -> Unfinished {
    let inputs = PendingInput.find(in: sinkOptions.checkpointDirectory())
    if let named {
      if let record = try await sink.runs(
        RunFilter(syncID: named, includesAbandoned: true)
      ).first {
        return .run(record)
      }
      guard let input = inputs.first(where: { $0.syncID == named }) else {
        throw LoadError.unknownRun(named, sink: sink.location)
      }
      return .input(input)
    }
    let runs = try await sink.runs(RunFilter(unfinishedOnly: true))
    var unfinished = runs.map(Unfinished.run)
    for input in inputs where input.sink == sink.location {
      let known = try await sink.runs(RunFilter(syncID: input.syncID, includesAbandoned: true))
      if known.isEmpty { unfinished.append(.input(input)) }
    }
    guard let only = unfinished.first else {
      throw UsageError("there is no unfinished run in \(sink.location)")
    }
    guard unfinished.count == 1 else {
      let list = unfinished.map { "  cairn resume \($0.syncID)   # \($0.line)" }
      throw UsageError(
        "\(unfinished.count) runs are unfinished; say which:", remedy: list.joined(separator: "\n"))
    }
    return only
  }

  private func resume(
    _ unfinished: Unfinished, in sink: any Sink, url: String, faults: FaultPoints,
    _ alerts: CommandAlerts
  ) async throws {
    let job = try currentJob(of: unfinished, url: url)
    let stop = StopRequest()
    await alerts.begin(
      try underWay(unfinished, alerts: job.map(\.alerts) ?? alertsOfEnvironment(), in: sink, stop))
    let records = try recordOptions.open(job ?? jobOfEnvironment())
    let options = try runOptions.loadOptions(
      stop: stop, fresh: false, faults: faults, jobFile: nil, records: records)
    let deadline = try runOptions.deadlineDuration()
    let progress = ProgressLine(quiet: output.quiet)
    let show: @Sendable (LoadProgress) -> Void = { progress.show($0) }
    let outcome: LoadOutcome
    do {
      outcome = try await records.keeping {
        try await Signals.stopping(stop, quiet: output.quiet) {
          switch unfinished {
          case .input(let input):
            return try await Cairn.resume(
              input, job: job, into: sink, deadline: deadline, options: options, progress: show)
          case .run(let record):
            let path = source ?? record.new.source.path
            let file = try path.map {
              FileSource(path: $0, options: try job?.source ?? record.settings().job.source)
            }
            return try await Cairn.resume(
              record.syncID, job: job, from: file, into: sink, deadline: deadline,
              options: options, progress: show)
          }
        }
      }
    } catch {
      progress.end()
      throw error
    }
    progress.end()
    let code = try OutcomeReport(
      json: output.json, profiles: runOptions.profile, sink: url
    ).report(outcome)
    alerts.ended(outcome)
    if code != 0 { throw ExitCode(code) }
  }

  /// The job as it is now: from `--job`, or from the file the run began with, if that is still there.
  private func currentJob(of run: Unfinished, url: String) throws -> Job? {
    if let job = try sinkOptions.readJob() { return job }
    guard let path = try run.settings().jobFile, FileManager.default.fileExists(atPath: path)
    else { return nil }
    let environment = ProcessInfo.processInfo.environment
    var job = try JobFile.read(path, environment: environment).job.applying(
      environment: environment)
    job.sink.url = url
    return job
  }

  private func underWay(
    _ unfinished: Unfinished, alerts: AlertOptions?, in sink: any Sink, _ stop: StopRequest
  ) throws -> LoadUnderWay {
    if let problems = alerts?.problems(), !problems.isEmpty { throw JobError(problems: problems) }
    let settings = try unfinished.settings()
    let source =
      switch unfinished {
      case .run(let record): record.new.sourceName
      case .input: "-"
      }
    let jobFile = sinkOptions.job.map(URL.init(fileURLWithPath:))?.path ?? settings.jobFile
    let load = LoadUnderWay(
      job: settings.job.name, table: settings.target.name, source: source,
      jobFile: jobFile.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil },
      alerts: alerts, sink: sink, stop: stop)
    load.mark.note(unfinished.syncID)
    return load
  }

  /// The alerts of a run without a job file, or whose file is gone.
  private func alertsOfEnvironment() throws -> AlertOptions? {
    try jobOfEnvironment().alerts
  }

  /// What the environment says of a run without a job file.
  private func jobOfEnvironment() throws -> Job {
    try Job(name: "", sink: SinkOptions(url: "", table: ""))
      .applying(environment: ProcessInfo.processInfo.environment)
  }

  private func showPlan(_ unfinished: Unfinished, in sink: any Sink) async throws {
    let plan =
      switch unfinished {
      case .run(let record): try await ResumePlan.of(record, in: sink)
      case .input(let input): try input.plan()
      }
    if output.json { return try JSONOutput.print(plan) }
    Terminal.print(RunText.plan(plan, of: unfinished.syncID, standing: unfinished.line))
  }
}
