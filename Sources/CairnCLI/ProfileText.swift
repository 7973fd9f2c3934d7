import Cairn

/// Where the time of an attempt went, as people read it.
enum ProfileText {
  static func of(_ receipt: Receipt, _ usage: ProcessUsage) -> String {
    let work = receipt.attemptWork
    let steps = work.steps
    let commits = steps.commits
    let other = steps.commit - commits.lock - commits.copy - commits.merge - commits.sync
    let rows: [(name: String, seconds: Double, meaning: String)] = [
      ("read", steps.read, "reading, decompressing and cutting the source"),
      ("parse", steps.parse, "fields into columns, or chunk files read back"),
      ("encode", steps.encode, "Parquet chunk files: encoding, compressing, syncing"),
      ("transform", steps.transform, "validating, converting, applying rules"),
      ("stage", steps.stage, "encoding rows for the database, grouping them by key"),
      ("commit", steps.commit, "transactions, one after the other:"),
      ("  lock", commits.lock, "waiting for the target's lock"),
      ("  copy", commits.copy, "rows with new keys (COPY)"),
      ("  merge", commits.merge, "looking up, comparing and writing rows"),
      ("  sync", commits.sync, "waiting until COMMIT is durable"),
      ("  other", max(0, other), "fence, mark, rejects, ledger"),
      ("finish", steps.finish, "the proof from the ledger, cleaning up"),
    ]
    var lines = [
      "where the time went: attempt \(receipt.attempt), \(Readable.seconds(work.seconds));"
        + " steps overlap, so their shares add up to more than 100 %"
    ]
    for row in rows {
      let share = work.seconds > 0 ? row.seconds / work.seconds : 0
      lines.append(
        "  " + left(row.name, 10) + right(Readable.fixed(row.seconds, 2), 8)
          + right(Readable.percent(share), 9) + "  " + row.meaning)
    }
    lines.append(
      "  CPU \(Readable.fixed(usage.userSeconds, 2)) s user, "
        + "\(Readable.fixed(usage.systemSeconds, 2)) s system; peak memory "
        + Readable.bytes(usage.peakBytes))
    return lines.joined(separator: "\n")
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
