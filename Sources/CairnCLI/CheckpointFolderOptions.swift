import ArgumentParser
import Cairn
import CairnPostgres
import CairnSQLite

/// Where the checkpoints of pipelines are.
struct CheckpointFolderOptions: ParsableArguments {
  @Option(
    name: .customLong("checkpoints"),
    help: ArgumentHelp(
      "Folder of the pipelines' checkpoints; by default data/checkpoints.", valueName: "dir"))
  var directory: String?

  @Option(
    name: .customLong("registry"),
    help: ArgumentHelp(
      "Registry in a database, \(SinkAddress.form); by default files in the folder.",
      valueName: "url"))
  var registry: String?

  @Option(
    name: .customLong("state-schema"),
    help: ArgumentHelp(
      "PostgreSQL: the schema of Cairn's state; by default cairn.", valueName: "name"))
  var stateSchema: String?

  @Option(
    name: .customLong("settings"),
    help: ArgumentHelp(
      "YAML file with pipeline.execution.checkpoints.", valueName: "pipeline.yml"))
  var settingsFile: String?

  /// What the settings file says, or the defaults.
  func settings() throws -> PipelineSettings {
    guard let settingsFile else { return PipelineSettings() }
    return try PipelineSettings.read(settingsFile)
  }

  /// The checkpoints.
  ///
  /// - Throws: ``UsageError`` when there is no such folder, so that a mistyped one is not taken for an
  ///   empty one.
  func open() throws -> StageCheckpoints {
    let directory = try directory ?? settings().directory
    let checkpoints = StageCheckpoints(
      directory: directory, registry: try openRegistry(), logger: CommandLog.logger)
    guard checkpoints.folderExists else {
      throw UsageError(
        "there is no checkpoint folder '\(directory)'",
        remedy: "Name it with --checkpoints DIR, or --settings pipeline.yml")
    }
    return checkpoints
  }

  private func openRegistry() throws -> (any StageRegistry)? {
    guard let registry else { return nil }
    if let sink = try SinkAddress(url: registry, stateSchema: stateSchema).open() as? SQLiteSink {
      return SQLiteStageRegistry(path: sink.path)
    }
    return PostgresStageRegistry(url: registry, stateSchema: stateSchema)
  }
}
