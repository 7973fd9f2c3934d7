import Testing

@testable import Cairn

/// How columns are coded.
@Suite struct ColumnBuilderTests {
  static func columns(_ rows: [String], columns: Int) throws -> [Column] {
    let text = RandomText(
      bytes: Array(rows.map { $0 + "\n" }.joined().utf8), delimiter: [0x2C], columns: columns)
    let delimiter = try #require(Delimiter(text.layout.delimiter))
    let cutter = RowCutter(
      MemoryStream(text.bytes[...], piece: 1 << 20), path: "memory", text: text.layout,
      delimiter: delimiter, columns: columns, at: .start, limits: ChunkLimits(rows: 100_000))
    let parser = RowParser(
      columns: (0..<columns).map { "c\($0)" }, layout: text.layout, delimiter: delimiter)
    let chunk = try #require(try cutter.next())
    return try parser.parse(chunk).batch.columns
  }

  @Test func `values are numbered as they first appear, each once`() throws {
    let rows = (0..<9000).map { "k\($0),\($0 % 3),a rather long value \($0 % 1000)" }
    let columns = try Self.columns(rows, columns: 3)
    #expect(columns[0].indices == nil)
    #expect(columns[0].values.count == 9000)
    #expect(columns[1].values.count == 3)
    #expect(columns[1].indices?.prefix(7) == [0, 1, 2, 0, 1, 2, 0])
    #expect(columns[2].values.count == 1000)
    #expect(columns[2].indices?[8999] == 999)
    for (row, line) in rows.enumerated() {
      let fields = columns.map { column -> String in
        guard case .text(let values) = column.values, let index = column.valueIndex(atRow: row)
        else { return "?" }
        return values[index]
      }
      #expect(fields.joined(separator: ",") == line)
    }
  }

  @Test func `a column that hardly repeats at first is plain, whatever follows`() throws {
    let rows = (0..<8000).map { "\($0 < 4000 ? $0 : 1),\($0 % 50 == 0 ? 7 : $0)" }
    let columns = try Self.columns(rows, columns: 2)
    for column in columns {
      #expect(column.indices == nil)
      #expect(column.values.count == 8000)
    }
  }
}
