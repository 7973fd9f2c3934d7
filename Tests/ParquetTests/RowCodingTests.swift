import Foundation
import Testing

@testable import Parquet

private enum Side: String, Codable { case buy, sell }
private enum Level: Int16, Codable { case low = -1, high = 1 }

/// A row with a property of each type.
private struct Everything: Codable, Equatable {
  var flag: Bool
  var int: Int
  var int8: Int8
  var int16: Int16
  var int32: Int32
  var int64: Int64
  var uint: UInt
  var uint8: UInt8
  var uint16: UInt16
  var uint32: UInt32
  var uint64: UInt64
  var wide: Int128
  var float: Float
  var double: Double
  var text: String
  var bytes: [UInt8]
  var data: Data
  var time: Date
  var id: UUID
  var amount: Decimal
  var link: URL
  var side: Side
  var level: Level?
  var maybe: Int?
  var maybeText: String?
  var maybeTime: Date?

  enum CodingKeys: String, CodingKey {
    case flag, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, wide, float
    case double, text, bytes, data, time, id, amount, link, side, level, maybe
    case maybeText = "maybe_text"
    case maybeTime = "maybe_time"
  }

  static func extremes() -> [Everything] {
    [
      Everything(
        flag: true, int: .min, int8: .min, int16: .min, int32: .min, int64: .min, uint: .max,
        uint8: .max, uint16: .max, uint32: .max, uint64: .max,
        wide: -99_999_999_999_999_999_999_999_999_999_999_999_999, float: -0.5,
        double: .pi, text: "ż🐢", bytes: [0, 255], data: Data([1, 2]),
        time: Date(timeIntervalSince1970: -0.000001),
        id: UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)),
        amount: -Decimal(sign: .plus, exponent: -9, significand: 12_345_678_901),
        link: URL(filePath: "/a b"), side: .sell, level: nil, maybe: nil, maybeText: nil,
        maybeTime: nil),
      Everything(
        flag: false, int: .max, int8: .max, int16: .max, int32: .max, int64: .max, uint: 0,
        uint8: 0, uint16: 0, uint32: 0, uint64: 0,
        wide: 99_999_999_999_999_999_999_999_999_999_999_999_999, float: 0.1, double: -0.0,
        text: "", bytes: [], data: Data(), time: Date(timeIntervalSince1970: 1_738_161_022.123456),
        id: UUID(uuid: (255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        amount: 1_000_000, link: URL(filePath: "/"), side: .buy, level: .high, maybe: 5,
        maybeText: "here", maybeTime: Date(timeIntervalSince1970: 0)),
    ]
  }
}

/// Writes rows to memory.
func write<Row: Encodable>(
  _ rows: [Row], schema: FileSchema? = nil, columns: [ColumnDescriptor] = [],
  rowGroupRows: Int = 1 << 20, rowGroupBytes: Int = 128 << 20,
  options: WriterOptions = WriterOptions()
) throws -> [UInt8] {
  let output = SharedOutput()
  var writer = try RowWriter(
    to: output, of: Row.self, schema: schema, columns: columns, options: options,
    rowGroupRows: rowGroupRows, rowGroupBytes: rowGroupBytes)
  try writer.write(contentsOf: rows)
  try writer.finish()
  return output.bytes
}

/// A file in memory that its writer need not be asked for.
final class SharedOutput: ByteOutput {
  var bytes: [UInt8] = []
  func append(_ bytes: UnsafeRawBufferPointer) { self.bytes.append(contentsOf: bytes) }
  func flush() {}
}

func open(_ bytes: [UInt8]) throws -> FileReader {
  try FileReader(bytes: ByteStorage(copying: bytes))
}

/// The error of a call that must have one.
func error(_ body: () throws -> Void) -> ParquetError? {
  do {
    try body()
    Issue.record("no error")
    return nil
  } catch let error as ParquetError {
    return error
  } catch {
    Issue.record("another error: \(error)")
    return nil
  }
}

@Suite struct RowCodingTests {
  @Test func pyarrowReadsEveryTypeOfRow() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "rows.parquet").path
    var writer = try RowWriter(to: FileOutput(path: path), of: Everything.self)
    try writer.write(contentsOf: Everything.extremes())
    try writer.finish()
    let shown = try await PythonPeers.run("show", in: folder.url, script: "row_peers.py")
    #expect(
      shown.prefix(26) == [
        "flag: bool not null", "int: int64 not null", "int8: int8 not null",
        "int16: int16 not null", "int32: int32 not null", "int64: int64 not null",
        "uint: uint64 not null", "uint8: uint8 not null", "uint16: uint16 not null",
        "uint32: uint32 not null", "uint64: uint64 not null",
        "wide: decimal128(38, 0) not null", "float: float not null", "double: double not null",
        "text: string not null", "bytes: binary not null", "data: binary not null",
        "time: timestamp[us, tz=UTC] not null", "id: extension<arrow.uuid> not null",
        "amount: decimal128(38, 9) not null", "link: string not null", "side: string not null",
        "level: int16", "maybe: int64", "maybe_text: string", "maybe_time: timestamp[us, tz=UTC]",
      ])
    let rows = try shown.dropFirst(26).map {
      try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    try #require(rows.count == 2)
    func expect(_ row: Int, _ expected: [String: String]) {
      for (name, value) in expected { #expect("\(rows[row][name] ?? "none")" == value, "\(name)") }
    }
    expect(
      0,
      [
        "int": "-9223372036854775808", "int8": "-128", "int16": "-32768", "int32": "-2147483648",
        "uint": "18446744073709551615", "uint8": "255", "uint16": "65535", "uint32": "4294967295",
        "wide": "-99999999999999999999999999999999999999", "text": "ż🐢", "bytes": "00ff",
        "data": "0102", "time": "1969-12-31T23:59:59.999999+00:00",
        "id": "01020304-0506-0708-090a-0b0c0d0e0f10", "amount": "-12.345678901",
        "link": "file:///a%20b", "side": "sell", "level": "<null>", "maybe": "<null>",
      ])
    expect(
      1,
      [
        "int": "9223372036854775807", "int8": "127", "uint64": "0",
        "wide": "99999999999999999999999999999999999999", "text": "", "bytes": "",
        "time": "2025-01-29T14:30:22.123456+00:00", "amount": "1000000.000000000", "side": "buy",
        "level": "1", "maybe": "5", "maybe_text": "here",
        "maybe_time": "1970-01-01T00:00:00+00:00",
      ])
  }

  @Test func readsBackWhatItWrote() throws {
    let rows = Everything.extremes()
    for size in [1, 2] {
      let file = try open(write(rows, rowGroupRows: size))
      #expect(file.metadata.rowGroups.count == 2 / size)
      #expect(try file.rows(as: Everything.self).all() == rows)
    }
  }

  @Test func readsEveryCarrierThatPyarrowWrites() async throws {
    struct Inner: Decodable, Equatable {
      var x: Int
      var y: String?
    }
    struct Row: Decodable {
      var milliseconds: Date
      var microseconds: Date
      var nanoseconds: Date
      var day: Date
      var decimal_32: Decimal
      var decimal_64: Decimal
      var decimal_wide: Decimal
      var whole: Int16
      var unsigned: UInt
      var small: Int
      var half: Float
      var single: Double
      var text: String?
      var tag: UUID
      var raw: [UInt8]
      var inner: Inner?
      var absent: String?
    }
    let folder = try TemporaryFolder()
    _ = try await PythonPeers.run("make", in: folder.url, script: "row_peers.py")
    let path = folder.url.appending(path: "carriers.parquet").path
    let rows = try FileReader(path: path).rows(as: Row.self).all()
    try #require(rows.count == 2)
    for row in rows {
      #expect(row.milliseconds == row.microseconds && row.microseconds == row.nanoseconds)
      #expect(row.decimal_32 == row.decimal_64)
      #expect(row.absent == nil)
    }
    #expect(rows[0].milliseconds == Date(timeIntervalSince1970: -0.001))
    #expect(rows[1].milliseconds == Date(timeIntervalSinceReferenceDate: 759_853_822.123))
    #expect(rows[0].day == Date(timeIntervalSince1970: -86_400))
    #expect("\(rows[0].decimal_32)" == "-12345.67")
    #expect("\(rows[1].decimal_64)" == "0.05")
    #expect("\(rows[0].decimal_wide)" == "-1234567890123456789012345678.9012345678")
    #expect(rows.map(\.whole) == [-7, 300])
    #expect(rows.map(\.unsigned) == [.max, 0])
    #expect(rows.map(\.small) == [-128, 127])
    #expect(rows.map(\.half) == [-1.5, 0x1p-14])
    #expect(rows.map(\.single) == [0.25, -3])
    #expect(rows.map(\.text) == ["ż🐢", nil])
    #expect(rows[0].tag.uuidString == "00000010-0000-0000-0000-000000000000")
    #expect(rows.map(\.raw) == [[255, 0], []])
    #expect(rows.map(\.inner) == [Inner(x: 1, y: nil), nil])
  }

  @Test func readsListsAndOldTimestampsThatPyarrowWrites() async throws {
    struct Lists: Decodable {
      var numbers: [Int?]?
      var names: [String]
    }
    struct Sets: Decodable { var names: Set<String> }
    struct Required: Decodable { var numbers: [Int] }
    struct Single: Decodable { var names: String }
    struct Old: Decodable { var old: Date }
    let folder = try TemporaryFolder()
    _ = try await PythonPeers.run("make", in: folder.url, script: "row_peers.py")
    let lists = try FileReader(path: folder.url.appending(path: "lists.parquet").path)
    let rows = try lists.rows(as: Lists.self).all()
    #expect(rows.map(\.numbers) == [[1, nil, 3], [], nil, [4]])
    #expect(rows.map(\.names) == [["a"], ["b", "c"], [], ["a", "a"]])
    #expect(try lists.rows(as: Sets.self).all().map(\.names) == [["a"], ["b", "c"], [], ["a"]])
    let null = error { _ = try lists.rows(as: Required.self).all() }
    #expect(null?.row == 0 && null?.column == "numbers" && null?.found == "null")
    #expect(error { _ = try lists.rows(as: Single.self).all() }?.column == "names")
    let old = try FileReader(path: folder.url.appending(path: "int96.parquet").path)
    #expect(
      try old.rows(as: Old.self).all().map(\.old) == [
        Date(timeIntervalSince1970: -0.001),
        Date(timeIntervalSinceReferenceDate: 759_853_822.123),
      ])
  }

  @Test func saysWhichRowAndColumnDoesNotFit() throws {
    struct Wide: Codable {
      var a: Int
      var b: Int?
      var c: String
    }
    // The third of three row groups has what does not fit.
    let file = try open(
      write(
        [
          Wide(a: 1, b: 1, c: "buy"), Wide(a: 2, b: 2, c: "sell"), Wide(a: 300, b: nil, c: "hold"),
        ], rowGroupRows: 1))
    struct Narrow: Decodable { var a: Int8 }
    #expect(
      error { _ = try file.rows(as: Narrow.self).all() }
        == ParquetError(
          .rowMismatch, expected: "a value of Int8", found: "300", column: "a", row: 2))
    struct Required: Decodable { var b: Int }
    #expect(
      error { _ = try file.rows(as: Required.self).all() }
        == ParquetError(
          .rowMismatch,
          expected: "a value of Int (an optional property takes rows without one)", found: "null",
          column: "b", row: 2))
    struct Enumerated: Decodable { var c: Side }
    let enumerated = error { _ = try file.rows(as: Enumerated.self).all() }
    #expect(enumerated?.row == 2 && enumerated?.column == "c")
    #expect(enumerated?.found.contains("hold") == true)
    struct Absent: Decodable { var d: Int }
    #expect(
      error { _ = try file.rows(as: Absent.self).all() }
        == ParquetError(
          .rowMismatch, expected: "a column for a property of type Int",
          found: #"none among "a", "b", "c""#, column: "d", row: 0))
    struct Other: Decodable { var c: Int }
    #expect(
      error { _ = try file.rows(as: Other.self).all() }?.description
        == "Parquet: a row does not fit its type: expected a column that Int is read from, found "
        + "string in byteArray (row 0, column \"c\")")
    struct Nested: Decodable { var a: Wide }
    #expect(error { _ = try file.rows(as: Nested.self).all() }?.column == "a")
    // After an error there are no more rows; those before came.
    var results = 0
    for row in file.rows(as: Narrow.self) {
      results += 1
      if results == 3 { #expect(throws: ParquetError.self) { try row.get() } }
    }
    #expect(results == 3)
  }

  @Test func takesNumbersWhereTheyAreExact() throws {
    let schema = FileSchema(columns: [
      ColumnDescriptor(
        name: "v", physicalType: .int32, logicalType: .decimal(precision: 5, scale: 2),
        isOptional: false)
    ])
    struct Whole: Codable { var v: Int }
    struct Fraction: Codable { var v: Decimal }
    struct Inexact: Codable { var v: Double }
    let file = try open(write([Whole(v: -7)], schema: schema))
    #expect(try file.rows(as: Whole.self).all().map(\.v) == [-7])
    #expect(try file.rows(as: Fraction.self).all().map(\.v) == [-7])
    #expect(error { _ = try file.rows(as: Inexact.self).all() }?.column == "v")
    let lossy = try open(write([Fraction(v: 1), Fraction(v: 5.25)], schema: schema))
    #expect(
      error { _ = try lossy.rows(as: Whole.self).all() }
        == ParquetError(
          .rowMismatch, expected: "a value of Int", found: "5.25", column: "v", row: 1))
    for tooMuch in [Decimal(string: "1000"), Decimal(string: "0.001"), .nan] {
      let value = Fraction(v: try #require(tooMuch))
      #expect(
        error { _ = try write([Fraction(v: 1), value], schema: schema) }?.row == 1, "\(value)")
    }
  }

  @Test func writesIntoColumnsThatAreGiven() throws {
    struct Row: Codable, Equatable {
      var time: Date
      var price: Decimal
      var count: Int
      var id: UUID
    }
    let row = Row(
      time: Date(timeIntervalSince1970: 1.5), price: 12.5, count: 200,
      id: UUID(uuid: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)))
    let file = try open(
      write(
        [row],
        columns: [
          ColumnDescriptor(
            name: "time", physicalType: .int64,
            logicalType: .timestamp(unit: .milliseconds, isAdjustedToUTC: true)),
          ColumnDescriptor(
            name: "price", physicalType: .int64, logicalType: .decimal(precision: 10, scale: 2)),
          ColumnDescriptor(
            name: "count", physicalType: .int32,
            logicalType: .integer(bitWidth: 8, isSigned: false)),
          .string("id"),
        ]))
    #expect(
      file.metadata.schema.columns.map(\.physicalType) == [.int64, .int64, .int32, .byteArray])
    guard case .int64(let times) = try file.readColumn(0, rowGroup: 0).values,
      case .int64(let prices) = try file.readColumn(1, rowGroup: 0).values
    else {
      Issue.record("other types")
      return
    }
    #expect(times == [1500] && prices == [1250])
    #expect(try file.rows(as: Row.self).all() == [row])
    var beyond = row
    beyond.count = 256
    let small = ColumnDescriptor(
      name: "count", physicalType: .int32, logicalType: .integer(bitWidth: 8, isSigned: false))
    #expect(error { _ = try write([row, beyond], columns: [small]) }?.row == 1)
    beyond = row
    beyond.time = Date(timeIntervalSince1970: 0.0001)
    let milliseconds = file.metadata.schema.columns[0]
    #expect(error { _ = try write([beyond], columns: [milliseconds]) }?.column == "time")
  }

  @Test func refusesRowsThatHaveNoColumns() throws {
    struct Inner: Codable { var x = 1 }
    struct Outer: Codable { var inner = Inner() }
    struct Lists: Codable { var lists = [[1]] }
    struct Structs: Codable { var structs = [Inner()] }
    #expect(error { _ = try write([Outer()]) }?.column == "inner")
    #expect(error { _ = try write([Lists()]) }?.column == "lists")
    #expect(error { _ = try write([Structs()]) }?.column == "structs")
    #expect(error { _ = try write([1, 2]) }?.kind == .rowMismatch)
    #expect(error { _ = try write([[1]]) }?.kind == .rowMismatch)
    #expect(error { _ = try write([Inner]()) }?.kind == .invalidSchema)
  }

  @Test func refusesEverythingAfterAnError() throws {
    let output = SharedOutput()
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "v", physicalType: .int32, isOptional: false)
    ])
    var writer = try RowWriter(to: output, of: [String: Int].self, schema: schema, rowGroupRows: 1)
    try writer.write(["v": 1])
    #expect(throws: ParquetError.self) { try writer.write(["v": 1 << 40]) }
    #expect(throws: ParquetError.self) { try writer.write(["v": 2]) }
    #expect(throws: ParquetError.self) { try writer.finish() }
    #expect(throws: ParquetError.self) { _ = try open(output.bytes) }
  }

  @Test func findsKeysInAnyOrder() throws {
    // Dictionaries give their keys in another order each; the second row lacks one, the third comes
    // with a new one.
    let rows: [[String: Int]] = [["a": 1, "b": 2, "c": 3], ["c": 6, "a": 4], ["d": 9, "b": 8]]
    let file = try open(write(rows))
    #expect(Set(file.metadata.schema.columns.map(\.name)) == ["a", "b", "c", "d"])
    let read = try file.rows(as: [String: Int?].self).all()
    #expect(read.map { $0.compactMapValues { $0 } } == rows)
    struct Backwards: Decodable {
      var a: Int?
      var hasZ: Bool
      var isNull: Bool
      enum Keys: String, CodingKey { case a, b, c, d, z }
      init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        hasZ = values.contains(.z)
        isNull = try values.decodeNil(forKey: .d)
        _ = try values.decodeIfPresent(Int.self, forKey: .c)
        if try values.decodeNil(forKey: .a) { return }
        a = try values.decode(Int.self, forKey: .a)
      }
    }
    let backwards = try file.rows(as: Backwards.self).all()
    #expect(backwards.map(\.a) == [1, 4, nil])
    #expect(backwards.map(\.isNull) == [true, true, false])
    #expect(backwards.allSatisfy { !$0.hasZ })
  }

  @Test func readsOnlyTheColumnsAskedFor() throws {
    struct Row: Codable {
      var a: Int
      var b: String
    }
    struct Part: Decodable { var a: Int }
    var bytes = try write((0..<100).map { Row(a: $0, b: "text \($0)") })
    let chunk = try open(bytes).metadata.rowGroups[0].columns[1]
    for index in Int(chunk.startOffset)..<Int(chunk.startOffset + chunk.compressedByteCount) {
      bytes[index] = 0xFF
    }
    let file = try open(bytes)
    #expect(try file.rows(as: Part.self).all().map(\.a) == Array(0..<100))
    #expect(error { _ = try file.rows(as: Row.self).all() }?.column == "b")
  }

  /// Rows chosen by a predicate, from columns that are tested and columns that are not; each error
  /// names the row by its number in the file.
  @Test func readsTheRowsThatAPredicateChooses() throws {
    struct Row: Codable, Equatable {
      var id: Int
      var text: String
      var odd: Int?
    }
    struct Part: Decodable { var text: String }
    struct Narrow: Decodable { var id: Int8 }
    let rows = (0..<5000).map {
      Row(id: $0 * 7 % 5000, text: "t\($0)", odd: $0 % 2 == 0 ? nil : $0)
    }
    let file = try open(
      write(rows, rowGroupRows: 1300, options: WriterOptions(pageByteLimit: 500)))
    let choices: [(RowPredicate, (Row) -> Bool)] = [
      (column("id") < 40, { $0.id < 40 }), (column("odd") >= 4990, { $0.odd ?? 0 >= 4990 }),
      (column("id") >= 0, { _ in true }), (column("id") == -1, { _ in false }),
      (column("odd").isNull && column("text") >= "t49", { $0.odd == nil && $0.text >= "t49" }),
    ]
    for (predicate, isChosen) in choices {
      #expect(try file.rows(as: Row.self, where: predicate).all() == rows.filter(isChosen))
    }
    #expect(
      try file.rows(as: Part.self, where: column("odd") >= 4990).all().map(\.text) == [
        "t4991", "t4993", "t4995", "t4997", "t4999",
      ])
    #expect(
      try file.rows(as: Row.self, where: column("id") >= 0, rowGroups: 3..<4).all()
        == Array(rows[3900...]))
    let wrong = error { _ = try file.rows(as: Narrow.self, where: column("odd") == 1405).all() }
    #expect(wrong?.row == 1405 && wrong?.column == "id")
    #expect(error { _ = try file.rows(as: Row.self, where: column("x") == 1) }?.kind == .misuse)
    #expect(
      error { _ = try file.rows(as: Row.self, where: column("id") == 1, rowGroups: 3..<5) }?.kind
        == .misuse)
  }

  @Test func cutsRowGroupsByRowsAndByBytes() throws {
    struct Row: Codable, Equatable {
      var id: Int
      var text: String
    }
    let rows = (0..<5000).map { Row(id: $0, text: String(repeating: "x", count: 100)) }
    let byRows = try open(write(rows, rowGroupRows: 700))
    #expect(byRows.metadata.rowGroups.map(\.rowCount) == [700, 700, 700, 700, 700, 700, 700, 100])
    #expect(try byRows.rows(as: Row.self).all() == rows)
    let byBytes = try open(write(rows, rowGroupBytes: 100_000))
    let counts = byBytes.metadata.rowGroups.map(\.rowCount)
    // A row has 116 bytes.
    #expect(counts.dropLast().allSatisfy { (850...1000).contains($0) }, "\(counts)")
    #expect(try byBytes.rows(as: Row.self, rowGroups: 1..<2).all().first?.id == Int(counts[0]))
  }

  @Test func laterRowsMayLackWhatTheFirstHad() throws {
    // An encode(to:) of its own, which leaves the key out.
    struct Row: Codable, Equatable {
      var a: Int?
      enum Keys: String, CodingKey { case a }
      init(_ a: Int?) { self.a = a }
      init(from decoder: any Decoder) throws {
        a = try decoder.container(keyedBy: Keys.self).decodeIfPresent(Int.self, forKey: .a)
      }
      func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        if let a { try values.encode(a, forKey: .a) }
      }
    }
    let rows = [Row(1), Row(nil), Row(3)]
    #expect(try open(write(rows)).rows(as: Row.self).all() == rows)
    // The first row group is written, with a column that is required.
    let late = error { _ = try write(rows, rowGroupRows: 1) }
    #expect(late?.row == 1 && late?.column == "a")
  }

  @Test func pyarrowReadsListsOfRows() async throws {
    struct Row: Codable, Equatable {
      var numbers: [Int32]?
      var names: [String]
      var sides: [Side?]
      var days: [Date]?
    }
    let day = Date(timeIntervalSince1970: 86_400)
    let rows = [
      Row(numbers: nil, names: ["a", "b"], sides: [], days: [day]),
      Row(numbers: [], names: [], sides: [.buy, nil], days: nil),
      Row(numbers: [5, 6], names: ["c"], sides: [nil], days: []),
    ]
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "rows.parquet").path
    var writer = try RowWriter(to: FileOutput(path: path), of: Row.self, rowGroupRows: 2)
    try writer.write(contentsOf: rows)
    try writer.finish()
    #expect(
      try await PythonPeers.run("show", in: folder.url, script: "row_peers.py") == [
        "numbers: list<element: int32 not null>",
        "names: list<element: string not null> not null", "sides: list<element: string> not null",
        "days: list<element: timestamp[us, tz=UTC] not null>",
        #"{"numbers": null, "names": ["a", "b"], "sides": [], "days": ["1970-01-02T00:00:00+00:00"]}"#,
        #"{"numbers": [], "names": [], "sides": ["buy", null], "days": null}"#,
        #"{"numbers": [5, 6], "names": ["c"], "sides": [null], "days": []}"#,
      ])
    #expect(try FileReader(path: path).rows(as: Row.self).all() == rows)
  }

  @Test func listsBecomeListColumns() throws {
    struct Row: Codable {
      var numbers: [Int32]?
      var names: [String]
      var sides: [Side?]
      var days: Set<Int8>
    }
    let encoder = RowEncoder(schema: nil, given: [])
    try encoder.encode(Row(numbers: nil, names: ["a", "b"], sides: [], days: [1]))
    try encoder.encode(Row(numbers: [], names: [], sides: [.buy, nil], days: []))
    try encoder.encode(Row(numbers: [5, 6], names: ["c"], sides: [nil], days: [2]))
    let schema = try encoder.fixSchema()
    #expect(schema.columns.map(\.list) == [true, false, false, false].map(ListShape.init))
    #expect(schema.columns.map(\.isOptional) == [false, false, true, false])
    let vectors = encoder.vectors()
    #expect(
      vectors.map(\.lists) == [
        ListRows(offsets: [0, 0, 0, 2], isNull: [true, false, false]),
        ListRows(offsets: [0, 2, 2, 3]), ListRows(offsets: [0, 0, 2, 3]),
        ListRows(offsets: [0, 1, 1, 2]),
      ])
    #expect(vectors[2].indices == [0, ColumnVector.null, ColumnVector.null])
    #expect(vectors.map(\.rowCount) == [3, 3, 3, 3])
    // An array is refused where single values are, and the other way round.
    #expect(throws: ParquetError.self) { try encoder.encode(["names": "x"]) }
  }
}

@Suite struct ConcurrentColumnTests {
  @Test func threadsWriteAndReadTheSame() throws {
    let types = TestType.all.filter { $0.name != "nan" }.prefix(12)
    let groups = [2000, 0, 1, 3000].map { rows in
      types.map { TestColumn($0, rows: rows, nulls: .alternating, distinct: 50) }
    }
    func file(threads: Int?) throws -> [UInt8] {
      // Pages, indexes and filters lie at other places than in the columns encoded apart.
      let options = WriterOptions(
        pageByteLimit: 400, pageIndex: true, bloomFilters: ["int64": 0.01, "string": 0.1])
      var writer = try FileWriter(
        output: MemoryOutput(), schema: FileSchema(columns: groups[0].map(\.descriptor)),
        options: options)
      let vectors = groups.map { $0.map(\.vector) }
      if let threads {
        try writer.writeRowGroups(vectors, threads: threads)
      } else {
        for group in vectors { try writer.writeRowGroup(group) }
      }
      _ = try writer.finish()
      return writer.output.bytes
    }
    let alone = try file(threads: nil)
    #expect(try file(threads: 3) == alone)
    let reader = try open(alone)
    let read = try reader.readRowGroups(1..<3, columns: [4, 0], threads: 3)
    #expect(read.count == 2)
    for (group, columns) in zip([groups[2], groups[3]], read) {
      #expect(columns[0].texts(group[4].type) == group[4].texts)
      #expect(columns[1].texts(group[0].type) == group[0].texts)
    }
  }

  @Test func anErrorOfAThreadIsTheWriters() throws {
    let schema = FileSchema(columns: [
      ColumnDescriptor(name: "a", physicalType: .int32, isOptional: false),
      ColumnDescriptor(name: "b", physicalType: .int32, isOptional: false),
    ])
    var writer = try FileWriter(output: MemoryOutput(), schema: schema)
    let good = ColumnVector(values: .int32([1, 2]))
    let bad = ColumnVector(values: .int32([1]), indices: [0, ColumnVector.null])
    #expect(
      error { try writer.writeRowGroups([[good, good], [good, bad]], threads: 2) }?.column == "b")
    #expect(error { try writer.writeRowGroup([good, good]) }?.kind == .misuse)
  }
}
