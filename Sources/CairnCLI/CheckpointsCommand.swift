import ArgumentParser

/// `cairn checkpoints`.
struct CheckpointsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoints", abstract: "Look at the saved stages of pipelines, and tidy them.",
    subcommands: [
      CheckpointsListCommand.self, CheckpointsShowCommand.self, CheckpointsDiffCommand.self,
      CheckpointsDeleteCommand.self, CheckpointsCleanupCommand.self,
      CheckpointsRecompressCommand.self,
    ])
}
