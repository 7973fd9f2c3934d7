// Times writing and reading of Parquet files, for Scripts/bench/parquet/section.py.
//
//   parquet-bench write SOURCE TARGET CODEC ROUNDS THREADS
//   parquet-bench read SOURCE ROUNDS THREADS
//   parquet-bench rows-write COUNT TARGET ROUNDS
//   parquet-bench rows-read SOURCE ROUNDS
//
// Prints a JSON object: seconds and processor seconds of each round, and bytes.
import Foundation
import Parquet

struct Measured: Codable {
  var seconds: [Double] = []
  var cpu: [Double] = []
  var bytes = 0
  var rows = 0
}

/// Rows as a program has them.
struct Trade: Codable {
  var id: Int
  var symbol: String
  var time: Date
  var price: Double
  var volume: Int32?
  var note: String?
}

func processorSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Runs `body` once to warm up, then `rounds` times.
func measure(_ rounds: Int, _ body: () throws -> Void) throws -> Measured {
  var measured = Measured()
  try body()
  for _ in 0..<rounds {
    let cpu = processorSeconds()
    let start = ContinuousClock.now
    try body()
    let elapsed = ContinuousClock.now - start
    measured.seconds.append(elapsed / .seconds(1))
    measured.cpu.append(processorSeconds() - cpu)
  }
  return measured
}

func codec(_ name: String) -> Codec {
  switch name {
  case "zstd": .zstd(level: 1)
  case "none": .uncompressed
  default: .snappy
  }
}

/// A file, or the Parquet files in a folder and below, in the order of their paths.
func files(_ path: String) -> [String] {
  guard let inside = FileManager.default.enumerator(atPath: path) else { return [path] }
  let found = inside.compactMap { ($0 as? String).flatMap { $0.hasSuffix(".parquet") ? $0 : nil } }
  return found.isEmpty ? [path] : found.sorted().map { "\(path)/\($0)" }
}

let arguments = CommandLine.arguments
var measured: Measured
switch arguments[1] {
case "write":
  let threads = Int(arguments[6]) ?? 1
  let readers = try files(arguments[2]).map { try FileReader(path: $0) }
  let groups = try readers.flatMap { try $0.readRowGroups(threads: threads) }
  let schema = readers[0].metadata.schema
  let options = WriterOptions(codec: codec(arguments[4]))
  measured = try measure(Int(arguments[5]) ?? 1) {
    var writer = try FileWriter(
      output: FileOutput(path: arguments[3]), schema: schema, options: options)
    try writer.writeRowGroups(groups, threads: threads)
    _ = try writer.finish()
  }
  measured.bytes =
    try FileManager.default.attributesOfItem(atPath: arguments[3])[.size] as? Int ?? 0
  measured.rows = groups.reduce(0) { $0 + $1[0].rowCount }
case "read":
  let threads = Int(arguments[4]) ?? 1
  var rows = 0
  measured = try measure(Int(arguments[3]) ?? 1) {
    let reader = try FileReader(path: arguments[2])
    rows = try reader.readRowGroups(threads: threads).reduce(0) { $0 + $1[0].rowCount }
  }
  measured.rows = rows
case "rows-write":
  let count = Int(arguments[2]) ?? 1
  let trades = (0..<count).map { index in
    Trade(
      id: index, symbol: "SYM\(index % 500)", time: Date(timeIntervalSince1970: Double(index)),
      price: Double(index) / 7, volume: index % 10 == 0 ? nil : Int32(index % 1000),
      note: index % 3 == 0 ? "a note of trade \(index)" : nil)
  }
  measured = try measure(Int(arguments[4]) ?? 1) {
    var writer = try RowWriter(to: FileOutput(path: arguments[3]), of: Trade.self)
    try writer.write(contentsOf: trades)
    try writer.finish()
  }
  measured.rows = count
case "rows-read":
  var count = 0
  measured = try measure(Int(arguments[3]) ?? 1) {
    count = 0
    for row in try FileReader(path: arguments[2]).rows(as: Trade.self) {
      count += try row.get().volume == nil ? 0 : 1
    }
  }
  measured.rows = Int(try FileReader(path: arguments[2]).metadata.rowCount)
default: exit(64)
}
print(String(decoding: try JSONEncoder().encode(measured), as: UTF8.self))
