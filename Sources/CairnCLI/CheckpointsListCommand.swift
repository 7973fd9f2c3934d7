import ArgumentParser
import Cairn

/// `cairn checkpoints list`.
struct CheckpointsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List checkpoints, newest first.")

  @Argument(help: ArgumentHelp("Only those of this execution.", valueName: "pipeline-id"))
  var pipelineID: String?

  @OptionGroup var place: CheckpointFolderOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let checkpoints = try place.open()
      let found = try await checkpoints.list(pipelineID)
      if output.json {
        try JSONOutput.print(found)
      } else if found.isEmpty {
        Terminal.note("no checkpoints in \(checkpoints.registry.location)")
      } else {
        Terminal.print(CheckpointText.table(found, in: checkpoints))
      }
    }
  }
}

/// Checkpoints as people read them.
enum CheckpointText {
  static func table(_ checkpoints: [StageCheckpoint], in place: StageCheckpoints) -> String {
    var rows = [["CHECKPOINT", "STAGE", "HOLDS", "ROWS", "SIZE", "SAVED", "TOOK"]]
    for checkpoint in checkpoints {
      rows.append([
        checkpoint.id, checkpoint.stage, checkpoint.kind.rawValue,
        checkpoint.shape.isEmpty ? "" : Readable.count(checkpoint.rows),
        place.size(of: checkpoint).map { Readable.bytes($0) } ?? "",
        String(checkpoint.timestamp.prefix(19)) + "Z", milliseconds(checkpoint.cost.seconds),
      ])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell + String(repeating: " ", count: widths[column] - cell.count + 2)
      }
      return String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }

  static func details(_ checkpoint: StageCheckpoint, in place: StageCheckpoints) -> String {
    var lines = [
      "checkpoint  \(checkpoint.id)",
      "pipeline    \(checkpoint.pipelineID)",
      "stage       \(checkpoint.stage), version \(checkpoint.version)",
      "saved       \(checkpoint.timestamp)",
      "holds       \(checkpoint.kind.rawValue)"
        + (checkpoint.shape.count == 2
          ? ", \(Readable.count(checkpoint.shape[0])) rows × \(checkpoint.shape[1]) columns" : ""),
      "digest      \(checkpoint.dataHash)",
    ]
    if let file = checkpoint.dataFile {
      let size = place.size(of: checkpoint).map { ", \(Readable.bytes($0))" } ?? ", missing"
      lines.append("data        \(file)\(size)")
    }
    let cost = checkpoint.cost
    lines.append(
      "took        \(milliseconds(cost.seconds)): encoding \(milliseconds(cost.encoding)),"
        + " digest \(milliseconds(cost.digesting)), files \(milliseconds(cost.files)),"
        + " sync \(milliseconds(cost.syncing)); \(Readable.bytes(cost.bytes))")
    if !checkpoint.after.isEmpty {
      lines.append("after       \(checkpoint.after.map(\.stage).joined(separator: ", "))")
    }
    return lines.joined(separator: "\n")
  }

  static func milliseconds(_ seconds: Double) -> String {
    Readable.fixed(seconds * 1_000, 2) + " ms"
  }
}
