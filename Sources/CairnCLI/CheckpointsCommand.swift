import ArgumentParser

/// `cairn checkpoints`.
struct CheckpointsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoints",
    abstract: "Look at the checkpoints of pipelines and of entity batches, and tidy them.",
    subcommands: [
      CheckpointsListCommand.self, CheckpointsShowCommand.self, CheckpointsDiffCommand.self,
      CheckpointsDeleteCommand.self, CheckpointsCleanupCommand.self,
      CheckpointsRecompressCommand.self, ActiveCheckpointsCommand.self,
      CheckpointEffectivenessCommand.self, StaleCheckpointsCommand.self,
    ])
}
