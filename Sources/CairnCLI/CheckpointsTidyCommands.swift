import ArgumentParser
import Cairn

/// `cairn checkpoints delete`.
struct CheckpointsDeleteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete checkpoints.")

  @Argument(help: ArgumentHelp("The checkpoints' ids.", valueName: "checkpoint-id"))
  var ids: [String]

  @OptionGroup var place: CheckpointFolderOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let checkpoints = try place.open()
      // All or none: a mistyped one is noticed before any is gone.
      for id in ids { _ = try await checkpoints.describe(id) }
      for id in ids {
        try await checkpoints.delete(id)
        Terminal.print("deleted  \(id)")
      }
    }
  }
}

/// `cairn checkpoints cleanup`.
struct CheckpointsCleanupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cleanup", abstract: "Delete checkpoints past their retention.",
    discussion: "Those of a pipeline that a process is working on are left alone.")

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp("Only those saved so long ago; by default 7d.", valueName: "time"))
  var olderThan: String?

  @Flag(name: .customLong("dry-run"), help: "Show what would be deleted, and delete nothing.")
  var dryRun = false

  @OptionGroup var place: CheckpointFolderOptions
  @OptionGroup var recordOptions: RecordOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      try recordOptions.begin()
      let checkpoints = try place.open()
      let retention =
        try olderThan.map { try RunOptions.duration($0, of: "--older-than") }
        ?? place.settings().retention
      if dryRun {
        for checkpoint in try await checkpoints.expired(olderThan: retention) {
          Terminal.print("would delete  \(checkpoint.id)")
        }
        return
      }
      let records = try recordOptions.open(nil, usual: place.settings().logging)
      let deleted = try await records.keeping {
        try await checkpoints.cleanUp(olderThan: retention, events: records.events)
      }
      Terminal.print("\(Readable.count(deleted)) checkpoints deleted")
    }
  }
}

/// `cairn checkpoints recompress`.
struct CheckpointsRecompressCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recompress", abstract: "Rewrite older checkpoints with zstd at a higher level.",
    discussion: "Their content and digests stay. Readers are not disturbed.")

  @Option(
    name: .customLong("older-than"),
    help: ArgumentHelp("Only those saved so long ago.", valueName: "time"))
  var olderThan: String = "1d"

  @Option(name: .long, help: "The level, 1 to 22.")
  var level: Int = 12

  @OptionGroup var place: CheckpointFolderOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      guard (1...22).contains(level) else {
        throw UsageError("--level \(level) is not from 1 to 22")
      }
      let done = try await place.open().recompress(
        olderThan: try RunOptions.duration(olderThan, of: "--older-than"), level: level)
      if output.json {
        try JSONOutput.print(done)
      } else {
        Terminal.print(
          "\(Readable.count(done.rewritten)) checkpoints rewritten in"
            + " \(Readable.seconds(done.seconds)), \(Readable.bytes(done.bytesBefore)) →"
            + " \(Readable.bytes(done.bytesAfter)); \(Readable.count(done.leftAlone)) left alone")
      }
      for (id, reason) in done.damaged.sorted(by: { $0.key < $1.key }) {
        Terminal.note("\(Terminal.red("cairn:")) \(id) is left alone: \(reason)")
      }
      if !done.damaged.isEmpty { throw ExitCode(ExitStatus.failed) }
    }
  }
}
