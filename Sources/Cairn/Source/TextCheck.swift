/// Finds bytes that a text encoding does not know.
enum TextCheck {
  /// The offset of the first byte in `start..<end` that is not valid in `encoding`, or nil.
  static func firstInvalid(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int, in encoding: TextEncoding
  ) -> Int? {
    switch encoding {
    case .utf8: firstInvalidUTF8(bytes, from: start, to: end)
    case .latin1: nil
    case .windows1252:
      (start..<end).first { WesternText.isUnassigned(bytes[$0]) }
    }
  }

  /// The offset of the first sequence that is not well-formed UTF-8 (Unicode 15, table 3-7).
  private static func firstInvalidUTF8(
    _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) -> Int? {
    var position = start
    while position < end {
      // Most text is ASCII, even in rows that are not: it goes by in blocks.
      while end - position >= 64, isASCII(bytes, at: position) { position += 64 }
      if end - position >= 8 {
        let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        if word & 0x8080_8080_8080_8080 == 0 {
          position += 8
          continue
        }
      }
      guard position < end else { break }
      let lead = bytes[position]
      if lead < 0x80 {
        position += 1
        continue
      }
      let length: Int
      var second: ClosedRange<UInt8> = 0x80...0xBF
      switch lead {
      case 0xC2...0xDF: length = 2
      case 0xE0...0xEF:
        length = 3
        if lead == 0xE0 { second = 0xA0...0xBF }
        if lead == 0xED { second = 0x80...0x9F }
      case 0xF0...0xF4:
        length = 4
        if lead == 0xF0 { second = 0x90...0xBF }
        if lead == 0xF4 { second = 0x80...0x8F }
      default: return position
      }
      guard end - position >= length, second.contains(bytes[position + 1]) else { return position }
      for index in 2..<max(length, 2) where bytes[position + index] & 0xC0 != 0x80 {
        return position
      }
      position += length
    }
    return nil
  }

  /// Whether all of the 64 bytes from `position` on are below 0x80.
  @inline(__always)
  private static func isASCII(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Bool {
    var bits = SIMD16<UInt8>()
    for part in 0..<4 {
      bits |= bytes.loadUnaligned(
        fromByteOffset: position &+ 16 &* part, as: SIMD16<UInt8>.self)
    }
    let words = unsafeBitCast(bits, to: SIMD2<UInt64>.self)
    return (words.x | words.y) & 0x8080_8080_8080_8080 == 0
  }
}
