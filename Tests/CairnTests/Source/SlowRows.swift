@testable import Cairn

/// The oracle: cuts and splits text byte by byte, by the rules as they are documented, without
/// regard to speed. It shares no code with the cutter or the parser.
struct SlowRows {
  struct Row: Equatable {
    var start: Int
    var end: Int
    var line: UInt64
    var lines: Int
    /// The values, or nil when the row is malformed.
    var fields: [[UInt8]]?
    var defect: RowDefect?
    /// Without the line end.
    var raw: [UInt8]
  }

  struct Field {
    var value: [UInt8]
    var rawLength: Int
    var isBroken: Bool
  }

  let bytes: [UInt8]
  let delimiter: [UInt8]
  let quote: UInt8?
  let columns: Int
  let fieldLimit: Int
  let rowLimit: Int
  let encoding: TextEncoding

  func rows(from dataOffset: Int, line firstLine: UInt64) -> [Row] {
    var rows: [Row] = []
    var position = dataOffset
    var line = firstLine
    while position < bytes.count {
      if columns > 1, bytes.count - position <= 65_536,
        bytes[position...].allSatisfy({ $0 == 10 || $0 == 13 })
      {
        break
      }
      let row = self.row(at: position, line: line)
      rows.append(row)
      position = row.end
      line += UInt64(row.lines)
    }
    return rows
  }

  private func row(at start: Int, line: UInt64) -> Row {
    var lineEnd = start
    while lineEnd < bytes.count, bytes[lineEnd] != 10 { lineEnd += 1 }
    lineEnd = min(lineEnd + 1, bytes.count)
    var end = lineEnd
    if quote != nil, let whole = quotedEnd(from: start) {
      let content = withoutLineEnd(start, whole)
      if content.count <= rowLimit, split(content).allSatisfy({ $0.rawLength <= fieldLimit }) {
        end = whole
      }
    }
    let raw = Array(withoutLineEnd(start, end))
    let lines = max(1, bytes[start..<end].count { $0 == 10 } + (bytes[end - 1] == 10 ? 0 : 1))
    var row = Row(
      start: start, end: end, line: line, lines: lines, fields: nil, defect: nil, raw: raw)
    let fields = split(raw[...])
    if let defect = defect(fields, raw) {
      row.defect = defect
      if case .oversizedField = defect { row.raw = Array(raw.prefix(65_536)) }
      if case .oversizedRow = defect { row.raw = Array(raw.prefix(65_536)) }
    } else {
      row.fields = fields.map(\.value)
    }
    return row
  }

  private func defect(_ fields: [Field], _ raw: [UInt8]) -> RowDefect? {
    for (index, field) in fields.enumerated() {
      if field.rawLength > fieldLimit {
        return .oversizedField(field: index, bytes: field.rawLength, limit: fieldLimit)
      }
      if field.isBroken { return .quoting(field: index) }
    }
    if raw.count > rowLimit { return .oversizedRow(bytes: raw.count, limit: rowLimit) }
    if columns > 1, raw.isEmpty { return .fieldCount(found: 0, expected: columns) }
    if fields.count != columns {
      return .fieldCount(found: fields.count, expected: columns)
    }
    for (index, field) in fields.enumerated() where !isValid(field.value) {
      return .invalidEncoding(field: index, encoding: encoding)
    }
    return nil
  }

  private func isValid(_ value: [UInt8]) -> Bool {
    switch encoding {
    case .utf8: String(validating: value, as: UTF8.self) != nil
    case .latin1: true
    case .windows1252: value.allSatisfy { ![0x81, 0x8D, 0x8F, 0x90, 0x9D].contains($0) }
    }
  }

  private func withoutLineEnd(_ start: Int, _ end: Int) -> ArraySlice<UInt8> {
    var content = bytes[start..<end]
    if content.last == 10 { content.removeLast() }
    if content.last == 13 { content.removeLast() }
    return content
  }

  private func isDelimiter(_ text: ArraySlice<UInt8>, _ position: Int) -> Bool {
    text[position...].starts(with: delimiter)
  }

  /// Where a row with proper quotes ends, line end included; nil when its quotes are not proper.
  private func quotedEnd(from start: Int) -> Int? {
    let text = bytes[...]
    var position = start
    while true {
      if position < text.endIndex, text[position] == quote {
        position += 1
        while true {
          guard position < text.endIndex else { return nil }
          if text[position] == quote {
            if position + 1 < text.endIndex, text[position + 1] == quote {
              position += 2
              continue
            }
            position += 1
            break
          }
          position += 1
        }
        let rest = text[position...]
        if rest.isEmpty || rest.elementsEqual([13]) { return text.endIndex }
        if rest.first == 10 { return position + 1 }
        if rest.starts(with: [13, 10]) { return position + 2 }
        guard isDelimiter(text, position) else { return nil }
        position += delimiter.count
      } else {
        while position < text.endIndex, text[position] != 10, !isDelimiter(text, position) {
          position += 1
        }
        if position == text.endIndex { return position }
        if text[position] == 10 { return position + 1 }
        position += delimiter.count
      }
    }
  }

  private func split(_ text: ArraySlice<UInt8>) -> [Field] {
    var fields: [Field] = []
    var position = text.startIndex
    while true {
      let start = position
      var value: [UInt8] = []
      var isBroken = false
      if quote != nil, position < text.endIndex, text[position] == quote {
        position += 1
        var isClosed = false
        while position < text.endIndex {
          if text[position] == quote {
            position += 1
            if position < text.endIndex, text[position] == quote {
              value.append(text[position])
              position += 1
              continue
            }
            isClosed = true
            break
          }
          value.append(text[position])
          position += 1
        }
        isBroken =
          !isClosed || (position < text.endIndex && !isDelimiter(text, position))
      } else {
        while position < text.endIndex, !isDelimiter(text, position) {
          value.append(text[position])
          position += 1
        }
      }
      fields.append(Field(value: value, rawLength: position - start, isBroken: isBroken))
      if isBroken || position == text.endIndex { return fields }
      position += delimiter.count
    }
  }
}

/// A small random number generator whose sequence is set by its seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Bytes in memory, handed out in pieces of at most `piece` bytes.
final class MemoryStream: ByteStream {
  private var rest: ArraySlice<UInt8>
  private let piece: Int

  init(_ bytes: ArraySlice<UInt8>, piece: Int) {
    rest = bytes
    self.piece = piece
  }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let count = min(destination.count, piece, rest.count)
    destination.copyBytes(from: rest.prefix(count))
    rest = rest.dropFirst(count)
    return count
  }
}
