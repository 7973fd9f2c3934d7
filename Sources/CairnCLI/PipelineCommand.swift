import ArgumentParser

/// `cairn pipeline`.
struct PipelineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipeline", abstract: "Look at pipelines and their executions.",
    subcommands: [PipelinePlanCommand.self])
}
