import Cairn
import Foundation
import Logging
import Synchronization

/// A folder of checkpoints with a clock of its own.
final class CheckpointPlace: Sendable {
  let path: String
  private let time: Mutex<Int64>
  private let messages = Mutex<[String]>([])

  init(at seconds: Int64 = 1_759_838_400) throws {
    path = FileManager.default.temporaryDirectory.path + "/cairn-stages-\(UUID().uuidString)"
    time = Mutex(seconds * 1_000_000_000)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Moves the clock, forward or back.
  func pass(_ duration: Duration) {
    time.withLock {
      $0 +=
        duration.components.seconds * 1_000_000_000 + duration.components.attoseconds
        / 1_000_000_000
    }
  }

  var environment: RunEnvironment {
    RunEnvironment(
      now: { self.time.withLock { $0 } }, random: { UInt64.random(in: .min ... .max) },
      sleep: { self.pass($0) })
  }

  /// What was logged as a notice or worse.
  var log: [String] { messages.withLock { $0 } }

  func checkpoints(
    _ folder: String = "checkpoints", compression: CheckpointCompression = .snappy,
    durability: CheckpointDurability = .unsynced, faults: FaultPoints = .none
  ) -> StageCheckpoints {
    StageCheckpoints(
      directory: file(folder), compression: compression, durability: durability,
      logger: Logger(label: "test", factory: { _ in MessageLog(place: self) }),
      environment: environment, faults: faults)
  }

  func pipelines(_ settings: PipelineSettings = PipelineSettings()) -> Pipelines {
    Pipelines(checkpoints: checkpoints(), settings: settings)
  }

  func file(_ name: String) -> String { path + "/" + name }

  func names(_ folder: String = "checkpoints") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: file(folder))) ?? []).sorted()
  }

  /// Names of the data and state files of checkpoints.
  var files: [String] { names().filter { $0.hasPrefix("pipeline_") } }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  /// Flips a bit of a file.
  func damage(_ name: String, at offset: Int) throws {
    var bytes = try bytes(name)
    bytes[offset < 0 ? bytes.count + offset : offset] ^= 0x10
    try write(bytes, to: name)
  }

  func object(_ name: String) throws -> [String: Any] {
    let value = try JSONSerialization.jsonObject(with: Data(try bytes(name)))
    return try requireObject(value)
  }

  fileprivate func note(_ message: String) { messages.withLock { $0.append(message) } }
}

private func requireObject(_ value: Any) throws -> [String: Any] {
  guard let object = value as? [String: Any] else { throw CocoaError(.coderReadCorrupt) }
  return object
}

private struct MessageLog: LogHandler {
  let place: CheckpointPlace
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }
      .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    place.note("\(event.message) \(details)")
  }
}

/// Rows of every type, some of them without a value.
func everyType(_ count: Int = 7) throws -> RecordBatch {
  let rows = 0..<count
  let gaps = rows.map { $0 % 3 == 1 ? Column.null : UInt32($0) }
  func column(_ name: String, _ type: ColumnType, _ values: ColumnValues) -> Column {
    Column(name: name, type: type, values: values, indices: gaps)
  }
  var columns = [
    column("flag", .boolean, .boolean(rows.map { $0 % 2 == 0 })),
    column("small", .integer, .integer(rows.map { Int32($0) - 3 })),
    column("big", .bigint, .bigint(rows.map { Int64($0) << 40 })),
    column("real", .double, .double(rows.map { $0 == 3 ? .nan : Double($0) / 3 })),
    column(
      "exact", .numeric(precision: 38, scale: 4),
      .numeric(rows.map { Int128($0 - 3) * 100_000_000_000_000_000_000_000 })),
    column("day", .date, .date(rows.map { Int32($0) * 1_000 - 2_000 })),
    column("clock", .time, .time(rows.map { Int64($0) * 1_234_567 })),
    column("moment", .timestamp, .timestamp(rows.map { Int64($0) * 1_000_000_007 - 5 })),
    column("instant", .timestamptz, .timestamp(rows.map { Int64($0) * 77_000_000_007 })),
    column("id", .uuid, .uuid(rows.map { UInt128($0) << 100 | 5 })),
  ]
  let texts = try RecordBatch(rows: rows.map { TextRow(text: "tëxt \($0 % 4)", json: "[\($0)]") })
  for var text in texts.columns {
    if text.name == "json" { text.type = .json }
    columns.append(text)
  }
  return try RecordBatch(columns: columns)
}

private struct TextRow: Codable {
  var text: String
  var json: String
}

/// The values of a batch as text, row by row.
func texts(_ batch: RecordBatch) -> [[String?]] {
  (0..<batch.rowCount).map { row in
    batch.columns.map { column in
      column.valueIndex(atRow: row).map { column.values.text(at: $0, type: column.type) }
    }
  }
}

/// Whether two batches have the same columns and values.
func expectSame(_ found: RecordBatch, _ expected: RecordBatch) -> Bool {
  found.columns.map(\.name) == expected.columns.map(\.name)
    && found.columns.map(\.type) == expected.columns.map(\.type)
    && texts(found) == texts(expected)
}

/// 250 days of a share in 10 columns.
func prices(_ count: Int = 250, seed: Int = 0) throws -> RecordBatch {
  let rows = 0..<count
  func doubles(_ factor: Double) -> ColumnValues {
    .double(rows.map { Double(($0 + seed) * 7919 % 10_007) * factor })
  }
  return try RecordBatch(columns: [
    Column(name: "day", type: .date, values: .date(rows.map { Int32($0) })),
    Column(name: "open", type: .double, values: doubles(0.01)),
    Column(name: "close", type: .double, values: doubles(0.011)),
    Column(name: "volume", type: .bigint, values: .bigint(rows.map { Int64($0 + seed) * 31 })),
  ])
}
