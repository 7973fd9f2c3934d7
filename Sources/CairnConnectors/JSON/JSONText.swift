/// Writing and reading the text of JSON strings.
enum JSONText {
  /// A string in quotation marks.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{0}"..<"\u{20}":
        let hex = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// The text that an escaped one stands for. The escapes are known to be well formed.
  static func unescaped(_ text: UnsafeBufferPointer<UInt8>) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
      let byte = text[position]
      position += 1
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      let escape = text[position]
      position += 1
      switch escape {
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "u"):
        let (scalar, length) = scalar(in: text, at: position)
        position += length
        bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
      default: bytes.append(escape)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The scalar whose hexadecimal digits are at a position, and how many bytes they and a second half
  /// take. U+0000 and half pairs are U+FFFD.
  private static func scalar(
    in text: UnsafeBufferPointer<UInt8>, at position: Int
  ) -> (Unicode.Scalar, Int) {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    guard let unit = unit(in: text, at: position) else { return (replacement, 4) }
    if let scalar = Unicode.Scalar(UInt32(unit)) {
      return (unit == 0 ? replacement : scalar, 4)
    }
    guard unit < 0xDC00, position + 10 <= text.count, text[position + 4] == UInt8(ascii: "\\"),
      text[position + 5] == UInt8(ascii: "u"), let low = self.unit(in: text, at: position + 6),
      0xDC00...0xDFFF ~= low,
      let scalar = Unicode.Scalar(0x10000 + (UInt32(unit - 0xD800) << 10) + UInt32(low - 0xDC00))
    else { return (replacement, 4) }
    return (scalar, 10)
  }

  private static func unit(in text: UnsafeBufferPointer<UInt8>, at position: Int) -> UInt16? {
    guard position + 4 <= text.count else { return nil }
    var unit: UInt16 = 0
    for offset in 0..<4 {
      guard let digit = hexValue(text[position + offset]) else { return nil }
      unit = unit << 4 | digit
    }
    return unit
  }

  /// A JSON text that databases take: escapes of U+0000 and of half a surrogate pair are replaced.
  static func storable(_ text: UnsafeBufferPointer<UInt8>) -> String {
    var bytes: [UInt8] = []
    var copied = 0
    var position = 0
    while position < text.count {
      guard text[position] == UInt8(ascii: "\\"), position + 1 < text.count else {
        position += 1
        continue
      }
      guard text[position + 1] == UInt8(ascii: "u") else {
        position += 2
        continue
      }
      let (scalar, length) = scalar(in: text, at: position + 2)
      if scalar == "\u{FFFD}" {
        bytes.append(contentsOf: text[copied..<position])
        bytes.append(contentsOf: Array("\\ufffd".utf8))
        copied = position + 2 + length
      }
      position += 2 + length
    }
    guard copied > 0 else { return String(decoding: text, as: UTF8.self) }
    bytes.append(contentsOf: text[copied...])
    return String(decoding: bytes, as: UTF8.self)
  }
}
