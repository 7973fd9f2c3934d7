import Cairn
import Foundation
import Synchronization

/// What a command knows of the load it is at, for the alert that it may end with.
struct LoadUnderWay {
  var job: String
  var table: String
  var source: String
  /// The job file, absolute.
  var jobFile: String?
  var alerts: AlertOptions?
  /// The sink, once it is opened.
  var sink: (any Sink)?
  var stop = StopRequest()
  /// Shared by copies: each load gets one of its own.
  var mark = RunMark()

  /// Where the sink is, without secrets.
  var location: String { sink?.location ?? "no sink" }

  func syncID(after error: any Error) -> SyncID? { (error as? LoadError)?.syncID ?? mark.syncID }

  /// The run as its sink knows it, unless there is none or the sink is away.
  func run(after error: any Error) async -> RunRecord? {
    guard let sink, let syncID = syncID(after: error), ErrorClass.of(error) != .transient else {
      return nil
    }
    // An alert that knows less is better than none.
    let runs = try? await sink.runs(RunFilter(syncID: syncID, includesAbandoned: true, limit: 1))
    return runs?.first
  }

  /// The command that goes on after an error: with the run if there is one, else with this command.
  func nextCommand(run: SyncID?) -> String {
    if let run { return command("resume", run) }
    return inThisFolder(TypedCommand.text)
  }

  /// The command that goes on after an outcome, if there is anything left to do.
  func nextCommand(after outcome: LoadOutcome) -> String? {
    let run = outcome.receipt.syncID
    switch outcome {
    case .done: return nil
    case .partial(let receipt):
      let isAllDone = receipt.failedChunks.isEmpty && receipt.failedViews.isEmpty
      return command(isAllDone ? "rejects" : "resume", run)
    case .stopped: return command("resume", run)
    }
  }

  private func command(_ name: String, _ run: SyncID) -> String {
    if let jobFile { return "cairn \(name) \(run) --job \(shellQuoted(jobFile))" }
    return inThisFolder("cairn \(name) \(run) --into \(shellQuoted(location))")
  }

  /// Who reads an alert is elsewhere, and paths are relative.
  private func inThisFolder(_ command: String) -> String {
    "cd \(shellQuoted(FileManager.default.currentDirectoryPath)) && \(command)"
  }
}

/// The run that a load turned out to be, noted from any thread.
final class RunMark: Sendable {
  private let noted = Mutex<SyncID?>(nil)

  func note(_ syncID: SyncID) { noted.withLock { $0 = syncID } }

  var syncID: SyncID? { noted.withLock { $0 } }
}
