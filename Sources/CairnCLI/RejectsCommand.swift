import ArgumentParser
import Cairn
import Foundation

/// `cairn rejects`.
struct RejectsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rejects", abstract: "The rows that a run rejected, and their way back.",
    subcommands: [RejectsListCommand.self, RejectsReplayCommand.self],
    defaultSubcommand: RejectsListCommand.self)
}

/// `cairn rejects SYNC_ID`.
struct RejectsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Write the rows that a run rejected, and why.",
    discussion: """
      Without those that a replay has settled. Correct the column raw of the CSV or JSON, and load \
      the rows with: cairn rejects replay SYNC_ID FILE
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case csv, json, raw }

  @Argument(help: ArgumentHelp("The run's id.", valueName: "sync-id"))
  var syncID: String

  @Option(name: .long, help: "csv, json (one object a line) or raw (the rows as they were).")
  var format: Format = .csv

  @Flag(name: .long, help: "Also those that a replay has settled.")
  var all = false

  @OptionGroup var sinkOptions: SinkOptionGroup

  private static let page = 1_000

  func run() async throws {
    try await Failure.reporting(next: nil) {
      guard let id = SyncID(syncID) else {
        throw UsageError("'\(syncID)' is not a run's id", remedy: "List the runs with: cairn runs")
      }
      let sink = try sinkOptions.require(for: id)
      guard
        let run = try await sink.runs(RunFilter(syncID: id, includesAbandoned: true)).first
      else { throw LoadError.unknownRun(id, sink: sink.location) }
      let encoding = try run.settings().layout.text?.encoding ?? .utf8
      if format == .csv { Terminal.print("line,byte_offset,column,rule,reason,raw") }
      var offset = 0
      while true {
        let rejects = try await sink.rejects(of: id, offset: offset, limit: Self.page)
        for reject in rejects where all || reject.replayed == nil {
          if format == .raw {
            guard let raw = reject.raw else {
              throw UsageError(
                "the run kept no raw rows (errors.raw: none)", remedy: "Add --format csv")
            }
            FileHandle.standardOutput.write(Data(raw + [0x0A]))
          } else {
            Terminal.print(try line(reject, encoding))
          }
        }
        offset += rejects.count
        if rejects.count < Self.page { return }
      }
    }
  }

  private func line(_ reject: Reject, _ encoding: TextEncoding) throws -> String {
    let raw = reject.raw.map { encoding.string($0) }
    switch format {
    case .csv, .raw:
      return [
        "\(reject.line)", "\(reject.byteOffset)", reject.column ?? "", reject.rule, reject.reason,
        raw ?? "",
      ].map(Self.csv).joined(separator: ",")
    case .json:
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(
        decoding: try encoder.encode(
          Line(
            row: reject.row + 1, line: reject.line, byteOffset: reject.byteOffset,
            column: reject.column, rule: reject.rule, reason: reject.reason, raw: raw)),
        as: UTF8.self)
    }
  }

  private struct Line: Encodable {
    var row, line, byteOffset: UInt64
    var column: String?
    var rule, reason: String
    var raw: String?
  }

  /// A field as RFC 4180 has it.
  private static func csv(_ field: String) -> String {
    guard field.contains(where: { ",\"\n\r\r\n".contains($0) }) else { return field }
    return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
