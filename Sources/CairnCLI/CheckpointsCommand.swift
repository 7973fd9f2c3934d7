import ArgumentParser

/// `cairn checkpoints`.
struct CheckpointsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoints",
    abstract: "Look at the checkpoints of pipelines and of entity batches.",
    subcommands: [
      ActiveCheckpointsCommand.self, CheckpointEffectivenessCommand.self,
      StaleCheckpointsCommand.self,
    ])
}
