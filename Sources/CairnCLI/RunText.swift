import Cairn

/// Runs as people read them.
enum RunText {
  /// How a run stands, in a word.
  static func standing(_ run: RunRecord) -> String {
    if run.abandonedAt != nil { return "ABANDONED" }
    switch run.status {
    case .completed: return "SUCCESS"
    case .partialSuccess: return "PARTIAL_SUCCESS"
    case .failed: return "FAILED"
    case .converting, .ready, .processing:
      return run.holder?.owner.isAliveOnThisHost == true ? "PROCESSING" : "STOPPED"
    }
  }

  /// A run in a line, without its id.
  static func line(_ run: RunRecord) -> String {
    let chunks = run.end.map { "/\($0.position.chunk)" } ?? ""
    return "\(standing(run)), \(run.new.sourceName) → \(run.new.table),"
      + " \(Readable.count(run.counts.rows)) rows in \(run.committedChunks)\(chunks) chunks,"
      + " since \(run.new.startedAt)"
  }

  /// Standard input that waits for its run, in a line.
  static func line(_ input: PendingInput) -> String {
    "CONVERTED, standard input → \(input.settings.target.name), not begun"
  }

  static func table(_ runs: [RunRecord]) -> String {
    let rows = runs.map { run in
      [
        "\(run.syncID)", standing(run), run.new.sourceName, run.new.table,
        Readable.count(run.counts.rows), Readable.count(run.counts.rejected),
        "\(run.attempt)", run.new.startedAt,
      ]
    }
    let all =
      [["RUN", "STATUS", "SOURCE", "TABLE", "ROWS", "REJECTED", "ATTEMPTS", "STARTED"]] + rows
    let widths = all[0].indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      zip(row, widths).enumerated().map { index, cell in
        let pad = String(repeating: " ", count: cell.1 - cell.0.count)
        return (4...6).contains(index) ? pad + cell.0 : cell.0 + pad
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }

  static func details(_ run: RunRecord) -> String {
    var lines = [
      "\(Terminal.bold("\(run.syncID)"))  \(standing(run))",
      "  job        \(run.new.job)",
      "  source     \(run.new.source.path ?? run.new.sourceName)",
      "  table      \(run.new.table)",
      "  started    \(run.new.startedAt), attempt \(run.attempt) at \(run.attemptStartedAt)",
    ]
    if let completed = run.completedAt { lines.append("  completed  \(completed)") }
    if let abandoned = run.abandonedAt { lines.append("  abandoned  \(abandoned)") }
    let chunks = run.end.map { " of \($0.position.chunk)" } ?? " so far"
    lines.append("  chunks     \(Readable.count(run.committedChunks))\(chunks) committed")
    let counts = run.counts
    lines.append(
      "  rows       \(Readable.count(counts.rows)) = \(Readable.count(counts.inserted)) inserted"
        + " + \(Readable.count(counts.updated)) updated"
        + " + \(Readable.count(counts.unchanged)) unchanged"
        + " + \(Readable.count(counts.superseded)) superseded"
        + " + \(Readable.count(counts.kept)) kept"
        + " + \(Readable.count(counts.rejected)) rejected")
    if let holder = run.holder {
      let isGone = holder.owner.isAliveOnThisHost ? "" : ", which is gone"
      lines.append("  owner      \(holder)\(isGone)")
    }
    if let error = run.error { lines.append("  error      \(error)") }
    return lines.joined(separator: "\n")
  }

  static func plan(_ plan: ResumePlan, of run: SyncID, standing: String) -> String {
    """
    \(Terminal.bold("\(run)"))  \(standing)
      \(Readable.count(plan.committedChunks)) chunks are committed \
    (\(Readable.count(plan.committedRows)) rows): skipped
      \(Readable.count(plan.storedChunks)) chunks are converted \
    (\(Readable.count(plan.storedRows)) rows): read from their files
      the rest of the source, from byte \(Readable.count(plan.sourceOffset)): \
    \(plan.isConverted ? "nothing" : "read and converted")
    """
  }
}
