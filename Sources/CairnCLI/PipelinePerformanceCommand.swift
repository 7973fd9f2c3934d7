import ArgumentParser
import Cairn

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
