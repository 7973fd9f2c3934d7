@testable import Cairn
import Testing

/// Cutter and parser against ``SlowRows``, on random texts.
@Suite struct RowCutterTests {
  /// What the chunk rules call for, derived from the rows alone.
  static func checkExtents(_ outcome: RowReading, _ text: RandomText, _ limits: ChunkLimits) {
    var position = SourcePosition.start
    for (index, extent) in outcome.extents.enumerated() {
      #expect(extent.start == position)
      position = extent.end
      let isLast = index == outcome.extents.count - 1
      let rows = outcome.rows[Int(extent.start.row)..<Int(extent.end.row)]
      #expect(rows.count <= limits.rows)
      guard let first = rows.first else { continue }
      let nextStart =
        Int(extent.end.row) < outcome.rows.count
        ? outcome.rows[Int(extent.end.row)].start : text.bytes.count
      if rows.count > 1, !isLast { #expect(nextStart - first.start <= limits.bytes) }
      if !isLast, rows.count < limits.rows {
        // One more row would have been too much.
        let after =
          Int(extent.end.row) + 1 < outcome.rows.count
          ? outcome.rows[Int(extent.end.row) + 1].start : text.bytes.count
        #expect(after - first.start > limits.bytes)
      }
    }
    #expect(position.offset == UInt64(text.bytes.count))
    #expect(position.row == UInt64(outcome.rows.count))
  }

  @Test(arguments: 0..<120 as Range<UInt64>)
  func `random texts parse as the oracle says, however they arrive`(seed: UInt64) throws {
    let text = RandomText(seed: seed)
    var random = SeededGenerator(seed: seed &+ 1_000_000)
    let expected = RowReading.expected(text)
    for _ in 0..<4 {
      let limits = ChunkLimits(
        rows: [1, 2, 7, 1000].randomElement(using: &random) ?? 1,
        bytes: [1, 20, 50, 200, 1 << 20].randomElement(using: &random) ?? 1)
      let block = [1, 3, 64, 500, 4096].randomElement(using: &random) ?? 64
      let outcome = try RowReading(text, limits: limits, block: block, piece: 100_000)
      #expect(
        RowReading.difference(outcome.rows, expected) == nil,
        "seed \(seed) limits \(limits) block \(block)")
      Self.checkExtents(outcome, text, limits)
      let other = try RowReading(text, limits: limits, block: 77, piece: 5)
      #expect(
        RowReading.difference(other.rows, outcome.rows) == nil, "seed \(seed) limits \(limits)")
      #expect(
        RowReading.difference(other.extents, outcome.extents) == nil,
        "seed \(seed) limits \(limits)")
      #expect(other.digests == outcome.digests, "seed \(seed) limits \(limits)")
      // Of the bytes as they came: parsing takes quotes off in place.
      let digests = outcome.extents.map { extent in
        var digest = ContentDigest()
        digest.update(text.bytes[Int(extent.start.offset)..<Int(extent.end.offset)])
        return digest.hexadecimal
      }
      #expect(outcome.digests == digests, "seed \(seed) limits \(limits)")
    }
  }

  @Test(arguments: 0..<25 as Range<UInt64>)
  func `reading from any chunk's end yields the same further chunks`(seed: UInt64) throws {
    let text = RandomText(seed: seed)
    let limits = ChunkLimits(rows: 3, bytes: 120)
    let whole = try RowReading(text, limits: limits, block: 64, piece: 1000)
    for (index, extent) in whole.extents.enumerated() {
      let rest = try RowReading(text, at: extent.end, limits: limits, block: 31, piece: 7)
      #expect(
        RowReading.difference(rest.extents, Array(whole.extents[(index + 1)...])) == nil,
        "seed \(seed)")
      #expect(rest.digests == Array(whole.digests[(index + 1)...]), "seed \(seed)")
      #expect(
        RowReading.difference(rest.rows, Array(whole.rows[Int(extent.end.row)...])) == nil,
        "seed \(seed)")
    }
  }

  @Test(arguments: ["\n", "\r\n\r\n", "\r\r\r\n\n", "\n\r"])
  func `line ends at the end are no rows, wherever a chunk ends`(tail: String) throws {
    let text = RandomText(
      bytes: Array("1,2\n3,4\n\(tail)".utf8), delimiter: [0x2C], columns: 2)
    for rows in 1...4 {
      let reading = try RowReading(text, limits: ChunkLimits(rows: rows), block: 2)
      #expect(reading.rows.map(\.start) == [0, 4])
      #expect(reading.extents.last?.end.offset == UInt64(text.bytes.count))
    }
    let middle = RandomText(
      bytes: Array("1,2\n\(tail)3,4\n".utf8), delimiter: [0x2C], columns: 2)
    let reading = try RowReading(middle, limits: ChunkLimits(), block: 2)
    #expect(reading.rows.count == RowReading.expected(middle).count)
    #expect(reading.rows.contains { $0.defect?.rule == "field_count" })
  }

  @Test func `a chunk is parsed once`() throws {
    let text = RandomText(seed: 1)
    let delimiter = try #require(Delimiter(text.layout.delimiter))
    let cutter = RowCutter(
      MemoryStream(text.bytes[...], piece: 100), path: "memory", text: text.layout,
      delimiter: delimiter, columns: text.columns, at: .start, limits: ChunkLimits())
    let parser = RowParser(
      columns: (0..<text.columns).map { "c\($0)" }, layout: text.layout, delimiter: delimiter)
    let chunk = try #require(try cutter.next())
    _ = try parser.parse(chunk)
    #expect(throws: SourceError.parsedBefore(chunk: 0)) { try parser.parse(chunk) }
  }
}
