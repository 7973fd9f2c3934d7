import Parquet

@testable import Cairn

/// Makes parsed chunks of rows written down in a test, as a source would.
enum ChunkOfRows {
  /// - Parameters:
  ///   - names: The source's columns.
  ///   - rows: The well-formed rows; nil stands for a malformed one.
  ///   - isPlain: Whether columns hold a value a row instead of distinct values and indices.
  static func make(
    _ names: [String], _ rows: [[String]?], isPlain: Bool = false, firstRow: UInt64 = 0
  ) throws -> SourceChunk {
    let wellFormed = rows.compactMap { $0 }
    let columns = names.enumerated().map { place, name in
      let fields = wellFormed.map { $0[place] }
      if isPlain {
        return Column(name: name, type: .text, values: .text(ByteStrings(fields)))
      }
      var places: [String: UInt32] = [:]
      var distinct: [String] = []
      let indices = fields.map { field in
        if let place = places[field] { return place }
        places[field] = UInt32(distinct.count)
        distinct.append(field)
        return UInt32(distinct.count - 1)
      }
      return Column(
        name: name, type: .text, values: .text(ByteStrings(distinct)), indices: indices)
    }
    let malformed = rows.enumerated().filter { $0.element == nil }.map {
      MalformedRow(
        row: UInt32($0.offset), defect: .fieldCount(found: 1, expected: names.count),
        raw: Array("torn \(7)".utf8))
    }
    return SourceChunk(
      extent: ChunkExtent(
        start: SourcePosition(chunk: 3, offset: 1000, row: firstRow, line: firstRow + 2),
        end: SourcePosition(
          chunk: 4, offset: 1000 + UInt64(rows.count * 10), row: firstRow + UInt64(rows.count),
          line: firstRow + 2 + UInt64(rows.count))),
      contentDigest: "", batch: try RecordBatch(columns: columns), malformed: malformed,
      origins: RowOrigins(
        byteOffsets: (0..<rows.count).map { UInt32($0 * 10) }, lineOffsets: nil,
        firstRowLine: firstRow + 2))
  }

  /// The layout of such chunks.
  static func layout(
    _ names: [String], delimiter: String = "~^", quote: UInt8? = nil
  ) -> SourceLayout {
    SourceLayout(
      columns: names,
      text: DelimitedText(
        delimiter: Array(delimiter.utf8), quote: quote, dataOffset: 0, dataLine: 2))
  }

  static let lineage = LineageValues(
    file: "day.dat", run: "sync_20250129_143022_a3f4b2c1", loadedAt: 1_738_161_022_000_000)
}

extension RecordBatch {
  /// The rows in the target's notation; nil where a row has no value.
  var texts: [[String?]] { (0..<rowCount).map { texts(ofRow: $0) } }

  /// A row in the target's notation.
  func texts(ofRow row: Int) -> [String?] {
    columns.map { column in
      column.valueIndex(atRow: row).map { column.values.text(at: $0, type: column.type) }
    }
  }
}
