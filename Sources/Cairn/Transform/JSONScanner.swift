/// Checks that bytes are one JSON text of RFC 8259, without making anything of it.
///
/// Stricter than many readers: no trailing commas, comments, leading zeros, NaN, control characters
/// in strings. Values may nest 512 deep. Encoding was checked when the source was parsed.
struct JSONScanner {
  /// How deep arrays and objects may nest.
  static let maximumDepth = 512

  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// Whether the bytes are a JSON text.
  static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var scanner = JSONScanner(bytes)
    return scanner.scanText()
  }

  private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
      position += 1
    }
  }

  /// Arrays and objects that are open, innermost last: true for an object. An explicit stack, so
  /// that deep nesting cannot overflow the thread's.
  private mutating func scanText() -> Bool {
    var open: [Bool] = []
    while true {
      // A value starts here.
      skipSpace()
      var closedEmpty = false
      switch next {
      case 0x7B:
        position += 1
        guard open.count < Self.maximumDepth else { return false }
        skipSpace()
        if take(0x7D) {
          closedEmpty = true
        } else {
          open.append(true)
          guard scanName() else { return false }
        }
        if !closedEmpty { continue }
      case 0x5B:
        position += 1
        guard open.count < Self.maximumDepth else { return false }
        skipSpace()
        if take(0x5D) {
          closedEmpty = true
        } else {
          open.append(false)
          continue
        }
      case 0x22: guard scanString() else { return false }
      case 0x74: guard scanWord("true") else { return false }
      case 0x66: guard scanWord("false") else { return false }
      case 0x6E: guard scanWord("null") else { return false }
      default: guard scanNumber() else { return false }
      }
      // A value ended; so may those around it.
      while true {
        skipSpace()
        guard let isObject = open.last else { return position == bytes.count }
        if take(0x2C) {
          if isObject {
            skipSpace()
            guard scanName() else { return false }
          }
          break
        }
        guard take(isObject ? 0x7D : 0x5D) else { return false }
        open.removeLast()
      }
    }
  }

  private mutating func scanName() -> Bool {
    guard next == 0x22, scanString() else { return false }
    skipSpace()
    return take(0x3A)
  }

  private mutating func scanString() -> Bool {
    position += 1
    while let byte = next {
      position += 1
      switch byte {
      case 0x22: return true
      case 0x5C:
        guard let escape = next else { return false }
        position += 1
        switch escape {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: break
        case 0x75:
          for _ in 0..<4 {
            guard let digit = next,
              digit.digitValue < 10 || (digit.asciiLowercased &- 0x61) < 6
            else { return false }
            position += 1
          }
        default: return false
        }
      case 0..<0x20: return false
      default: break
      }
    }
    return false
  }

  private mutating func scanWord(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard position + length <= bytes.count else { return false }
    for offset in 0..<length where bytes[position + offset] != word.utf8Start[offset] {
      return false
    }
    position += length
    return true
  }

  private mutating func scanDigits() -> Bool {
    let start = position
    while let byte = next, byte.digitValue < 10 { position += 1 }
    return position > start
  }

  private mutating func scanNumber() -> Bool {
    _ = take(0x2D)
    if !take(0x30) { guard scanDigits() else { return false } }
    if take(0x2E) { guard scanDigits() else { return false } }
    if next == 0x65 || next == 0x45 {
      position += 1
      if next == 0x2B || next == 0x2D { position += 1 }
      guard scanDigits() else { return false }
    }
    return true
  }
}
