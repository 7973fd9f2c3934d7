extension BitPacking {
  /// Unpacks values of `width` (at most 32) bits each, the lowest bits first.
  ///
  /// ``PageBytes/slack`` bytes beyond the packed ones must be loadable, and `output` must have room
  /// for `count` rounded up to a multiple of eight.
  static func unpack(
    _ packed: UnsafeRawPointer, count: Int, width: Int, to output: UnsafeMutablePointer<UInt32>
  ) {
    let groups = (count + 7) / 8
    switch width {
    case 0: output.update(repeating: 0, count: count)
    case 1...8: unpackNarrow(packed, groups: groups, width: UInt64(width), to: output)
    case 9...16: unpackMedium(packed, groups: groups, width: UInt64(width), to: output)
    default: unpackWide(packed, groups: groups, width: width, to: output)
    }
  }

  private static func unpackNarrow(
    _ packed: UnsafeRawPointer, groups: Int, width: UInt64, to output: UnsafeMutablePointer<UInt32>
  ) {
    let mask = (UInt64(1) &<< width) &- 1
    var source = packed
    var target = output
    for _ in 0..<groups {
      let eight = source.loadUnaligned(as: UInt64.self)
      store(four: eight, width, mask, to: target)
      store(four: eight &>> (4 &* width), width, mask, to: target + 4)
      source += Int(width)
      target += 8
    }
  }

  private static func unpackMedium(
    _ packed: UnsafeRawPointer, groups: Int, width: UInt64, to output: UnsafeMutablePointer<UInt32>
  ) {
    let mask = (UInt64(1) &<< width) &- 1
    let half = Int(width) / 2  // bytes to the fifth value, which starts four bits later if odd
    let rest = 4 &* (width & 1)
    var source = packed
    var target = output
    for _ in 0..<groups {
      store(four: source.loadUnaligned(as: UInt64.self), width, mask, to: target)
      let second = source.loadUnaligned(fromByteOffset: half, as: UInt64.self) &>> rest
      store(four: second, width, mask, to: target + 4)
      source += Int(width)
      target += 8
    }
  }

  /// Stores four values of at most 16 bits that lie side by side. Of `packed`, 60 bits are enough
  /// for the widths of 15 and less that need a shift by four.
  @inline(__always)
  private static func store(
    four packed: UInt64, _ width: UInt64, _ mask: UInt64, to target: UnsafeMutablePointer<UInt32>
  ) {
    target[0] = UInt32(truncatingIfNeeded: packed & mask)
    target[1] = UInt32(truncatingIfNeeded: packed &>> width & mask)
    target[2] = UInt32(truncatingIfNeeded: packed &>> (2 &* width) & mask)
    target[3] = UInt32(truncatingIfNeeded: packed &>> (3 &* width) & mask)
  }

  private static func unpackWide(
    _ packed: UnsafeRawPointer, groups: Int, width: Int, to output: UnsafeMutablePointer<UInt32>
  ) {
    let mask = (UInt64(1) << UInt64(width)) - 1
    var bit = 0
    for index in 0..<groups * 8 {
      let word = packed.loadUnaligned(fromByteOffset: bit &>> 3, as: UInt64.self)
      output[index] = UInt32(truncatingIfNeeded: word &>> UInt64(bit & 7) & mask)
      bit &+= width
    }
  }

  /// Bits `bit` to `bit + width` (at most 64) of `packed`; ``PageBytes/slack`` bytes beyond must be
  /// loadable.
  @inline(__always)
  static func number(
    _ packed: UnsafeRawPointer, bit: Int, width: Int, mask: UInt64
  ) -> UInt64 {
    let start = packed + bit &>> 3
    let shift = bit & 7
    var value = start.loadUnaligned(as: UInt64.self) &>> UInt64(shift)
    if shift &+ width > 64 {
      value |= UInt64(start.load(fromByteOffset: 8, as: UInt8.self)) &<< UInt64(64 &- shift)
    }
    return value & mask
  }
}
