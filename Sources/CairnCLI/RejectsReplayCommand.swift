import ArgumentParser
import Cairn
import Foundation

/// `cairn rejects replay`.
struct RejectsReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Load corrected rows in the place of a run's rejects.",
    discussion: """
      FILE is what cairn rejects wrote as CSV or JSON, with the column raw corrected; rows that were \
      left as they are stay rejects. The run's own rules apply. A row that a later row or run has \
      written is never overwritten.
      """)

  @Argument(help: ArgumentHelp("The run's id.", valueName: "sync-id"))
  var syncID: String

  @Argument(help: "The corrected rows, CSV or JSON.")
  var file: String

  @OptionGroup var sinkOptions: SinkOptionGroup
  @OptionGroup var recordOptions: RecordOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await Failure.reporting(next: nil) {
      try recordOptions.begin()
      guard let id = SyncID(syncID) else {
        throw UsageError("'\(syncID)' is not a run's id", remedy: "List the runs with: cairn runs")
      }
      let sink = try sinkOptions.require(for: id)
      let rows = try await CorrectedRows.read(file)
      let records = try recordOptions.open(sinkOptions.readJob())
      let receipt = try await records.keeping {
        try await replayRejects(rows, of: id, into: sink, options: records.options)
      }
      if output.json {
        try JSONOutput.print(receipt)
      } else {
        Terminal.print(text(receipt))
      }
      if !receipt.isComplete { throw ExitCode(ExitStatus.partial) }
    }
  }

  private func text(_ receipt: ReplayReceipt) -> String {
    var lines = ["\(Readable.count(receipt.rows)) rows of \(receipt.syncID)"]
    for (word, count) in receipt.settled.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(Readable.count(count)) \(word)")
    }
    if receipt.uncorrected > 0 {
      lines.append("  \(Readable.count(receipt.uncorrected)) as they were rejected: left alone")
    }
    for left in receipt.left.prefix(20) { lines.append("  line \(left.line): \(left.reason)") }
    if receipt.left.count > 20 {
      lines.append("  … and \(Readable.count(receipt.left.count - 20)) more; --json has all")
    }
    return lines.joined(separator: "\n")
  }
}

/// Reads corrected rows, as `cairn rejects` wrote them.
enum CorrectedRows {
  private struct Line: Decodable {
    var line: UInt64?
    var raw: String?
  }

  /// - Throws: ``UsageError`` when the file is neither CSV nor JSON lines with `line` and `raw`.
  static func read(_ path: String) async throws -> [CorrectedRow] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UsageError("there is no file '\(path)' to read")
    }
    if data.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") { return try json(data, path) }
    return try await csv(path)
  }

  private static func json(_ data: Data, _ path: String) throws -> [CorrectedRow] {
    var rows: [CorrectedRow] = []
    for (index, text) in data.split(separator: 0x0A).enumerated() {
      guard let found = try? JSONDecoder().decode(Line.self, from: text), let line = found.line
      else {
        throw UsageError(
          "'\(path)', object \(index + 1): expected an object with line and raw, one a line")
      }
      if let raw = found.raw { rows.append(CorrectedRow(line: line, text: raw)) }
    }
    return rows
  }

  private static func csv(_ path: String) async throws -> [CorrectedRow] {
    let source = FileSource(
      path: path, options: SourceOptions(delimiter: ",", header: .asIs, quote: "\"", nulls: []))
    let layout = try await source.resolve()
    guard layout.columns.contains("line"), layout.columns.contains("raw") else {
      throw UsageError(
        "'\(path)' has no columns line and raw; it has \(layout.columns.joined(separator: ", "))",
        remedy: "Write it with: cairn rejects SYNC_ID --format csv")
    }
    let reader = try await source.open(layout, at: .start, limits: ChunkLimits())
    var rows: [CorrectedRow] = []
    while let chunk = try await reader.next()?.parse() {
      if let bad = chunk.malformed.first {
        throw UsageError(
          "'\(path)', line \(chunk.origins.line(ofRow: Int(bad.row))): \(bad.defect.reason)")
      }
      let lines = try chunk.batch.column("line", as: String.self)
      let texts = try chunk.batch.column("raw", as: String.self)
      for (number, text) in zip(lines, texts) {
        guard let number, let line = UInt64(number) else {
          throw UsageError("'\(path)': '\(number ?? "")' is not the number of a line")
        }
        rows.append(CorrectedRow(line: line, text: text ?? ""))
      }
    }
    return rows
  }
}
