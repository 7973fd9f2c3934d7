import Foundation
import Testing

@testable import Cairn

@Suite("Batches are had as Swift values and made of them")
struct RecordBatchCodingTests {
  enum Status: String, Codable { case open, closed }

  struct Document: Codable, Equatable {
    var key: String
    var pieces: Int
    var small: Int8?
    var weight: Decimal128?
    var ratio: Double
    var share: Float?
    var isDone: Bool?
    var day: LocalDate?
    var at: LocalTime?
    var changed: LocalDateTime?
    var loaded: Instant
    var seen: Date?
    var id: UUID?
    var status: Status?
    var note: String?
  }

  static let documents = [
    Document(
      key: "A", pieces: 1 << 40, small: -8, weight: Decimal128("12.50"), ratio: 0.1, share: 0.5,
      isDone: true, day: LocalDate("2025-01-29"), at: LocalTime("14:30:22.5"),
      changed: LocalDateTime("2025-01-29T14:30:22"), loaded: Instant(microseconds: 1),
      seen: Date(timeIntervalSince1970: 1_738_161_022.25),
      id: UUID(uuidString: "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"), status: .closed),
    Document(key: "B", pieces: -1, ratio: -0.0, loaded: Instant(microseconds: -1)),
    Document(
      key: "A", pieces: 7, weight: Decimal128("-0.125"), ratio: 1e300,
      loaded: Instant(microseconds: 1), status: .open),
  ]

  @Test("Columns get the types of the properties, also where all are nil")
  func encoding() throws {
    let batch = try RecordBatch(rows: Self.documents)
    #expect(batch.rowCount == 3)
    #expect(
      batch.columns.map { "\($0.name) \($0.type)" } == [
        "key text", "pieces bigint", "small integer", "weight numeric(38,3)", "ratio double",
        "share double", "isDone boolean", "day date", "at time", "changed timestamp",
        "loaded timestamptz", "seen timestamptz", "id uuid", "status text", "note text",
      ])
    #expect(batch.columns[0].indices == [0, 1, 0])
    #expect(
      batch.texts[0] == [
        "A", "1099511627776", "-8", "12.500", "0.1", "0.5", "true", "2025-01-29", "14:30:22.5",
        "2025-01-29T14:30:22", "1970-01-01T00:00:00.000001Z", "2025-01-29T14:30:22.25Z",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "closed", nil,
      ])
    #expect(
      batch.texts[1] == [
        "B", "-1", nil, nil, "-0.0", nil, nil, nil, nil, nil, "1969-12-31T23:59:59.999999Z", nil,
        nil, nil, nil,
      ])
  }

  @Test("Rows come back as they were")
  func roundTrip() throws {
    let batch = try RecordBatch(rows: Self.documents)
    #expect(try batch.rows(as: Document.self) == Self.documents)
    #expect(try batch.selecting(rows: [2, 0]).rows() == [Self.documents[2], Self.documents[0]])
  }

  @Test("Types can be asked for")
  func askedTypes() throws {
    struct Row: Codable { var n: Int; var w: Decimal128? }
    let rows = [Row(n: 5, w: Decimal128("1.5"))]
    let batch = try RecordBatch(
      rows: rows,
      types: ["w": .numeric(precision: 5, scale: 2), "n": .integer, "more": .date])
    #expect(batch.columns.map(\.type) == [.integer, .numeric(precision: 5, scale: 2), .date])
    #expect(batch.texts == [["5", "1.50", nil]])
    #expect(throws: RecordBatchError.self) { try RecordBatch(rows: rows, types: ["n": .boolean]) }
    #expect(throws: RecordBatchError.self) {
      try RecordBatch(rows: rows, types: ["w": .numeric(precision: 5, scale: 0)])
    }
    let none = try RecordBatch(rows: [Row](), types: ["n": .bigint])
    #expect(none.rowCount == 0 && none.columns.map(\.name) == ["n"])
  }

  @Test("Rows that are not flat are refused by name")
  func nested() {
    struct Inner: Codable { var x = 1 }
    struct Nested: Codable { var inner = Inner() }
    struct Listed: Codable { var list = [1] }
    #expect(throws: RecordBatchError.unsupportedRow("'inner' holds several values; a row is flat"))
    {
      try RecordBatch(rows: [Nested()])
    }
    #expect(throws: RecordBatchError.unsupportedRow("'list' holds a list; a row is flat")) {
      try RecordBatch(rows: [Listed()])
    }
    #expect(throws: RecordBatchError.self) { try RecordBatch(rows: [1, 2]) }
    #expect(throws: RecordBatchError.self) {
      try RecordBatch(rows: [UInt64.max].map(Unsigned.init))
    }
  }

  struct Unsigned: Codable { var value: UInt64 }

  @Test("What a batch does not hold is an error by name")
  func decodingErrors() throws {
    let batch = try RecordBatch(rows: Self.documents)
    struct Missing: Decodable { var nothing: String }
    struct Mistyped: Decodable { var key: Int }
    struct Narrow: Decodable { var pieces: Int32 }
    struct Needed: Decodable { var small: Int }
    struct Wide: Decodable { var pieces: Double; var weight: Double? }
    #expect(
      throws: RecordBatchError.unknownColumn("nothing", available: batch.columns.map(\.name))
    ) { try batch.rows(as: Missing.self) }
    #expect(
      throws: RecordBatchError.typeMismatch(column: "key", holds: .text, asked: "Int64")
    ) { try batch.rows(as: Mistyped.self) }
    #expect(throws: RecordBatchError.self) { try batch.rows(as: Narrow.self) }
    #expect(throws: DecodingError.self) { try batch.rows(as: Needed.self) }
    #expect(try batch.rows(as: Wide.self).map(\.weight) == [12.5, nil, -0.125])
  }

  @Test("A column is a collection of optionals")
  func views() throws {
    let batch = try RecordBatch(rows: Self.documents)
    let weights = try batch.column("weight", as: Decimal128.self)
    #expect(Array(weights) == [Decimal128("12.5"), nil, Decimal128("-0.125")])
    #expect(weights.reversed().first == Decimal128("-0.125"))
    #expect(try Array(batch.column("pieces", as: Int.self)) == [1 << 40, -1, 7])
    #expect(try Array(batch.column("small", as: Int32.self)) == [-8, nil, nil])
    #expect(throws: RecordBatchError.typeMismatch(column: "key", holds: .text, asked: "Bool")) {
      try batch.column("key", as: Bool.self)
    }
    #expect(throws: RecordBatchError.self) { try batch.column("loaded", as: LocalDateTime.self) }
  }

  @Test("mapDistinct runs once a distinct value and leaves copies alone")
  func mapDistinct() throws {
    let batch = try RecordBatch(rows: Self.documents)
    var changed = batch
    var calls = 0
    try changed.mapDistinct("key") {
      calls += 1
      return $0.lowercased() + "!"
    }
    #expect(calls == 2)
    #expect(try Array(changed.column("key", as: String.self)) == ["a!", "b!", "a!"])
    #expect(try Array(batch.column("key", as: String.self)) == ["A", "B", "A"])
    try changed.mapDistinct("pieces", as: Int.self) { $0 &* 2 }
    #expect(try Array(changed.column("pieces", as: Int.self)) == [1 << 41, -2, 14])
    #expect(throws: RecordBatchError.self) {
      try changed.mapDistinct("small", as: Int.self) { _ in 1 << 40 }
    }
    #expect(throws: RecordBatchError.self) { try changed.mapDistinct("nothing") { $0 } }
  }

  @Test("A column of another length is not taken")
  func replaceColumn() throws {
    var batch = try RecordBatch(rows: Self.documents)
    #expect(throws: RecordBatchError.unequalLengths(column: "x", rows: 1, expected: 3)) {
      try batch.replaceColumn(Column(name: "x", type: .boolean, values: .boolean([true])))
    }
    try batch.replaceColumn(
      Column(name: "x", type: .boolean, values: .boolean([true]), indices: [0, 0, 0]))
    #expect(batch.columns.last?.name == "x")
  }
}
