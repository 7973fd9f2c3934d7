import Cairn

/// Receipts as people read them.
enum ReceiptText {
  static func of(_ receipt: Receipt) -> String {
    let counts = receipt.counts
    let work = receipt.attemptWork
    var lines: [String] = []
    lines.append("\(colour(receipt.status)) \(receipt.syncID)")
    lines.append("  \(receipt.source) → \(receipt.sink), table \(receipt.table)")
    if receipt.wasLoadedBefore {
      lines.append("  loaded before by this run; nothing was done")
    }
    lines.append("")
    lines.append("  rows read      \(pad(counts.rows))")
    let parts = [
      ("inserted", counts.inserted), ("updated", counts.updated),
      ("unchanged", counts.unchanged), ("superseded", counts.superseded), ("kept", counts.kept),
      ("rejected", counts.rejected),
    ]
    for (index, part) in parts.enumerated() {
      let name = part.0 + String(repeating: " ", count: 10 - part.0.count)
      lines.append("    \(index == 0 ? "=" : "+") \(name) \(pad(part.1))")
    }
    lines.append("")
    let total = receipt.totalChunks.map { " of \(Readable.count($0))" } ?? ""
    lines.append("  chunks         \(Readable.count(receipt.committedChunks))\(total) committed")
    if !receipt.failedChunks.isEmpty {
      let failed = receipt.failedChunks.map(String.init).joined(separator: ", ")
      lines.append("  chunks failed  \(failed)")
    }
    if !receipt.failedViews.isEmpty {
      lines.append("  not refreshed  \(receipt.failedViews.joined(separator: ", "))")
    }
    if !receipt.wasLoadedBefore { lines += attempt(receipt, work) }
    if let digest = receipt.sourceDigest { lines.append("  source digest  \(digest)") }
    return lines.joined(separator: "\n")
  }

  private static func attempt(_ receipt: Receipt, _ work: AttemptWork) -> [String] {
    var lines: [String] = []
    let pace = work.seconds > 0 ? Double(work.rows) / work.seconds : 0
    lines.append(
      "  attempt \(receipt.attempt)      \(Readable.count(work.rows)) rows in"
        + " \(Readable.seconds(work.seconds)), \(Readable.count(Int(pace))) rows/s")
    if work.chunksSkipped > 0 || work.chunksReused > 0 {
      lines.append(
        "  resumed        \(Readable.count(work.chunksSkipped)) chunks were committed before,"
          + " \(Readable.count(work.chunksReused)) came back from their files;"
          + " about \(Readable.seconds(work.secondsSaved)) saved")
    }
    if let ratio = work.compressionRatio {
      lines.append(
        "  chunk files    \(Readable.bytes(work.chunkFileBytes)) for"
          + " \(Readable.bytes(work.chunkFileSourceBytes)) of source, \(Readable.percent(ratio))")
    }
    let steps = work.steps
    let parts = [
      ("read", steps.read), ("parse", steps.parse), ("encode", steps.encode),
      ("transform", steps.transform), ("stage", steps.stage), ("commit", steps.commit),
      ("finish", steps.finish),
    ]
    lines.append("  seconds        " + text(of: parts))
    let commits = steps.commits
    if steps.commit > 0 {
      let parts = [
        ("lock", commits.lock), ("copy", commits.copy), ("merge", commits.merge),
        ("sync", commits.sync),
      ]
      lines.append("    of commit    " + text(of: parts.filter { $0.0 != "copy" || $0.1 > 0 }))
    }
    return lines
  }

  private static func text(of seconds: [(String, Double)]) -> String {
    seconds.map { "\($0.0) \(Readable.fixed($0.1, 2))" }.joined(separator: "  ")
  }

  private static func colour(_ status: String) -> String {
    switch status {
    case "SUCCESS": Terminal.green(status)
    case "FAILED": Terminal.red(status)
    default: Terminal.yellow(status)
    }
  }

  private static func pad(_ number: Int) -> String {
    let text = Readable.count(number)
    return String(repeating: " ", count: max(0, 14 - text.count)) + text
  }
}
