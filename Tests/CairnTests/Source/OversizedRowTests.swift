import Testing

@testable import Cairn

/// Rows that are too large to be held in memory.
@Suite struct OversizedRowTests {
  static func outcome(_ rows: [[UInt8]], limit: Int, quote: UInt8? = nil) throws
    -> RowReading
  {
    let text = RandomText(
      bytes: Array(rows.joined(separator: [0x0A])), delimiter: [0x7E, 0x5E], quote: quote,
      columns: 2, maximumFieldBytes: limit)
    let outcome = try RowReading(
      text, limits: ChunkLimits(rows: 10, bytes: 100_000), block: 10_000, piece: 1 << 20)
    RowCutterTests.checkExtents(outcome, text, ChunkLimits(rows: 10, bytes: 100_000))
    return outcome
  }

  @Test func `a field over the limit is counted, and its head kept`() throws {
    let small = Array("1~^2".utf8)
    let huge = Array("1~^".utf8) + [UInt8](repeating: 0x61, count: 3_000_000)
    for (row, bytes) in [(huge, 3_000_000), (huge + Array("~^~^tail".utf8), 3_000_000)] {
      let outcome = try Self.outcome([small, row, small], limit: 500_000)
      #expect(outcome.rows.map { $0.defect == nil } == [true, false, true])
      #expect(
        outcome.rows[1].defect == .oversizedField(field: 1, bytes: bytes, limit: 500_000))
      #expect(outcome.rows[1].raw == Array(huge.prefix(64 << 10)))
      #expect(outcome.extents.map(\.rows) == [1, 1, 1])
    }
    let atLimit = try Self.outcome([small, huge, small], limit: 3_000_000)
    #expect(atLimit.rows[1].fields?[1].count == 3_000_000)
    let overByOne = try Self.outcome([small, huge, small], limit: 2_999_999)
    #expect(
      overByOne.rows[1].defect == .oversizedField(field: 1, bytes: 3_000_000, limit: 2_999_999))
  }

  @Test func `a row over its limit, without a field over its own, is malformed`() throws {
    let field = [UInt8](repeating: 0x62, count: 200_000)
    let row = Array(repeatElement(field, count: 10).joined(separator: Array("~^".utf8)))
    let outcome = try Self.outcome([row, Array("1~^2".utf8)], limit: 300_000)
    #expect(outcome.rows[0].defect == .oversizedRow(bytes: row.count, limit: 1_200_000))
    #expect(outcome.rows[1].fields != nil)
  }

  @Test func `a quoted field over the limit is one line`() throws {
    let huge = Array("1~^\"".utf8) + [UInt8](repeating: 0x61, count: 3_000_000)
    let small = Array("1~^2".utf8)
    let outcome = try Self.outcome(
      [huge + Array("\"\"x\"~^3".utf8), small], limit: 500_000, quote: 0x22)
    #expect(
      outcome.rows[0].defect == .oversizedField(field: 1, bytes: 3_000_005, limit: 500_000))
    #expect(outcome.rows[1].fields != nil)
    let unclosed = try Self.outcome([huge, small], limit: 500_000, quote: 0x22)
    #expect(
      unclosed.rows[0].defect == .oversizedField(field: 1, bytes: 3_000_001, limit: 500_000))
    #expect(unclosed.rows[1].fields != nil)
  }

  @Test func `a row of delimiters alone is malformed, not a load on memory`() throws {
    let row =
      [UInt8](repeating: 0x7E, count: 10)
      + Array(repeatElement([0x7E, 0x5E], count: 40_000).joined())
    let outcome = try Self.outcome([row, Array("1~^2".utf8)], limit: 500_000)
    #expect(outcome.rows[0].defect == .fieldCount(found: 40_001, expected: 2))
    #expect(outcome.rows[1].fields != nil)
  }

  @Test func `a carriage return of the line end does not count`() throws {
    for (field, defect) in [
      ("\"", RowDefect.quoting(field: 0)), ("ab", .oversizedField(field: 0, bytes: 2, limit: 1)),
      ("a", nil),
    ] {
      let text = RandomText(
        bytes: Array("\(field)\r\nb\r\n".utf8), delimiter: [0x2C], quote: 0x22, columns: 1,
        maximumFieldBytes: 1)
      for block in [1, 100] {
        let outcome = try RowReading(text, limits: ChunkLimits(rows: 5, bytes: 1), block: block)
        #expect(outcome.rows.map(\.defect) == [defect, nil])
      }
    }
  }
}
