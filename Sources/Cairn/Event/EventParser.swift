/// Reads lines of `events.log`, also those that others wrote.
struct EventParser {
  /// How deep values may nest.
  private static let maximumDepth = 64

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// The event of a line; nil when the line is torn or is no event.
  static func event(_ line: UnsafeBufferPointer<UInt8>) -> Event? {
    guard let object = object(line), let type = object["event_type"]?.text,
      let pipelineID = object["pipeline_id"]?.text, let timestamp = object["timestamp"]?.text,
      let time = EventTime.nanoseconds(of: timestamp)
    else { return nil }
    var metadata: EventMetadata = [:]
    if case .object(let known) = object["metadata"] { metadata = known }
    return Event(
      EventType(rawValue: type), pipelineID: pipelineID, stage: object["stage"]?.text,
      status: object["status"]?.text.flatMap(EventStatus.init) ?? .info, metadata: metadata,
      time: time)
  }

  /// The JSON object that is all of a line; nil when it is none.
  static func object(_ line: UnsafeBufferPointer<UInt8>) -> EventMetadata? {
    var parser = EventParser(line)
    guard case .object(let object)? = parser.value(depth: 0) else { return nil }
    parser.skipSpace()
    return parser.position == line.count ? object : nil
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func take(word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
    position += count
    return true
  }

  private mutating func value(depth: Int) -> EventValue? {
    guard depth < Self.maximumDepth else { return nil }
    skipSpace()
    switch next {
    case UInt8(ascii: "\""): return text().map(EventValue.text)
    case UInt8(ascii: "{"): return objectValue(depth: depth)
    case UInt8(ascii: "["): return list(depth: depth)
    case UInt8(ascii: "t"): return take(word: "true") ? .bool(true) : nil
    case UInt8(ascii: "f"): return take(word: "false") ? .bool(false) : nil
    case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
    default: return number()
    }
  }

  private mutating func objectValue(depth: Int) -> EventValue? {
    position += 1
    var object: EventMetadata = [:]
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(object) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\""), let name = text() else { return nil }
      skipSpace()
      guard take(UInt8(ascii: ":")), let value = value(depth: depth + 1) else { return nil }
      object[name] = value
      skipSpace()
      if take(UInt8(ascii: "}")) { return .object(object) }
      guard take(UInt8(ascii: ",")) else { return nil }
    }
  }

  private mutating func list(depth: Int) -> EventValue? {
    position += 1
    var values: [EventValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .list(values) }
    while true {
      guard let value = value(depth: depth + 1) else { return nil }
      values.append(value)
      skipSpace()
      if take(UInt8(ascii: "]")) { return .list(values) }
      guard take(UInt8(ascii: ",")) else { return nil }
    }
  }

  private mutating func number() -> EventValue? {
    let start = position
    var isWhole = true
    while let byte = next {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"):
        isWhole = false
      default: return finish(from: start, isWhole)
      }
      position += 1
    }
    return finish(from: start, isWhole)
  }

  private func finish(from start: Int, _ isWhole: Bool) -> EventValue? {
    guard position > start else { return nil }
    let text = String(
      decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
    if isWhole, let number = Int64(text) { return .integer(number) }
    return Double(text).map(EventValue.number)
  }

  /// A text, of which the position is at the first quote.
  private mutating func text() -> String? {
    position += 1
    let start = position
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    let plain = UnsafeBufferPointer(rebasing: bytes[start..<position])
    if take(UInt8(ascii: "\"")) { return String(decoding: plain, as: UTF8.self) }
    var decoded = Array(plain)
    while let byte = next, byte >= 0x20 {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: decoded, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard escape(into: &decoded) else { return nil }
      default: decoded.append(byte)
      }
    }
    return nil
  }

  private mutating func escape(into decoded: inout [UInt8]) -> Bool {
    guard let byte = next else { return false }
    position += 1
    switch byte {
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
    case UInt8(ascii: "u"):
      guard var unit = hexadecimal() else { return false }
      if (0xD800..<0xDC00).contains(unit) {
        guard take(word: "\\u"), let low = hexadecimal(), (0xDC00..<0xE000).contains(low) else {
          return false
        }
        unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = UnicodeScalar(unit) else { return false }
      decoded.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
    default: return false
    }
    return true
  }

  private mutating func hexadecimal() -> UInt32? {
    guard position + 4 <= bytes.count else { return nil }
    let digits = UnsafeBufferPointer(rebasing: bytes[position..<position + 4])
    position += 4
    guard digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else {
      return nil
    }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
