import ArgumentParser
import Cairn

/// `cairn checkpoints show`.
struct CheckpointsShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a checkpoint, after its content was held against its digest.",
    discussion: "Also says what saving and reading it took.")

  @Argument(help: ArgumentHelp("The checkpoint's id.", valueName: "checkpoint-id"))
  var id: String

  @Option(name: .long, help: "How many rows to print.")
  var rows: Int = 5

  @OptionGroup var place: CheckpointFolderOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let checkpoints = try place.open()
      let loaded = try await checkpoints.load(id)
      if output.json { return try JSONOutput.print(Shown(state: loaded.state, read: loaded.cost)) }
      Terminal.print(CheckpointText.details(loaded.state, in: checkpoints))
      Terminal.print(
        "sound       read in \(CheckpointText.milliseconds(loaded.cost.seconds))")
      if !loaded.state.metadata.isEmpty {
        Terminal.print("metadata")
        try JSONOutput.print(loaded.state.metadata)
      }
      switch loaded.state.kind {
      case .rows, .batches: Terminal.print("\n" + Self.sample(try loaded.rows(), rows: rows))
      case .json: Terminal.print("\n" + String(decoding: try loaded.json(), as: UTF8.self))
      case .none, .foreign: break
      }
    }
  }

  private struct Shown: Encodable {
    var state: StageCheckpoint
    var read: CheckpointCost
  }

  /// The first rows, tab-separated.
  private static func sample(_ batch: RecordBatch, rows: Int) -> String {
    let head = batch.columns.map { "\($0.name) \($0.type)" }.joined(separator: "\t")
    let lines = (0..<min(max(rows, 0), batch.rowCount)).map { row in
      batch.columns.map { column in
        column.valueIndex(atRow: row).map { column.values.text(at: $0, type: column.type) } ?? "∅"
      }.joined(separator: "\t")
    }
    let rest = batch.rowCount - lines.count
    return ([head] + lines + (rest > 0 ? ["… \(Readable.count(rest)) more rows"] : []))
      .joined(separator: "\n")
  }
}
