import Foundation
import Testing

@testable import Parquet

/// We choose the rows that pyarrow chooses, in files of pyarrow, DuckDB and polars, and in the same
/// tables as we write them; and DuckDB chooses them in ours. One Python process makes all files and
/// predicates.
@Suite struct RowFilterInteroperabilityTests {
  /// A predicate in JSON, as `parquet_filter_peers.py` makes it.
  indirect enum Tree: Decodable {
    case leaf(op: String, column: String, values: [Literal])
    case and(Tree, Tree)
    case or(Tree, Tree)
    case not(Tree)

    enum Key: String, CodingKey { case op, column, value, and, or, not }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      if let parts = try container.decodeIfPresent([Tree].self, forKey: .and) {
        self = .and(parts[0], parts[1])
      } else if let parts = try container.decodeIfPresent([Tree].self, forKey: .or) {
        self = .or(parts[0], parts[1])
      } else if let part = try container.decodeIfPresent(Tree.self, forKey: .not) {
        self = .not(part)
      } else {
        let op = try container.decode(String.self, forKey: .op)
        let values: [Literal] =
          switch op {
          case "null": []
          case "in": try container.decode([Literal].self, forKey: .value)
          default: [try container.decode(Literal.self, forKey: .value)]
          }
        self = .leaf(
          op: op, column: try container.decode(String.self, forKey: .column), values: values)
      }
    }

    var predicate: RowPredicate {
      switch self {
      case .and(let left, let right): return left.predicate && right.predicate
      case .or(let left, let right): return left.predicate || right.predicate
      case .not(let tree): return !tree.predicate
      case .leaf(let op, let name, let values):
        let tested = column(name)
        switch op {
        case "null": return tested.isNull
        case "in": return tested.isIn(values.map(\.value))
        case "==": return tested == values[0].value
        case "!=": return tested != values[0].value
        case "<": return tested < values[0].value
        case "<=": return tested <= values[0].value
        case ">": return tested > values[0].value
        default: return tested >= values[0].value
        }
      }
    }
  }

  struct Literal: Decodable {
    var value: PredicateValue

    enum Key: String, CodingKey {
      case int, double, string, bytes, bool, decimal, date, time, timestamp
    }
    struct Pair<First: Decodable, Second: Decodable>: Decodable {
      var first: First
      var second: Second
      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        first = try list.decode(First.self)
        second = try list.decode(Second.self)
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      switch try #require(container.allKeys.first) {
      case .int:
        value = try #require(Int128(try container.decode(String.self, forKey: .int)))
          .predicateValue
      case .double:
        value = try #require(Double(try container.decode(String.self, forKey: .double)))
          .predicateValue
      case .string: value = try container.decode(String.self, forKey: .string).predicateValue
      case .bytes:
        let hex = Array(try container.decode(String.self, forKey: .bytes).utf8)
        value =
          stride(from: 0, to: hex.count, by: 2).map {
            UInt8(String(decoding: hex[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
          }.predicateValue
      case .bool: value = try container.decode(Bool.self, forKey: .bool).predicateValue
      case .decimal:
        let pair = try container.decode(Pair<String, Int>.self, forKey: .decimal)
        value = .decimal(unscaled: try #require(Int128(pair.first)), scale: pair.second)
      case .date: value = .date(daysSince1970: try container.decode(Int.self, forKey: .date))
      case .time:
        value = .time(
          milliseconds: try container.decode(Pair<Int64, String>.self, forKey: .time).first)
      case .timestamp:
        let pair = try container.decode(Pair<Int64, String>.self, forKey: .timestamp)
        switch pair.second {
        case "ms": value = .timestamp(milliseconds: pair.first)
        case "us": value = .timestamp(microseconds: pair.first)
        default: value = .timestamp(nanoseconds: pair.first)
        }
      }
    }
  }

  struct Case: Decodable {
    struct Item: Decodable {
      var predicate: Tree
      var rows: [Int64]
    }
    var file: String
    var table: String
    var predicates: [Item]
  }

  struct Ours: Encodable {
    var file: String
    var like: String
  }

  /// The numbers of the rows that are chosen.
  static func rows(
    _ reader: FileReader, _ predicate: RowPredicate, _ options: RowReadOptions = RowReadOptions()
  ) throws -> [Int64] {
    var found: [Int64] = []
    var batches = try reader.rows(where: predicate, columns: ["row"], options: options)
    while let batch = try batches.next() {
      let vector = try #require(batch["row"])
      guard case .int64(let values) = vector.values, vector.rowCount == batch.rowCount else {
        throw PythonPeers.Failure(description: "\(vector)")
      }
      found += vector.indices.map { $0.map { values[Int($0)] } } ?? values
    }
    return found
  }

  @Test func weChooseWhatPeersChoose() async throws {
    let folder = try TemporaryFolder()
    let fixed = ProcessInfo.processInfo.environment["CAIRN_TEST_SEED"].flatMap { Int($0) }
    let seed = fixed ?? Int.random(in: 0..<1_000_000)
    print("RowFilterInteroperabilityTests: CAIRN_TEST_SEED=\(seed)")
    try Data("{\"seed\": \(seed), \"tables\": 3, \"predicates\": 60}".utf8)
      .write(to: folder.url.appending(path: "seed.json"))
    let script = "parquet_filter_peers.py"
    #expect(try await PythonPeers.run("make", in: folder.url, script: script) == [])
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: folder.url.appending(path: "expected.json")))
    #expect(cases.count >= 15)
    var ours: [Ours] = []
    var skipped = 0
    for item in cases {
      let theirs = try FileReader(path: folder.url.appending(path: item.file).path)
      var readers = [("theirs", theirs)]
      // The legacy INT96 is read, not written.
      if !theirs.metadata.schema.columns.contains(where: { $0.physicalType == .int96 }) {
        let bytes = try Self.rewritten(theirs)
        let name = "ours-\(item.file)"
        try Data(bytes).write(to: folder.url.appending(path: name))
        ours.append(Ours(file: name, like: item.file))
        readers.append(("ours", try FileReader(bytes: ByteStorage(copying: bytes))))
      }
      for (whose, reader) in readers {
        let whole = try reader.plan(columns: ["row"]).byteCount
        for expected in item.predicates {
          let predicate = expected.predicate.predicate
          let found = try Self.rows(reader, predicate)
          if found != expected.rows {
            Issue.record(
              """
              seed \(seed), \(whose) \(item.file), \(predicate): \(found.count) rows instead of \
              \(expected.rows.count); wrong: \
              \(Set(found).symmetricDifference(expected.rows).sorted().prefix(5))
              """)
          }
          if try reader.plan(where: predicate, columns: ["row"]).byteCount < whole { skipped += 1 }
        }
      }
    }
    #expect(skipped > 100, "little is skipped: \(skipped)")
    try JSONEncoder().encode(ours).write(to: folder.url.appending(path: "ours.json"))
    let problems = try await PythonPeers.run("check", in: folder.url, script: script)
    #expect(problems.isEmpty, "seed \(seed): \(problems.joined(separator: "\n"))")
  }

  /// The same table with small pages, a page index and bloom filters.
  private static func rewritten(_ reader: FileReader) throws -> [UInt8] {
    let schema = reader.metadata.schema
    var filters: [String: Double] = [:]
    for index in schema.columns.indices {
      if schema.columns[index].physicalType != .boolean {
        filters[schema.columns[index].name] = index % 2 == 0 ? 0.01 : 0.3
      }
    }
    let options = WriterOptions(
      encodingPolicy: .smallest, pageByteLimit: 300, bloomFilters: filters)
    var writer = try FileWriter(output: MemoryOutput(), schema: schema, options: options)
    for group in reader.metadata.rowGroups.indices {
      try writer.writeRowGroup(
        schema.columns.indices.map { try reader.readColumn($0, rowGroup: group) })
    }
    _ = try writer.finish()
    return writer.output.bytes
  }

  /// DuckDB finds values in our bloom filters, and finds most others excluded.
  @Test func duckDBUsesOurBloomFilters() async throws {
    struct Probe: Encodable {
      var file = "filters.parquet"
      var column: String
      var present: [String]
      var absent: [String]
    }
    let folder = try TemporaryFolder()
    let count = 500
    let columns: [(ColumnDescriptor, ColumnVector, (Int) -> String)] = [
      (
        ColumnDescriptor(name: "i32", physicalType: .int32),
        ColumnVector(values: .int32((0..<count).map { Int32($0 * 3) })),
        { "\($0 * 3)::INTEGER" }
      ),
      (
        ColumnDescriptor(name: "i64", physicalType: .int64),
        ColumnVector(values: .int64((0..<count).map { Int64($0 * 3_000_000_000) })),
        { "\($0 * 3_000_000_000)::BIGINT" }
      ),
      (
        ColumnDescriptor(name: "f64", physicalType: .double),
        ColumnVector(values: .double((0..<count).map { Double($0) / 4 })),
        { "\(Double($0) / 4)::DOUBLE" }
      ),
      (
        ColumnDescriptor.string("text"),
        ColumnVector(
          values: .byteArray(ByteStrings((0..<count).map { "value \($0)" })),
          indices: (0..<UInt32(count)).map { $0 }),
        { "'value \($0)'" }
      ),
    ]
    var writer = try FileWriter(
      output: MemoryOutput(), schema: FileSchema(columns: columns.map(\.0)),
      options: WriterOptions(
        bloomFilters: Dictionary(uniqueKeysWithValues: columns.map { ($0.0.name, 0.01) })))
    try writer.writeRowGroup(columns.map(\.1))
    _ = try writer.finish()
    try Data(writer.output.bytes).write(to: folder.url.appending(path: "filters.parquet"))
    let probes = columns.map { column, _, text in
      Probe(
        column: column.name, present: stride(from: 0, to: count, by: 25).map(text),
        absent: (count..<count + 60).map(text))
    }
    try JSONEncoder().encode(probes).write(to: folder.url.appending(path: "probe.json"))
    let problems = try await PythonPeers.run(
      "probe", in: folder.url, script: "parquet_filter_peers.py")
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
  }
}
