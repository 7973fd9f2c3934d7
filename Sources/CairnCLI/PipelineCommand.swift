import ArgumentParser

/// `cairn pipeline`.
struct PipelineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline", abstract: "Look at pipelines; a load run is one.",
    subcommands: [
      PipelinePlanCommand.self, PipelineSummaryCommand.self, PipelinePerformanceCommand.self,
    ])
}
