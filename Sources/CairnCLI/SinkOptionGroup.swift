import ArgumentParser
import Cairn
import Foundation

/// Finds the sink of a command that looks at runs.
struct SinkOptionGroup: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The sink: \(SinkAddress.form).", valueName: "url"))
  var into: String?

  @Option(
    name: .customLong("state-schema"),
    help: ArgumentHelp(
      "PostgreSQL: the schema of Cairn's state; by default cairn.", valueName: "name"))
  var stateSchema: String?

  @Option(name: .long, help: ArgumentHelp("The job file.", valueName: "job.yaml"))
  var job: String?

  @Option(
    name: .long, help: ArgumentHelp("Folder of the runs' chunk files.", valueName: "dir"))
  var checkpoints: String?

  /// The job of `--job`, if it is given.
  func readJob() throws -> Job? {
    guard let job else { return nil }
    let environment = ProcessInfo.processInfo.environment
    return try JobFile.read(job, environment: environment).job.applying(environment: environment)
  }

  /// The folder that holds the runs' folders.
  func checkpointDirectory() -> String {
    if let checkpoints { return checkpoints }
    if let directory = (try? readJob())?.checkpoint.directory { return directory }
    return ProcessInfo.processInfo.environment["CHECKPOINT_BASE_PATH"] ?? "checkpoints"
  }

  /// A run's folder of chunks.
  func folder(of syncID: SyncID) -> String {
    URL(fileURLWithPath: checkpointDirectory()).appendingPathComponent("\(syncID)").path
  }

  /// Where the sink is: from `--into`, the job, the environment, or the run's own manifest.
  func address(for syncID: SyncID?) throws -> SinkAddress? {
    if let given = try givenAddress() { return given }
    let folders = Cleanup.folders(in: checkpointDirectory())
    if let syncID { return stored(folders.first { $0.syncID == syncID }?.sink) }
    let sinks = Set(folders.compactMap(\.sink))
    return stored(sinks.count == 1 ? sinks.first : nil)
  }

  /// Where the sink of a folder of chunks is: from `--into` or its manifest.
  func address(ofFolder sink: String?) throws -> SinkAddress? {
    guard into == nil else { return try givenAddress() }
    // A manifest holds no password; what was given for the same place does.
    if let given = try givenAddress(), let location = try? given.open().location, location == sink {
      return given
    }
    return stored(sink)
  }

  private func givenAddress() throws -> SinkAddress? {
    let environment = ProcessInfo.processInfo.environment
    if let into {
      return SinkAddress(
        url: into, stateSchema: stateSchema ?? environment["CAIRN_STATE_SCHEMA"])
    }
    if let job = try readJob() {
      return SinkAddress(url: job.sink.url, stateSchema: stateSchema ?? job.sink.stateSchema)
    }
    return environment["CAIRN_SINK_URL"].map {
      SinkAddress(url: $0, stateSchema: stateSchema ?? environment["CAIRN_STATE_SCHEMA"])
    }
  }

  /// What a manifest wrote down, which names the state schema too.
  private func stored(_ sink: String?) -> SinkAddress? {
    sink.map { SinkAddress(url: $0, stateSchema: stateSchema) }
  }

  /// Opens the sink; nil when nothing says where it is.
  func open(for syncID: SyncID?) throws -> (any Sink)? {
    try address(for: syncID).map { try $0.open() }
  }

  /// Opens the sink.
  ///
  /// - Throws: ``UsageError`` when nothing says where it is.
  func require(for syncID: SyncID?) throws -> any Sink {
    guard let sink = try open(for: syncID) else {
      throw UsageError(
        "cannot tell which database the runs are in",
        remedy: "Add --into \(SinkAddress.form), or --job with the job file")
    }
    return sink
  }
}
