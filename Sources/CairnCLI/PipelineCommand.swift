import ArgumentParser
import Cairn

/// `cairn pipeline`.
struct PipelineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline", abstract: "Look at pipelines; a load run is one.",
    subcommands: [PipelineSummaryCommand.self, PipelinePerformanceCommand.self])
}

/// `cairn pipeline summary`.
struct PipelineSummaryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "summary", abstract: "Show what the events of a pipeline add up to.")

  @Argument(help: ArgumentHelp("The pipeline: for a load its run's id.", valueName: "id"))
  var id: String

  @OptionGroup var place: EventLogPlace

  @Flag(name: .long, help: "Print the result as JSON.")
  var json = false

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let history = try place.history()
      let summary = try history.summary(of: id)
      guard summary.totalEvents > 0 else {
        throw UsageError(
          "there are no events of '\(id)' in '\(history.folder)'",
          remedy: "List what there is with: cairn events")
      }
      if json { return try JSONOutput.print(summary) }
      Terminal.print(text(summary))
    }
  }

  private func text(_ summary: PipelineSummary) -> String {
    var lines = [
      "\(summary.pipelineID)  \(summary.standing ?? "of unknown standing")",
      "  events       \(Readable.count(summary.totalEvents)) from \(summary.firstEvent ?? "?")"
        + " to \(summary.lastEvent ?? "?")",
      "  attempts     \(summary.attempts)",
      "  completed    \(listed(summary.stagesCompleted))",
    ]
    if !summary.stagesUnderWay.isEmpty {
      lines.append("  under way    \(listed(summary.stagesUnderWay))")
    }
    lines.append("  checkpoints  \(Readable.count(summary.checkpoints))")
    for (stage, seconds) in summary.stageSeconds.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(stage): \(Readable.seconds(seconds))")
    }
    lines.append("  errors       \(summary.errors.count)")
    lines += summary.errors.suffix(20).map(line)
    lines.append("  warnings     \(summary.warnings.count)")
    lines += summary.warnings.suffix(20).map(line)
    return lines.joined(separator: "\n")
  }

  private func listed(_ stages: [String]) -> String {
    stages.isEmpty ? "none" : stages.joined(separator: ", ")
  }

  private func line(_ problem: PipelineSummary.Problem) -> String {
    "    \(problem.timestamp) \(problem.stage.map { "\($0): " } ?? "")"
      + (problem.error ?? problem.eventType)
  }
}

/// `cairn pipeline performance`.
struct PipelinePerformanceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "performance", abstract: "Show how long stages took.")

  @Argument(
    help: ArgumentHelp("The pipeline; by default all of them.", valueName: "id"))
  var id: String?

  @Option(name: .long, help: "How far back to look.")
  var hours: Double = 24

  @OptionGroup var place: EventLogPlace

  @Flag(name: .long, help: "Print the result as JSON.")
  var json = false

  func run() async throws {
    try await Failure.reporting(next: nil) {
      guard hours >= 0 else { throw UsageError("--hours must not be negative") }
      let since = EventFilter.time(hours, before: RunEnvironment.live.now())
      let stages = try place.history().performance(EventFilter(pipelineID: id, since: since))
      if json { return try JSONOutput.print(stages) }
      guard !stages.isEmpty else {
        return Terminal.note("no performance_metric events in the last \(hours) hours")
      }
      let width = max(5, stages.map(\.stage.count).max() ?? 0)
      func cells(_ name: String, _ values: [String]) -> String {
        let padded = values.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }
        return name + String(repeating: " ", count: width - name.count) + padded.joined()
      }
      Terminal.print(cells("stage", ["count", "total", "mean", "median", "95 %", "most"]))
      for stage in stages {
        Terminal.print(
          cells(
            stage.stage,
            ["\(stage.count)"]
              + [
                stage.totalSeconds, stage.meanSeconds, stage.medianSeconds,
                stage.percentile95Seconds, stage.maximumSeconds,
              ].map { Readable.seconds($0) }))
      }
    }
  }
}
