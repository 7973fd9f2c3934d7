/// Reads integers stored as bit-packed differences (Encodings.md, DELTA_BINARY_PACKED = 5).
enum DeltaBinaryPackedReader {
  /// Reads exactly `count` values; sums wrap around in the width of `Value`.
  ///
  /// - Parameter output: Has room for `count`.
  static func read<Value: FixedWidthInteger & BitwiseCopyable>(
    _ page: inout PageBytes, count: Int, to output: UnsafeMutablePointer<Value>
  ) throws(ParquetError) {
    let blockSize = try page.varint("a block size")
    let miniblocks = try page.varint("a number of miniblocks")
    let stated = try page.varint("a number of values")
    guard blockSize > 0, blockSize <= 1 << 20, blockSize % 128 == 0 else {
      throw page.malformed("a block size that is a multiple of 128 up to 1048576", "\(blockSize)")
    }
    guard miniblocks > 0, blockSize % miniblocks == 0, blockSize / miniblocks % 32 == 0 else {
      throw page.malformed(
        "miniblocks of a multiple of 32 values in blocks of \(blockSize)", "\(miniblocks)")
    }
    guard stated == UInt64(count) else {
      throw page.malformed("\(count) values", "\(stated)")
    }
    var value = Value(truncatingIfNeeded: try page.zigzag("a first value"))
    guard count > 0 else { return }
    output[0] = value
    let miniblockSize = Int(blockSize / miniblocks)
    var done = 1
    while done < count {
      let smallest = Value(truncatingIfNeeded: try page.zigzag("a smallest difference"))
      let widths = try page.part(Int(miniblocks), "miniblock widths").start
      for miniblock in 0..<Int(miniblocks) where done < count {
        let width = Int((widths + miniblock).load(as: UInt8.self))
        guard width <= 64 else { throw page.malformed("a width of at most 64 bits", "\(width)") }
        let length = min(miniblockSize, count - done)
        // The last miniblock may be cut off after the last value.
        try page.require((length * width + 7) / 8, "packed differences")
        let mask = width == 64 ? UInt64.max : (1 << UInt64(width)) - 1
        let packed = page.start
        var bit = 0
        for index in done..<done + length {
          let difference = BitPacking.number(packed, bit: bit, width: width, mask: mask)
          value = value &+ smallest &+ Value(truncatingIfNeeded: difference)
          output[index] = value
          bit &+= width
        }
        page.position += min(miniblockSize * width / 8, page.count)
        done += length
      }
    }
  }
}
