/// Looks at the bytes of one field without making a String of them.
extension UnsafeRawBufferPointer {
  /// Whether a byte is ASCII white space: space, tab, line feed, vertical tab, form feed, carriage
  /// return.
  @inline(__always)
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte &- 0x09) < 5 }

  /// The bytes without ASCII white space at either end.
  @inline(__always)
  var trimmed: UnsafeRawBufferPointer {
    guard count > 0, Self.isSpace(self[0]) || Self.isSpace(self[count - 1]) else { return self }
    var start = 0
    var end = count
    while start < end, Self.isSpace(self[start]) { start += 1 }
    while end > start, Self.isSpace(self[end - 1]) { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[start..<end])
  }

  /// Whether the bytes are those of `other`.
  @inline(__always)
  func equals(_ other: [UInt8]) -> Bool {
    guard count == other.count else { return false }
    for position in 0..<count where self[position] != other[position] { return false }
    return true
  }

  /// Whether the bytes are those of `lowercased`, ASCII letters of either case being equal.
  @inline(__always)
  func equalsIgnoringCase(_ lowercased: [UInt8]) -> Bool {
    guard count == lowercased.count else { return false }
    for position in 0..<count where self[position].asciiLowercased != lowercased[position] {
      return false
    }
    return true
  }

  /// Whether these bytes sort before `other`, byte by byte, which for UTF-8 is the order of the
  /// Unicode scalars.
  func precedes(_ other: UnsafeRawBufferPointer) -> Bool { lexicographicallyPrecedes(other) }
}

extension UInt8 {
  /// The byte, or the small letter if it is a capital one of ASCII.
  @inline(__always)
  var asciiLowercased: UInt8 { (self &- 0x41) < 26 ? self | 0x20 : self }

  /// The value of a decimal digit; at least 10 when the byte is none.
  @inline(__always)
  var digitValue: UInt8 { self &- 0x30 }
}
