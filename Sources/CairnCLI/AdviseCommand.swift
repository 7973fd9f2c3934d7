import ArgumentParser
import Cairn
import Foundation

/// `cairn advise`.
struct AdviseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "advise",
    abstract: "Say whether and how often to make checkpoints, with the numbers behind it.",
    discussion: """
      Reads the history of runs and entity batches from the sink. Without a name, a line for each job \
      and processor; with one, everything about it.
      """)

  @Argument(
    help: ArgumentHelp("A job, by name or file, or a processor.", valueName: "job|processor"))
  var name: String?

  @Option(name: .long, help: ArgumentHelp("How far to look back.", valueName: "time"))
  var within = "56d"

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      var options = sinkOptions
      var wanted = name
      // A job file says where its sink is, too.
      if let name, options.job == nil, FileManager.default.fileExists(atPath: name) {
        options.job = name
        wanted = try options.readJob()?.name
      }
      let age = try RunOptions.duration(within, of: "--within")
      let sink = try options.requireEntities()
      let histories = try await Histories.read(from: sink, within: age, only: wanted)
      let now = Double(RunEnvironment.live.now()) / 1e9
      let advice = histories.map {
        Advice($0.subject, history: $0.history, appends: $0.appends, now: now)
      }
      guard let wanted else { return try list(advice, place: sink.location) }
      guard !advice.isEmpty else {
        throw UsageError(
          "\(sink.location) has no history of '\(wanted)' in the last \(within)",
          remedy: "See what there is with: cairn advise")
      }
      if output.json {
        try JSONOutput.print(advice)
      } else {
        Terminal.print(advice.map(AdviceText.details).joined(separator: "\n\n"))
      }
    }
  }

  private func list(_ advice: [Advice], place: String) throws {
    if output.json {
      try JSONOutput.print(advice)
    } else if advice.isEmpty {
      Terminal.note("no history in \(place) in the last \(within)")
    } else {
      Terminal.print(AdviceText.table(advice))
    }
  }
}

/// The histories of the jobs and processors of a sink.
struct Histories {
  var subject: Advice.Subject
  var history: History
  /// Whether rows are appended; nil when that is not known.
  var appends: Bool?

  /// Reads them.
  ///
  /// - Parameter name: Only of the job or processor of that name.
  static func read(
    from sink: any EntityBatchSink, within age: Duration, only name: String?
  ) async throws -> [Histories] {
    var found: [Histories] = []
    let now = Double(RunEnvironment.live.now()) / 1e9
    let runs = try await sink.runs(RunFilter(includesAbandoned: true)).filter {
      (name == nil || $0.new.job == name)
        && now - (SinkTime.seconds(of: $0.attemptStartedAt) ?? now) <= age.inSeconds
    }
    for (job, runs) in Dictionary(grouping: runs, by: \.new.job).sorted(by: { $0.key < $1.key }) {
      var past: [(run: RunRecord, ledger: [LedgerEntry])] = []
      for run in runs { past.append((run, try await sink.ledger(of: run.syncID))) }
      found.append(Histories(subject: .job(job), history: History(runs: past), appends: nil))
    }
    let attempts = try await sink.entityAttempts(
      EntityAttemptFilter(processor: name, within: age))
    let checkpoints = try await sink.entityCheckpoints(EntityCheckpointFilter(processor: name))
    let names = Set(attempts.map(\.processor) + checkpoints.map(\.new.processor))
    for processor in names.sorted() {
      var history = History(entityAttempts: attempts.filter { $0.processor == processor })
      history.add(checkpoints.filter { $0.new.processor == processor })
      guard !history.attempts.isEmpty else { continue }
      found.append(Histories(subject: .processor(processor), history: history))
    }
    return found
  }
}
