// A program of one's own: rows from code instead of a file, a transform, and two attempts. The
// first attempt is stopped by its deadline, as a function that runs out of time would be; the second
// goes on from the last committed batch.
import Cairn
import CairnSQLite
import Foundation

struct Price: Codable {
  var symbol: String
  var day: Int
  var cents: Int
  var venue: String?
}

/// Pretends to be a paged price service: 40 pages of 500 prices.
func page(_ number: Int) -> [Price]? {
  guard number < 40 else { return nil }
  return (0..<500).map { row in
    let id = number * 500 + row
    return Price(
      symbol: "sym\(id % 250)", day: id / 250, cents: 1_000 + id % 97,
      venue: id % 3 == 0 ? nil : "xetra")
  }
}

let folder = FileManager.default.temporaryDirectory
  .appendingPathComponent("price-feed-\(ProcessInfo.processInfo.processIdentifier)")
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
defer { try? FileManager.default.removeItem(at: folder) }

let source = BatchSource(name: "prices", fingerprint: "feed-2025-01-29") { number in
  // A slow service, so that the deadline comes in the middle.
  try await Task.sleep(for: .milliseconds(20))
  return try page(number).map { try RecordBatch(rows: $0) }
}

let job = Job(
  name: "prices",
  checkpoint: CheckpointOptions(directory: folder.appendingPathComponent("checkpoints").path),
  columns: [
    ColumnRule(name: "symbol", type: .text, required: true),
    ColumnRule(name: "day", type: .bigint, required: true),
    ColumnRule(name: "cents", type: .bigint, minimum: "0"),
    ColumnRule(name: "venue", type: .text),
  ],
  sink: SinkOptions(url: "", table: "prices", key: ["symbol", "day"]))

let sink = SQLiteSink(path: folder.appendingPathComponent("prices.db").path)

/// Symbols in capitals, done once for each distinct one.
@Sendable func tidy(_ batch: RecordBatch) throws -> RecordBatch {
  var batch = batch
  try batch.mapDistinct("symbol") { $0.uppercased() }
  return batch
}

let first = try await load(
  job, from: source, into: sink, deadline: .milliseconds(400), transform: tidy)
guard case .stopped(let receipt, let reason) = first else {
  fatalError("expected the deadline to stop the first attempt")
}
print("first attempt: \(receipt.counts.rows) rows, then \(reason)")

let second = try await load(job, from: source, into: sink, transform: tidy)
guard case .done(let whole) = second else { fatalError("expected the second attempt to end") }
print(
  "second attempt: \(whole.counts.rows) rows in all,"
    + " \(whole.attemptWork.chunksSkipped) batches were committed before")
precondition(whole.counts.inserted == 20_000 && whole.counts.addsUp && whole.attempt == 2)

// Batches are values with typed columns, and give Codable rows back.
let sample = try RecordBatch(rows: page(0) ?? [])
let cents = try sample.column("cents", as: Int64.self)
print(
  "average of the first page: \(cents.compactMap(\.self).reduce(0, +) / Int64(cents.count)) cents")
print("first row again: \(try sample.rows(as: Price.self)[0])")
