/// Writes JSON on one line, into a buffer that is used again and again.
///
/// `JSONEncoder` takes some 20 µs for an event; this takes one.
struct JSONLine {
  var bytes: [UInt8] = []

  /// An event, in the order of the seeds' schema, with the line end.
  mutating func append(_ event: Event, timestamp: [UInt8]) {
    literal("{\"timestamp\":\"")
    bytes.append(contentsOf: timestamp)
    literal("\",\"event_type\":")
    append(text: event.type.rawValue)
    literal(",\"pipeline_id\":")
    append(text: event.pipelineID)
    literal(",\"stage\":")
    if let stage = event.stage { append(text: stage) } else { literal("null") }
    literal(",\"status\":\"")
    bytes.append(contentsOf: event.status.rawValue.utf8)
    literal("\",\"metadata\":")
    append(event.metadata)
    literal("}\n")
  }

  mutating func literal(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func append(_ metadata: EventMetadata) {
    bytes.append(UInt8(ascii: "{"))
    var isFirst = true
    for pair in metadata.pairs {
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      append(text: pair.name)
      bytes.append(UInt8(ascii: ":"))
      append(pair.value)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  mutating func append(_ value: EventValue) {
    switch value {
    case .null: literal("null")
    case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .number(let number):
      // JSON has no NaN and no infinity.
      bytes.append(contentsOf: (number.isFinite ? "\(number)" : "null").utf8)
    case .text(let text): append(text: text)
    case .list(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(value)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let metadata): append(metadata)
    }
  }

  /// A text in quotes. Control characters, also the two line ends of Unicode, are escaped: a line of
  /// the log is one line for every reader.
  mutating func append(text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      var start = 0
      for (index, byte) in utf8.enumerated() {
        let isPlain = byte >= 0x20 && byte != 0x22 && byte != 0x5C && byte != 0x7F
        // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
        let isLineEnd =
          byte == 0xE2 && index + 2 < utf8.count && utf8[index + 1] == 0x80
          && utf8[index + 2] | 1 == 0xA9
        if isPlain && !isLineEnd { continue }
        if index > start { bytes.append(contentsOf: utf8[start..<index]) }
        start = index + 1
        switch byte {
        case 0x22, 0x5C: bytes.append(contentsOf: [0x5C, byte])
        case 0x0A: literal("\\n")
        case 0x0D: literal("\\r")
        case 0x09: literal("\\t")
        case 0xE2:
          bytes.append(contentsOf: (utf8[index + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8)
          start = index + 3
        default:
          let digits: StaticString = "0123456789abcdef"
          literal("\\u00")
          bytes.append(digits.utf8Start[Int(byte >> 4)])
          bytes.append(digits.utf8Start[Int(byte & 15)])
        }
      }
      if start < utf8.count { bytes.append(contentsOf: utf8[start...]) }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
