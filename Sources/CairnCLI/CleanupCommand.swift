import ArgumentParser
import Cairn
import Foundation

/// `cairn cleanup`.
struct CleanupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cleanup",
    abstract: "Delete chunk files past their retention, or give up a run.",
    discussion: """
      With an id: that run alone, whatever its age, also one without chunk files. What it has \
      committed stays in its table. \
      An unfinished run is marked abandoned in its database before its chunks are deleted. Chunks \
      of a run that another process is working on are left alone.
      """)

  @Argument(help: ArgumentHelp("Only this run, to give it up.", valueName: "sync-id"))
  var syncID: String?

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp("Only folders not written to for so long.", valueName: "time"))
  var olderThan: String?

  @Flag(name: .customLong("dry-run"), help: "Show what would be deleted, and delete nothing.")
  var dryRun = false

  @OptionGroup var sinkOptions: SinkOptionGroup

  func run() async throws {
    try await Failure.reporting(next: nil) {
      if let syncID {
        guard olderThan == nil else {
          throw UsageError(
            "a run that is named is given up whatever its age", remedy: "Leave out --older-than")
        }
        guard let id = SyncID(syncID) else {
          throw UsageError(
            "'\(syncID)' is not a run's id", remedy: "List the runs with: cairn runs")
        }
        return try await giveUp(id)
      }
      let retention = try retention()
      let now = RunEnvironment.live.now()
      var failures = 0
      var freed: Int64 = 0
      for folder in Cleanup.folders(in: sinkOptions.checkpointDirectory())
      where Cleanup.isExpired(folder, retention: retention, now: now) {
        let what =
          "\(folder.syncID)  \(folder.status?.rawValue ?? "unknown")"
          + "  \(Readable.bytes(folder.bytes))"
        if dryRun {
          Terminal.print("would delete  \(what)")
          continue
        }
        do {
          let address = try sinkOptions.address(ofFolder: folder.sink)
          let sink = try address.map { try $0.open() }
          try await Cleanup.remove(folder, sink: sink)
          freed += folder.bytes
          Terminal.print("deleted  \(what)")
        } catch {
          failures += 1
          Terminal.note("\(Terminal.red("cairn:")) \(folder.syncID) is left alone: \(error)")
        }
      }
      if !dryRun { Terminal.note("\(Readable.bytes(freed)) freed") }
      if failures > 0 { throw ExitCode(ExitStatus.failed) }
    }
  }

  /// Abandons a run that is unfinished, and deletes its chunks if there are any.
  private func giveUp(_ syncID: SyncID) async throws {
    let sink = try sinkOptions.require(for: syncID)
    let found = try await sink.runs(RunFilter(syncID: syncID, includesAbandoned: true)).first
    guard let run = found else { throw LoadError.unknownRun(syncID, sink: sink.location) }
    let isUnfinished = run.completedAt == nil && run.abandonedAt == nil
    let folder = Cleanup.folders(in: sinkOptions.checkpointDirectory()).first {
      $0.syncID == syncID
    }
    guard isUnfinished || folder != nil else {
      Terminal.print("nothing to do  \(syncID)  \(RunText.line(run))")
      return
    }
    let action = isUnfinished ? "abandon" : "delete"
    if dryRun {
      Terminal.print("would \(action)  \(syncID)  \(RunText.line(run))")
      return
    }
    if let folder {
      try await Cleanup.remove(folder, sink: sink)
    } else {
      try await sink.abandon(syncID, owner: .current())
    }
    Terminal.print("\(isUnfinished ? "abandoned" : "deleted")  \(syncID)  \(RunText.line(run))")
    if let folder { Terminal.note("\(Readable.bytes(folder.bytes)) freed") }
  }

  private func retention() throws -> Duration {
    if let olderThan { return try RunOptions.duration(olderThan, of: "--older-than") }
    if let job = try sinkOptions.readJob() { return job.checkpoint.retention }
    let days = ProcessInfo.processInfo.environment["CHECKPOINT_RETENTION_DAYS"].flatMap(Int.init)
    return .seconds((days ?? 7) * 86_400)
  }
}
