/// Packs unsigned numbers into `width` bits each, the lowest bits first (Encodings.md, RLE).
enum BitPacking {
  /// Bytes beyond the packed ones that packing may overwrite.
  static let slack = 16

  /// How many bits numbers up to `largest` need.
  static func width(of largest: UInt32) -> Int { 32 - largest.leadingZeroBitCount }

  /// Packs `groups` times eight values; the last group is filled up with zeros if `count` is not
  /// a multiple of eight.
  ///
  /// `output` needs room for `width` bytes a group and ``slack`` more.
  static func pack(
    _ values: UnsafePointer<UInt32>, count: Int, width: Int, to output: UnsafeMutableRawPointer
  ) {
    let wholeGroups = count / 8
    var target = output
    switch width {
    case 0: return
    case 1...8: packNarrow(values, groups: wholeGroups, width: UInt64(width), to: &target)
    case 9...16: packMedium(values, groups: wholeGroups, width: UInt64(width), to: &target)
    default: packWide(values, groups: wholeGroups, width: UInt64(width), to: &target)
    }
    let rest = count - wholeGroups * 8
    guard rest > 0 else { return }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8) { last in
      for index in 0..<8 { last[index] = index < rest ? values[wholeGroups * 8 + index] : 0 }
      guard let start = last.baseAddress else { return }
      packWide(UnsafePointer(start), groups: 1, width: UInt64(width), to: &target)
    }
  }

  private static func packNarrow(
    _ values: UnsafePointer<UInt32>, groups: Int, width: UInt64,
    to target: inout UnsafeMutableRawPointer
  ) {
    var source = values
    var end = target
    for _ in 0..<groups {
      let first = four(source, width)
      let second = four(source + 4, width)
      end.storeBytes(of: first | second &<< (4 &* width), as: UInt64.self)
      source += 8
      end += Int(width)
    }
    target = end
  }

  private static func packMedium(
    _ values: UnsafePointer<UInt32>, groups: Int, width: UInt64,
    to target: inout UnsafeMutableRawPointer
  ) {
    var source = values
    var end = target
    for _ in 0..<groups {
      let first = four(source, width)
      let second = four(source + 4, width)
      // Smart shifts: for a width of 16 the first is by 64 bits and gives 0.
      end.storeBytes(of: first | second << (4 &* width), as: UInt64.self)
      end.storeBytes(of: second >> (64 &- 4 &* width), toByteOffset: 8, as: UInt64.self)
      source += 8
      end += Int(width)
    }
    target = end
  }

  /// Four values of at most 16 bits, side by side.
  @inline(__always)
  private static func four(_ values: UnsafePointer<UInt32>, _ width: UInt64) -> UInt64 {
    let low = UInt64(values[0]) | UInt64(values[1]) &<< width
    let high = UInt64(values[2]) | UInt64(values[3]) &<< width
    return low | high &<< (2 &* width)
  }

  private static func packWide(
    _ values: UnsafePointer<UInt32>, groups: Int, width: UInt64,
    to target: inout UnsafeMutableRawPointer
  ) {
    var end = target
    for group in 0..<groups {
      var pending: UInt64 = 0
      var bits: UInt64 = 0
      var place = end
      for index in 0..<8 {
        pending |= UInt64(values[group &* 8 &+ index]) &<< bits
        bits &+= width
        if bits >= 32 {
          place.storeBytes(of: UInt32(truncatingIfNeeded: pending), as: UInt32.self)
          place += 4
          pending &>>= 32
          bits &-= 32
        }
      }
      place.storeBytes(of: UInt32(truncatingIfNeeded: pending), as: UInt32.self)
      end += Int(width)
    }
    target = end
  }

  /// Packs `count` numbers, a multiple of 32, of up to 64 bits.
  ///
  /// `output` needs room for `count * width / 8` bytes and ``slack`` more.
  static func pack64(
    _ values: UnsafePointer<UInt64>, count: Int, width: Int, to output: UnsafeMutableRawPointer
  ) {
    guard width > 0 else { return }
    var target = output
    var pending: UInt64 = 0
    var bits = 0
    for index in 0..<count {
      let value = values[index]
      pending |= value &<< UInt64(bits)
      bits += width
      if bits >= 64 {
        target.storeBytes(of: pending, as: UInt64.self)
        target += 8
        bits -= 64
        pending = value >> UInt64(width - bits)  // smart shift: 0 when nothing is left over
      }
    }
    target.storeBytes(of: pending, as: UInt64.self)
  }
}
