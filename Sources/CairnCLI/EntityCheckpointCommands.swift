import ArgumentParser
import Cairn
import Foundation

/// `cairn checkpoints active`.
struct ActiveCheckpointsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "active",
    abstract: "List the entity batches that are being worked on, or can be gone on with.")

  @Option(
    name: .customLong("within"),
    help: ArgumentHelp("Only those with a commit since so long.", valueName: "time"))
  var within = "24h"

  @Option(name: .long, help: ArgumentHelp("Only of this processor.", valueName: "name"))
  var processor: String?

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let age = try RunOptions.duration(within, of: "--within")
      let sink = try sinkOptions.requireEntities()
      let found = try await sink.entityCheckpoints(EntityCheckpointFilter(processor: processor))
        .filter { $0.age <= age }
      if output.json {
        try JSONOutput.print(found.map(EntityCheckpointSummary.init))
      } else if found.isEmpty {
        Terminal.note("no entity batches with a commit in the last \(within) in \(sink.location)")
      } else {
        Terminal.print(EntityCheckpointText.table(found))
      }
    }
  }
}

/// `cairn checkpoints effectiveness`.
struct CheckpointEffectivenessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "effectiveness",
    abstract: "Show how much work the checkpoints of entity batches have saved.",
    discussion: """
      Counts the attempts that went on from a checkpoint, of runs that were completed, by processor.
      """)

  @Option(name: .long, help: ArgumentHelp("How far to look back.", valueName: "time"))
  var within = "7d"

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let age = try RunOptions.duration(within, of: "--within")
      let sink = try sinkOptions.requireEntities()
      let found = CheckpointEffectiveness.of(
        try await sink.entityAttempts(EntityAttemptFilter(within: age)))
      if output.json {
        try JSONOutput.print(found)
      } else if found.isEmpty {
        Terminal.note(
          "in the last \(within) no completed run of \(sink.location) went on from a checkpoint")
      } else {
        Terminal.print(EntityCheckpointText.table(found))
      }
    }
  }
}

/// `cairn checkpoints stale`.
struct StaleCheckpointsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stale",
    abstract: "List the entity batches that were never completed; --clean deletes them.",
    discussion: """
      What is cleaned goes into the history. Rows that were committed stay where they are. One that \
      somebody is working on is not cleaned.
      """)

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp("How long ago the last commit is.", valueName: "time"))
  var olderThan = "24h"

  @Flag(name: .long, help: "Delete them.")
  var clean = false

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      try recordOptions.begin()
      let age = try RunOptions.duration(olderThan, of: "--older-than")
      let sink = try sinkOptions.requireEntities()
      let found =
        clean
        ? try await sink.removeEntityCheckpoints(olderThan: age)
        : try await sink.entityCheckpoints(EntityCheckpointFilter()).filter { $0.age > age }
      if clean {
        let folder = sinkOptions.checkpointDirectory()
        for checkpoint in found {
          if let file = checkpoint.state?.file,
            !FileManager.default.fileExists(atPath: "\(folder)/\(file)")
          {
            Terminal.note(
              "the state '\(file)' of \(checkpoint.key) is not in '\(folder)': delete it where its"
                + " program keeps state, and say next time where that is with --checkpoints DIR")
          }
          BatchStateFiles.remove(of: checkpoint.syncID, in: folder)
        }
        let records = try recordOptions.open(sinkOptions.readJob())
        try await records.keeping {
          for checkpoint in found { records.events?.cleanedUp(checkpoint) }
        }
      }
      // The oldest first.
      let stale = found.sorted { $0.age > $1.age }
      if output.json {
        try JSONOutput.print(stale.map(EntityCheckpointSummary.init))
      } else if stale.isEmpty {
        Terminal.note("nothing older than \(olderThan) in \(sink.location)")
      } else {
        Terminal.print(EntityCheckpointText.table(stale))
        Terminal.note(
          clean
            ? "\(stale.count) cleaned"
            : "Delete them with: cairn checkpoints stale --older-than \(olderThan) --clean")
      }
    }
  }
}

extension SinkOptionGroup {
  /// Opens the sink, for entity batches.
  func requireEntities() throws -> any EntityBatchSink {
    guard let sink = try require(for: nil) as? any EntityBatchSink else {
      throw UsageError("this sink keeps no entity batches")
    }
    return sink
  }
}

/// A checkpoint as programs read it.
struct EntityCheckpointSummary: Encodable {
  var processorName, partition, checkpointKey: String
  var syncID: SyncID
  var lastEntityID: String
  var entitiesCompleted, totalEntities: Int
  var pctComplete: Double
  var checkpointAt: String
  var minutesAgo: Int
  var completedRanges: String
  var attempt: Int
  var tableName: String
  var stateBytes: Int?
  var stateFile: String?
  var failuresInARow: Int
  var error: String?
  var owner: LeaseHolder?

  init(_ checkpoint: EntityCheckpoint) {
    processorName = checkpoint.new.processor
    partition = checkpoint.new.partition
    checkpointKey = checkpoint.key
    syncID = checkpoint.syncID
    lastEntityID = checkpoint.lastEntityID
    entitiesCompleted = checkpoint.completed.count
    totalEntities = checkpoint.total
    pctComplete = (checkpoint.shareDone * 1_000).rounded() / 10
    checkpointAt = checkpoint.checkpointAt
    minutesAgo = Int(checkpoint.age.components.seconds / 60)
    completedRanges = checkpoint.completed.description
    attempt = checkpoint.attempt
    tableName = checkpoint.new.table
    stateBytes = checkpoint.state?.size
    stateFile = checkpoint.state?.file
    failuresInARow = checkpoint.failuresInARow
    error = checkpoint.error
    owner = checkpoint.holder
  }
}

extension EntityCheckpoint {
  /// How much is done, from 0 to 1.
  var shareDone: Double { total > 0 ? Double(completed.count) / Double(total) : 1 }
}
