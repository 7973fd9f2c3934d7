#if arch(x86_64) && canImport(_Builtin_intrinsics.intel)
  private import _Builtin_intrinsics.intel
#endif

/// Compares 64 bytes at once; bit `i` of a result stands for byte `i`.
enum ByteMatch {
  /// Where each of two bytes stands, one after the other.
  ///
  /// - Parameters:
  ///   - text: 65 readable bytes.
  ///   - first: The byte looked for.
  ///   - second: The byte that must follow it, or nil for any.
  /// - Returns: The matches, and which bytes are not ASCII.
  @inline(__always)
  static func pairs(
    at text: UnsafeRawPointer, first: UInt8, second: UInt8, needsSecond: Bool
  ) -> (matches: UInt64, nonASCII: UInt64) {
    #if arch(x86_64) && canImport(_Builtin_intrinsics.intel)
      let firsts = _mm_set1_epi8(Int8(bitPattern: first))
      let seconds = _mm_set1_epi8(Int8(bitPattern: second))
      var matches: UInt64 = 0
      var nonASCII: UInt64 = 0
      for part in 0..<4 {
        let bytes = text.loadUnaligned(fromByteOffset: 16 * part, as: SIMD2<Int64>.self)
        var equal = _mm_cmpeq_epi8(bytes, firsts)
        if needsSecond {
          let following = text.loadUnaligned(fromByteOffset: 16 * part + 1, as: SIMD2<Int64>.self)
          equal = _mm_and_si128(equal, _mm_cmpeq_epi8(following, seconds))
        }
        matches |= UInt64(UInt32(bitPattern: _mm_movemask_epi8(equal))) << UInt64(16 * part)
        nonASCII |= UInt64(UInt32(bitPattern: _mm_movemask_epi8(bytes))) << UInt64(16 * part)
      }
      return (matches, nonASCII)
    #else
      return portablePairs(at: text, first: first, second: second, needsSecond: needsSecond)
    #endif
  }

  /// ``pairs(at:first:second:needsSecond:)`` without vector instructions, eight bytes at a time.
  @inline(__always)
  static func portablePairs(
    at text: UnsafeRawPointer, first: UInt8, second: UInt8, needsSecond: Bool
  ) -> (matches: UInt64, nonASCII: UInt64) {
    let firsts = UInt64(first) &* 0x0101_0101_0101_0101
    let seconds = UInt64(second) &* 0x0101_0101_0101_0101
    var matches: UInt64 = 0
    var nonASCII: UInt64 = 0
    for part in 0..<8 {
      let bytes = UInt64(
        littleEndian: text.loadUnaligned(fromByteOffset: 8 * part, as: UInt64.self))
      var zero = zeroBytes(bytes ^ firsts)
      if needsSecond {
        let following = UInt64(
          littleEndian: text.loadUnaligned(fromByteOffset: 8 * part + 1, as: UInt64.self))
        zero &= zeroBytes(following ^ seconds)
      }
      matches |= packed(zero) << UInt64(8 * part)
      nonASCII |= packed(bytes & 0x8080_8080_8080_8080) << UInt64(8 * part)
    }
    return (matches, nonASCII)
  }

  /// The high bit of each byte that is zero.
  @inline(__always)
  static func zeroBytes(_ word: UInt64) -> UInt64 {
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    return ~(((word & low) &+ low) | word | low)
  }

  /// The high bits of the eight bytes, as the low eight bits; no other bit may be set.
  @inline(__always)
  private static func packed(_ highBits: UInt64) -> UInt64 {
    ((highBits >> 7) &* 0x0102_0408_1020_4080) >> 56
  }
}
