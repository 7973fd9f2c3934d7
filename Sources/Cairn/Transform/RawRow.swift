internal import Parquet

/// Puts a row back together from its fields, as rejects keep it.
///
/// Made of the fields, not of the source's bytes, so that a run that resumes from chunk files keeps
/// the same as one that just parsed them: UTF-8, quoted where RFC 4180 calls for it.
struct RawRow: Sendable {
  /// The source's columns.
  let batch: RecordBatch
  /// What stood between fields, in UTF-8; nil when the source is no delimited text.
  let delimiter: [UInt8]?
  let quote: UInt8?

  init(batch: RecordBatch, layout: SourceLayout) {
    self.batch = batch
    quote = layout.text?.quote
    // The fields are UTF-8 by now, whatever the source's encoding is.
    delimiter = layout.text.map { text in
      WesternText.string(text.delimiter, text.encoding).map { Array($0.utf8) } ?? text.delimiter
    }
  }

  /// The row's bytes; a JSON object when the source is no delimited text.
  func bytes(ofRow row: Int) -> [UInt8] {
    guard let delimiter else {
      let columns = batch.columns.map { $0.selecting(rows: [UInt32(row)]) }
      let object = try? JSONObjectColumn.make(of: columns, named: "row", rowCount: 1, nulls: nil)
      guard case .text(let texts)? = object?.values, texts.count > 0 else { return [] }
      return texts.withBytes(at: 0) { Array($0) }
    }
    var bytes: [UInt8] = []
    for (position, column) in batch.columns.enumerated() {
      if position > 0 { bytes += delimiter }
      guard let index = column.valueIndex(atRow: row) else { continue }
      if case .text(let texts) = column.values {
        texts.withBytes(at: index) { append($0, to: &bytes, delimiter: delimiter) }
      } else {
        bytes += Array(column.values.text(at: index, type: column.type).utf8)
      }
    }
    return bytes
  }

  private func append(
    _ field: UnsafeRawBufferPointer, to bytes: inout [UInt8], delimiter: [UInt8]
  ) {
    guard let quote, mustQuote(field, quote: quote, delimiter: delimiter) else {
      bytes += field
      return
    }
    bytes.append(quote)
    for byte in field {
      if byte == quote { bytes.append(quote) }
      bytes.append(byte)
    }
    bytes.append(quote)
  }

  private func mustQuote(
    _ field: UnsafeRawBufferPointer, quote: UInt8, delimiter: [UInt8]
  ) -> Bool {
    for position in 0..<field.count {
      let byte = field[position]
      if byte == quote || byte == 0x0A || byte == 0x0D { return true }
      if byte == delimiter[0], position + delimiter.count <= field.count,
        (0..<delimiter.count).allSatisfy({ field[position + $0] == delimiter[$0] })
      {
        return true
      }
    }
    return false
  }
}

extension RawRetention {
  /// What is kept of a row's bytes.
  func keeping(_ bytes: [UInt8]) -> [UInt8]? {
    switch self {
    case .full: bytes
    case .masked: Self.masked(bytes)
    case .none: nil
    }
  }

  /// The text with every letter (and accent) replaced by `x`, every digit and other number by `9`;
  /// bytes that are not UTF-8 count as letters.
  static func masked(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: return result
      case .error: result.append(0x78)
      case .scalarValue(let scalar):
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
          .nonspacingMark, .spacingMark, .enclosingMark:
          result.append(0x78)
        case .decimalNumber, .letterNumber, .otherNumber:
          result.append(0x39)
        default:
          result += Array(String(scalar).utf8)
        }
      }
    }
  }

  /// A value as reasons show it: in quotes, cut after 100 characters, control characters escaped;
  /// masked, or not at all, where rejects keep no more of their rows.
  func showing(_ value: UnsafeRawBufferPointer) -> String {
    switch self {
    case .full: return "'\(Self.displayed(value))'"
    case .masked:
      return Self.masked(value).withUnsafeBytes { "'\(Self.displayed($0))'" }
    case .none: return "the value"
    }
  }

  private static func displayed(_ value: UnsafeRawBufferPointer) -> String {
    // 100 characters have at most 400 bytes of scalars that stand alone; longer clusters are cut.
    let text = String(decoding: value.prefix(4 * 101), as: UTF8.self)
    var shown = ""
    for scalar in text.prefix(100).unicodeScalars {
      switch scalar {
      case "\n": shown += "\\n"
      case "\r": shown += "\\r"
      case "\t": shown += "\\t"
      case let scalar where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return text.count > 100 || value.count > 4 * 101 ? shown + "…" : shown
  }
}
