import ArgumentParser
import Cairn

/// `cairn checkpoints diff`.
struct CheckpointsDiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compare two checkpoints: columns, row counts, rows by key.",
    discussion: """
      Without --key whole rows are compared. JSON values are compared path by path. With --exit-code \
      the command ends with 1 when they differ.
      """)

  @Argument(help: ArgumentHelp("One checkpoint's id.", valueName: "a"))
  var first: String

  @Argument(help: ArgumentHelp("The other one's id.", valueName: "b"))
  var second: String

  @Option(
    name: .long,
    help: ArgumentHelp("Columns that identify a row, separated by commas.", valueName: "c,…"))
  var key: String?

  @Option(name: .long, help: "How many rows of each kind to show.")
  var samples: Int = 5

  @Flag(name: .customLong("exit-code"), help: "End with 1 when they differ.")
  var exitCode = false

  @OptionGroup var place: CheckpointFolderOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      let difference = try await place.open().difference(
        from: first, to: second,
        key: key.map { $0.split(separator: ",").map(String.init) } ?? [], samples: max(samples, 0))
      if output.json {
        try JSONOutput.print(difference)
      } else {
        Terminal.print(Self.text(of: difference))
      }
      if exitCode, !difference.isEmpty { throw ExitCode(ExitStatus.failed) }
    }
  }

  private static func text(of difference: CheckpointDifference) -> String {
    var lines: [String] = []
    for column in difference.removedColumns { lines.append("- column \(column)") }
    for column in difference.addedColumns { lines.append("+ column \(column)") }
    for change in difference.changedColumns {
      lines.append("~ column \(change.column): \(change.from) → \(change.to)")
    }
    if difference.columnsAreReordered { lines.append("~ columns come in another order") }
    lines.append(
      "rows: \(Readable.count(difference.rowsBefore)) → \(Readable.count(difference.rowsAfter));"
        + " \(Readable.count(difference.added)) added,"
        + " \(Readable.count(difference.removed)) removed,"
        + " \(Readable.count(difference.changed)) changed,"
        + " \(Readable.count(difference.unchanged)) the same")
    if difference.duplicateKeys > 0 {
      lines.append(
        "\(Readable.count(difference.duplicateKeys)) rows have a key that is not theirs alone")
    }
    for row in difference.removedSample { lines.append("- \(text(of: row))") }
    for row in difference.addedSample { lines.append("+ \(text(of: row))") }
    for row in difference.changedSample {
      let key = zip(difference.key, row.key).map { "\($0)=\($1 ?? "∅")" }.joined(separator: " ")
      let changes = row.changes.sorted { $0.key < $1.key }.map { name, values in
        "\(name): \(values.map { $0 ?? "∅" }.joined(separator: " → "))"
      }
      lines.append("~ \(key)  \(changes.joined(separator: ", "))")
    }
    return lines.joined(separator: "\n")
  }

  private static func text(of row: [String: String?]) -> String {
    row.sorted { $0.key < $1.key }.map { "\($0)=\($1 ?? "∅")" }.joined(separator: " ")
  }
}
