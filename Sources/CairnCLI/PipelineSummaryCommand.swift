import ArgumentParser
import Cairn

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
