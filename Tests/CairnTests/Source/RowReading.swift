@testable import Cairn

/// A row in the oracle's terms.
struct ReadRow: Equatable, CustomStringConvertible {
  var start: Int
  var line: UInt64
  /// The values as UTF-8, or nil when the row is malformed.
  var fields: [[UInt8]]?
  var defect: RowDefect?
  var raw: [UInt8]?

  var description: String {
    let text = fields.map { "\($0.map { String(decoding: $0, as: UTF8.self) })" } ?? "-"
    let defect = defect.map { "\($0)" } ?? "-"
    let raw = raw.map { "\(String(decoding: $0, as: UTF8.self).debugDescription)" } ?? "-"
    return "at \(start) line \(line) \(text) \(defect) \(raw)"
  }
}

/// What cutter and parser make of a text. The fuzzer uses it as well as the tests.
struct RowReading: Equatable {
  /// What does not add up within a reading.
  struct Contradiction: Error {
    var message: String
  }

  var rows: [ReadRow] = []
  var extents: [ChunkExtent] = []
  var digests: [String] = []

  /// Reads a text that arrives in pieces of `piece` bytes and is read in blocks of `block`.
  init(
    _ text: RandomText, at position: SourcePosition = .start, limits: ChunkLimits, block: Int,
    piece: Int = .max
  ) throws {
    guard let delimiter = Delimiter(text.layout.delimiter) else {
      throw Contradiction(message: "no delimiter")
    }
    let names = (0..<text.columns).map { "c\($0)" }
    let cutter = RowCutter(
      MemoryStream(text.bytes[Int(position.offset)...], piece: piece), path: "memory",
      text: text.layout, delimiter: delimiter, columns: text.columns, at: position,
      limits: limits, blockBytes: block)
    let parser = RowParser(columns: names, layout: text.layout, delimiter: delimiter)
    var isLast = false
    while let chunk = try cutter.next() {
      if isLast { throw Contradiction(message: "a chunk after the last") }
      isLast = chunk.isLast
      try append(try parser.parse(chunk))
    }
    if !isLast, position == .start { throw Contradiction(message: "no last chunk") }
  }

  private mutating func append(_ chunk: SourceChunk) throws {
    extents.append(chunk.extent)
    digests.append(chunk.contentDigest)
    let start = Int(chunk.extent.start.offset)
    let count = chunk.extent.rows
    guard chunk.origins.byteOffsets.count == count,
      chunk.batch.rowCount + chunk.malformed.count == count
    else { throw Contradiction(message: "rows of chunk \(chunk.extent.chunk) do not add up") }
    var columns: [(Column, [[UInt8]])] = []
    for column in chunk.batch.columns {
      guard case .text(let values) = column.values else {
        throw Contradiction(message: "column \(column.name) is not text")
      }
      columns.append((column, (0..<values.count).map { values.withBytes(at: $0) { Array($0) } }))
    }
    var malformed = chunk.malformed[...]
    var batchRow = 0
    for row in 0..<count {
      var read = ReadRow(
        start: start + Int(chunk.origins.byteOffsets[row]), line: chunk.origins.line(ofRow: row))
      if let bad = malformed.first, bad.row == UInt32(row) {
        read.defect = bad.defect
        read.raw = bad.raw
        malformed = malformed.dropFirst()
      } else {
        read.fields = try columns.map { column, values in
          guard let index = column.valueIndex(atRow: batchRow) else {
            throw Contradiction(message: "row \(row) of column \(column.name) is null")
          }
          return values[index]
        }
        batchRow += 1
      }
      rows.append(read)
    }
  }

  /// Where two lists first differ, briefly; nil when they are equal.
  static func difference<Element: Equatable>(_ found: [Element], _ expected: [Element]) -> String? {
    for (index, pair) in zip(found, expected).enumerated() where pair.0 != pair.1 {
      return "\(index): found \(pair.0), expected \(pair.1)"
    }
    return found.count == expected.count ? nil : "\(found.count), not \(expected.count)"
  }

  /// What the oracle makes of a text.
  static func expected(_ text: RandomText) -> [ReadRow] {
    let limits = RowLimits(maximumFieldBytes: text.layout.maximumFieldBytes)
    let oracle = SlowRows(
      bytes: text.bytes, delimiter: text.layout.delimiter, quote: text.layout.quote,
      columns: text.columns, fieldLimit: text.layout.maximumFieldBytes, rowLimit: limits.rowBytes,
      encoding: text.layout.encoding)
    return oracle.rows(from: Int(text.layout.dataOffset), line: text.layout.dataLine).map { row in
      ReadRow(
        start: row.start, line: row.line,
        fields: row.fields?.map { utf8($0, text.layout.encoding) }, defect: row.defect,
        raw: row.defect == nil ? nil : row.raw)
    }
  }

  private static func utf8(_ value: [UInt8], _ encoding: TextEncoding) -> [UInt8] {
    switch encoding {
    case .utf8: value
    case .latin1: Array(String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) })).utf8)
    case .windows1252: Array(Windows1252Oracle.string(value).utf8)
    }
  }
}

/// Windows-1252 by its published table, written as characters.
enum Windows1252Oracle {
  private static let upper = Array(
    "€\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}Ž\u{FFFD}\u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}žŸ".unicodeScalars)

  static func string(_ bytes: [UInt8]) -> String {
    var text = String.UnicodeScalarView()
    for byte in bytes {
      text.append((0x80...0x9F).contains(byte) ? upper[Int(byte) - 0x80] : Unicode.Scalar(byte))
    }
    return String(text)
  }
}
