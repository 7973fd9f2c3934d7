// Writes a Parquet file of Swift values and reads it back.
import Foundation
import Parquet

struct Price: Codable {
  var symbol: String
  var time: Date
  var bid: Double
  var ask: Double?
}

let path = FileManager.default.temporaryDirectory.appending(path: "prices.parquet").path
var writer = try RowWriter(to: FileOutput(path: path), of: Price.self)
let start = Date(timeIntervalSince1970: 1_763_712_000)
for second in 0..<100_000 {
  let bid = 1.08 + Double(second % 97) / 10_000
  try writer.write(
    Price(
      symbol: second % 2 == 0 ? "EURUSD" : "GBPUSD", time: start + Double(second), bid: bid,
      ask: second % 10 == 0 ? nil : bid + 0.0002))
}
let summary = try writer.finish(keyValues: [("source", "example")])
print("\(summary.rowCount) rows in \(summary.byteCount) bytes")

let reader = try FileReader(path: path)
var highest: [String: Double] = [:]
for row in reader.rows(as: Price.self) {
  let price = try row.get()
  highest[price.symbol] = max(price.bid, highest[price.symbol] ?? 0)
}
for (symbol, bid) in highest.sorted(by: { $0.key < $1.key }) {
  print("\(symbol): highest bid \(bid)")
}
try FileManager.default.removeItem(atPath: path)
