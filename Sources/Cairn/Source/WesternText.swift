/// Latin-1 and Windows-1252 text as UTF-8.
enum WesternText {
  /// Code points of the bytes 0x80 to 0x9F in Windows-1252; 0 where there is none.
  private static let windows1252: [UInt16] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
  ]

  /// The bytes of text in an encoding; nil when the encoding lacks a character.
  static func bytes(_ text: String, _ encoding: TextEncoding) -> [UInt8]? {
    if encoding == .utf8 { return Array(text.utf8) }
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      let target = String(scalar)
      guard
        let byte = (UInt8.min...UInt8.max).first(where: { string([$0], encoding) == target })
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  /// Whether Windows-1252 has no character for a byte.
  static func isUnassigned(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x81, 0x8D, 0x8F, 0x90, 0x9D: true
    default: false
    }
  }

  /// Appends the UTF-8 form of text; bytes without a character become U+FFFD.
  static func appendUTF8(
    of bytes: some Sequence<UInt8>, _ encoding: TextEncoding, to utf8: inout [UInt8]
  ) {
    for byte in bytes {
      var code = UInt16(byte)
      if encoding == .windows1252, (0x80...0x9F).contains(byte) {
        code = windows1252[Int(byte) - 0x80]
        if code == 0 { code = 0xFFFD }
      }
      if code < 0x80 {
        utf8.append(UInt8(code))
      } else if code < 0x800 {
        utf8.append(0xC0 | UInt8(code >> 6))
        utf8.append(0x80 | UInt8(code & 0x3F))
      } else {
        utf8.append(0xE0 | UInt8(code >> 12))
        utf8.append(0x80 | UInt8(code >> 6 & 0x3F))
        utf8.append(0x80 | UInt8(code & 0x3F))
      }
    }
  }

  /// Text of any encoding as a string; nil when it has bytes that the encoding does not know.
  static func string(_ bytes: some Collection<UInt8>, _ encoding: TextEncoding) -> String? {
    switch encoding {
    case .utf8: return String(validating: bytes, as: UTF8.self)
    case .latin1, .windows1252:
      if encoding == .windows1252, bytes.contains(where: isUnassigned) { return nil }
      var utf8: [UInt8] = []
      appendUTF8(of: bytes, encoding, to: &utf8)
      return String(decoding: utf8, as: UTF8.self)
    }
  }
}

extension TextEncoding {
  /// Text in the encoding; bytes without a character become U+FFFD.
  public func string(_ bytes: [UInt8]) -> String {
    guard self != .utf8 else { return String(decoding: bytes, as: UTF8.self) }
    var utf8: [UInt8] = []
    WesternText.appendUTF8(of: bytes, self, to: &utf8)
    return String(decoding: utf8, as: UTF8.self)
  }
}
