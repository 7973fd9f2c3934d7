import ArgumentParser
import Cairn
import Foundation

/// Finds the sink of a command that looks at runs.
struct SinkOptionGroup: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("The sink: sqlite:PATH.", valueName: "url"))
  var into: String?

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

  /// The sink's URL: from `--into`, the job, the environment, or the run's own manifest.
  func url(for syncID: SyncID?) throws -> String? {
    if let into { return into }
    if let job = try readJob() { return job.sink.url }
    if let url = ProcessInfo.processInfo.environment["CAIRN_SINK_URL"] { return url }
    let folders = Cleanup.folders(in: checkpointDirectory())
    if let syncID { return folders.first { $0.syncID == syncID }?.sink }
    let sinks = Set(folders.compactMap(\.sink))
    return sinks.count == 1 ? sinks.first : nil
  }

  /// Opens the sink; nil when nothing says where it is.
  func open(for syncID: SyncID?) throws -> (any Sink)? {
    try url(for: syncID).map { try SinkURL.open($0, faults: .none) }
  }

  /// Opens the sink.
  ///
  /// - Throws: ``UsageError`` when nothing says where it is.
  func require(for syncID: SyncID?) throws -> any Sink {
    guard let sink = try open(for: syncID) else {
      throw UsageError(
        "cannot tell which database the runs are in",
        remedy: "Add --into sqlite:PATH, or --job with the job file")
    }
    return sink
  }
}
