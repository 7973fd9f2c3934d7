import Foundation

@testable import Parquet

/// A small deterministic random number generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension SeededGenerator {
  /// One of `choices`, of which there must be some.
  mutating func pick<Choices: RandomAccessCollection>(_ choices: Choices) -> Choices.Element {
    let distance = Int.random(in: 0..<choices.count, using: &self)
    return choices[choices.index(choices.startIndex, offsetBy: distance)]
  }
}

/// Which rows of a test column have no value.
enum NullPattern: String, CaseIterable {
  case required, none, alternating, runs, rare, all, firstAndLast

  func isNull(_ row: Int, of rows: Int) -> Bool {
    switch self {
    case .required, .none: false
    case .alternating: row % 2 == 1
    case .runs: (row / 70) % 3 == 1
    case .rare: row % 97 == 5
    case .all: true
    case .firstAndLast: row == 0 || row == rows - 1
    }
  }
}

/// A type that test columns can have.
struct TestType: Sendable {
  var name: String
  var physicalType: PhysicalType
  var logicalType: LogicalType?
  var fixedLength: Int?
  /// What pyarrow calls it; nil where versions differ.
  var arrow: String?
  /// `bytes`, `number`, `float` or `none`: how the peers compare bounds.
  var order: String
  /// Nanoseconds of a unit of a time.
  var scale = 1
  var isReadByDuckDB = true
  /// Value number `seed`, as the bytes it has in PLAIN (without length).
  var value: @Sendable (Int) -> [UInt8]

  /// The text that the peers give for a value.
  func text(_ bytes: [UInt8]) -> String {
    func hex(_ bytes: some Sequence<UInt8>) -> String {
      let digits = Array("0123456789abcdef".utf8)
      var text: [UInt8] = []
      for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      }
      return String(decoding: text, as: UTF8.self)
    }
    func signed(bigEndian bytes: [UInt8]) -> String {
      // Through at most 16 bytes, which is what the test values have.
      var value: Int128 = (bytes.first ?? 0) >= 0x80 ? -1 : 0
      for byte in bytes { value = value << 8 | Int128(byte) }
      return "\(value)"
    }
    switch physicalType {
    case .boolean: return bytes[0] == 1 ? "true" : "false"
    case .int32, .int64:
      let raw = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      if case .integer(_, isSigned: false) = logicalType { return "\(raw)" }
      let value =
        physicalType == .int32 ? Int64(Int32(truncatingIfNeeded: raw)) : Int64(bitPattern: raw)
      return "\(Int128(value) * Int128(scale))"
    case .int96:
      let value = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int96.self) }
      let days = Int128(value.julianDay) - 2_440_588
      return "\(days * 86_400_000_000_000 + Int128(value.nanosecondsOfDay))"
    case .float, .double: return hex(bytes.reversed())
    case .byteArray, .fixedLengthByteArray:
      if case .decimal = logicalType { return signed(bigEndian: bytes) }
      return hex(bytes)
    }
  }

  /// Values as a column holds them; byte strings lie apart from each other in their block.
  func values(_ items: [[UInt8]]) -> PhysicalValues {
    func numbers<Value: BitwiseCopyable>(_: Value.Type) -> [Value] {
      items.map { bytes in bytes.withUnsafeBytes { $0.loadUnaligned(as: Value.self) } }
    }
    switch physicalType {
    case .boolean: return .boolean(items.map { $0[0] == 1 })
    case .int32: return .int32(numbers(Int32.self))
    case .int64: return .int64(numbers(Int64.self))
    case .int96: return .int96(numbers(Int96.self))
    case .float: return .float(numbers(Float.self))
    case .double: return .double(numbers(Double.self))
    case .byteArray, .fixedLengthByteArray:
      var block: [UInt8] = []
      var slices: [ByteSlice] = []
      for item in items {
        block.append(contentsOf: [0x7E, 0x5E])
        slices.append(ByteSlice(offset: UInt32(block.count), length: UInt32(item.count)))
        block.append(contentsOf: item)
      }
      let strings = ByteStrings(storage: ByteStorage(copying: block), slices: slices)
      return physicalType == .byteArray ? .byteArray(strings) : .fixedLengthByteArray(strings)
    }
  }
}

extension TestType {
  static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  static func bigEndian(_ value: Int, count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for index in (0..<count).reversed() {
      bytes.append(UInt8(truncatingIfNeeded: value >> min(index * 8, 63)))
    }
    return bytes
  }

  static func scattered(_ seed: Int) -> Int { seed &* 0x5851_F42D_4C95_7F2D &+ seed }

  static func number(
    _ name: String, _ type: PhysicalType, _ logical: LogicalType? = nil, arrow: String? = nil,
    order: String = "number", scale: Int = 1, below: Int? = nil, from: Int = 0,
    isReadByDuckDB: Bool = true
  ) -> TestType {
    TestType(
      name: name, physicalType: type, logicalType: logical, arrow: arrow, order: order,
      scale: scale, isReadByDuckDB: isReadByDuckDB
    ) { seed in
      var value = scattered(seed)
      if let below { value = from + abs(value % (below - from)) }
      return type == .int32 ? bytes(Int32(truncatingIfNeeded: value)) : bytes(Int64(value))
    }
  }

  static func strings(
    _ name: String, _ logical: LogicalType?, arrow: String?,
    _ value: @escaping @Sendable (Int) -> String
  ) -> TestType {
    TestType(
      name: name, physicalType: .byteArray, logicalType: logical, arrow: arrow, order: "bytes"
    ) { Array(value($0).utf8) }
  }

  static let all: [TestType] = [
    TestType(name: "bool", physicalType: .boolean, arrow: "bool", order: "none") {
      [UInt8($0 % 3 == 0 ? 1 : 0)]
    },
    number("int32", .int32, arrow: "int32"),
    number("int64", .int64, arrow: "int64"),
    TestType(name: "float", physicalType: .float, arrow: "float", order: "float") {
      bytes($0 % 7 == 3 ? Float.nan : Float($0) / 3 - 20)
    },
    TestType(name: "double", physicalType: .double, arrow: "double", order: "float") {
      bytes($0 % 7 == 3 ? -0.0 : Double($0) / 3)
    },
    TestType(name: "nan", physicalType: .double, arrow: "double", order: "float") { _ in
      bytes(Double.nan)
    },
    TestType(name: "infinity", physicalType: .double, arrow: "double", order: "float") { _ in
      bytes(-Double.infinity)
    },
    strings("string", .string, arrow: "string") { "value \($0)" },
    strings("sorted", .string, arrow: "string") { "key-\(String(format: "%012d", $0))" },
    strings("unicode", .string, arrow: "string") {
      String(repeating: "żó🐢", count: $0 % 30) + "\($0)"
    },
    strings("long", .string, arrow: "string") { String(repeating: "ÿ", count: 40) + "\($0)" },
    strings("empty", .string, arrow: "string") { _ in "" },
    strings("json", .json, arrow: nil) { "{\"a\": \($0)}" },
    strings("enum", .enumeration, arrow: nil) { "E\($0 % 5)" },
    TestType(name: "bytes", physicalType: .byteArray, arrow: "binary", order: "bytes") {
      [UInt8](repeating: 0xFF, count: $0 % 90) + [UInt8(truncatingIfNeeded: $0)]
    },
    TestType(
      name: "fixed", physicalType: .fixedLengthByteArray, fixedLength: 5,
      arrow: "fixed_size_binary[5]", order: "bytes"
    ) { bigEndian(scattered($0), count: 5) },
    TestType(
      name: "uuid", physicalType: .fixedLengthByteArray, logicalType: .uuid, fixedLength: 16,
      order: "bytes"
    ) { bigEndian($0, count: 8) + bigEndian(scattered($0), count: 8) },
    number(
      "decimal9", .int32, .decimal(precision: 9, scale: 2), arrow: "decimal128(9, 2)",
      below: 999_999_999, from: -999_999_999),
    number(
      "decimal18", .int64, .decimal(precision: 18, scale: 3), arrow: "decimal128(18, 3)",
      below: 999_999_999_999_999_999, from: -999_999_999_999),
    TestType(
      name: "decimal38", physicalType: .fixedLengthByteArray,
      logicalType: .decimal(precision: 38, scale: 5), fixedLength: 16,
      arrow: "decimal128(38, 5)", order: "none"
    ) { bigEndian(scattered($0), count: 16) },
    TestType(
      name: "decimalbytes", physicalType: .byteArray,
      logicalType: .decimal(precision: 18, scale: 0), arrow: "decimal128(18, 0)", order: "none"
    ) { bigEndian($0 % 2 == 0 ? $0 : -$0, count: 1 + 2 + $0 % 5) },
    number("date", .int32, .date, arrow: "date32[day]", below: 60_000, from: -20_000),
    number(
      "timems", .int32, .time(unit: .milliseconds, isAdjustedToUTC: true), arrow: "time32[ms]",
      order: "none", scale: 1_000_000, below: 86_400_000),
    number(
      "timeus", .int64, .time(unit: .microseconds, isAdjustedToUTC: false), arrow: "time64[us]",
      order: "none", scale: 1000, below: 86_400_000_000, isReadByDuckDB: true),
    number(
      "timens", .int64, .time(unit: .nanoseconds, isAdjustedToUTC: false), arrow: "time64[ns]",
      order: "none", below: 86_400_000_000_000, isReadByDuckDB: false),
    number(
      "tsms", .int64, .timestamp(unit: .milliseconds, isAdjustedToUTC: true),
      arrow: "timestamp[ms, tz=UTC]", scale: 1_000_000, below: 4_000_000_000_000,
      from: -1_000_000_000_000),
    number(
      "tsus", .int64, .timestamp(unit: .microseconds, isAdjustedToUTC: false),
      arrow: "timestamp[us]", scale: 1000, below: 4_000_000_000_000_000,
      from: -1_000_000_000_000_000),
    number(
      "tsns", .int64, .timestamp(unit: .nanoseconds, isAdjustedToUTC: false),
      arrow: "timestamp[ns]", below: 4_000_000_000_000_000_000, from: -1_000_000_000_000_000_000),
    number(
      "int8", .int32, .integer(bitWidth: 8, isSigned: true), arrow: "int8", below: 128, from: -128),
    number(
      "uint16", .int32, .integer(bitWidth: 16, isSigned: false), arrow: "uint16", below: 65_536),
    number("uint32", .int32, .integer(bitWidth: 32, isSigned: false), arrow: "uint32"),
    number("uint64", .int64, .integer(bitWidth: 64, isSigned: false), arrow: "uint64"),
  ]
}

/// A column with what it holds, as text.
struct TestColumn {
  var type: TestType
  var descriptor: ColumnDescriptor
  var vector: ColumnVector
  var texts: [String?]

  /// Makes a column of `rows` rows.
  ///
  /// - Parameters:
  ///   - distinct: How many different values it draws from; nil for another one in each row.
  ///   - isPlain: No indices. Needs a pattern without nulls.
  init(
    _ type: TestType, rows: Int, nulls: NullPattern, distinct: Int?, isPlain: Bool = false,
    name: String? = nil
  ) {
    self.type = type
    descriptor = ColumnDescriptor(
      name: name ?? type.name, physicalType: type.physicalType, logicalType: type.logicalType,
      isOptional: nulls != .required, fixedLength: type.fixedLength)
    var generator = SeededGenerator(UInt64(rows) &* 31 &+ UInt64(distinct ?? 0))
    if isPlain {
      let items = (0..<rows).map {
        type.value(distinct.map { Int.random(in: 0..<$0, using: &generator) } ?? $0)
      }
      vector = ColumnVector(values: type.values(items))
      texts = items.map(type.text)
      return
    }
    // The first and the last value, and one in between, are in no row.
    let items = (0..<(distinct ?? rows) + 3).map(type.value)
    var indices: [UInt32] = []
    texts = []
    for row in 0..<rows {
      if nulls.isNull(row, of: rows) {
        indices.append(ColumnVector.null)
        texts.append(nil)
        continue
      }
      // Runs of equal values now and then.
      let drawn = row % 50 > 30 ? row / 50 : row
      var index = distinct.map { (drawn &* 7919) % $0 } ?? row
      index += index >= 2 ? 2 : 1
      indices.append(UInt32(index))
      texts.append(type.text(items[index]))
    }
    vector = ColumnVector(values: type.values(items), indices: indices)
  }
}

extension ColumnVector {
  /// What it holds, as text.
  func texts(_ type: TestType) -> [String?] {
    let items: [[UInt8]] =
      switch values {
      case .boolean(let values): values.map { [$0 ? 1 : 0] }
      case .int32(let values): values.map { withUnsafeBytes(of: $0) { Array($0) } }
      case .int64(let values): values.map { withUnsafeBytes(of: $0) { Array($0) } }
      case .int96(let values): values.map { withUnsafeBytes(of: $0) { Array($0) } }
      case .float(let values): values.map { withUnsafeBytes(of: $0) { Array($0) } }
      case .double(let values): values.map { withUnsafeBytes(of: $0) { Array($0) } }
      case .byteArray(let strings), .fixedLengthByteArray(let strings):
        (0..<strings.count).map { strings.withBytes(at: $0) { Array($0) } }
      }
    let texts = items.map(type.text)
    guard let indices else { return texts }
    return indices.map { $0 == ColumnVector.null ? nil : texts[Int($0)] }
  }

  /// What its rows hold, as the peers' `parquet_values.py` writes it: a line a row.
  func lines(_ type: TestType) -> String {
    let elements = texts(type).map { $0 ?? "null" }
    guard let lists else { return elements.map { $0 + "\n" }.joined() }
    return (0..<lists.rowCount).map { row in
      if lists.isNull?[row] == true { return "null\n" }
      let range = Int(lists.offsets[row])..<Int(lists.offsets[row + 1])
      return "[" + elements[range].joined(separator: ",") + "]\n"
    }.joined()
  }
}

/// Writes columns to memory.
func write(
  _ columns: [TestColumn], options: WriterOptions = WriterOptions(),
  keyValues: [(String, String)] = []
) throws -> [UInt8] {
  var writer = try FileWriter(
    output: MemoryOutput(), schema: FileSchema(columns: columns.map(\.descriptor)),
    options: options)
  try writer.writeRowGroup(columns.map(\.vector))
  let summary = try writer.finish(keyValues: keyValues)
  precondition(summary.byteCount == Int64(writer.output.bytes.count))
  return writer.output.bytes
}
