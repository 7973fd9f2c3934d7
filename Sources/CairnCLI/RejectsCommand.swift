import ArgumentParser
import Cairn
import Foundation

/// `cairn rejects`.
struct RejectsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rejects", abstract: "Write the rows that a run rejected, and why.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case csv, json }

  @Argument(help: ArgumentHelp("The run's id.", valueName: "sync-id"))
  var syncID: String

  @Option(name: .long, help: "csv or json (one object a line).")
  var format: Format = .csv

  @OptionGroup var sinkOptions: SinkOptionGroup

  private static let page = 1_000

  func run() async throws {
    try await Failure.reporting(next: nil) {
      guard let id = SyncID(syncID) else {
        throw UsageError("'\(syncID)' is not a run's id", remedy: "List the runs with: cairn runs")
      }
      let sink = try sinkOptions.require(for: id)
      guard
        try await sink.runs(RunFilter(syncID: id, includesAbandoned: true)).first != nil
      else { throw LoadError.unknownRun(id, sink: sink.location) }
      if format == .csv { Terminal.print("line,byte_offset,column,rule,reason,raw") }
      var offset = 0
      while true {
        let rejects = try await sink.rejects(of: id, offset: offset, limit: Self.page)
        for reject in rejects { Terminal.print(try line(reject)) }
        offset += rejects.count
        if rejects.count < Self.page { return }
      }
    }
  }

  private func line(_ reject: Reject) throws -> String {
    let raw = reject.raw.map { String(decoding: $0, as: UTF8.self) }
    switch format {
    case .csv:
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
