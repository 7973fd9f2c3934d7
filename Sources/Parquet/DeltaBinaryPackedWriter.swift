/// Writes integers as bit-packed differences (Encodings.md, DELTA_BINARY_PACKED = 5).
enum DeltaBinaryPackedWriter {
  private static let blockSize = 128
  private static let miniblocks = 4
  private static let miniblockSize = blockSize / miniblocks

  /// Appends `count` values. Differences wrap around in the width of `Value`, as they must: 32
  /// bits for INT32.
  static func write<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ values: UnsafePointer<Value>, count: Int, to buffer: inout ByteBuffer
  ) {
    buffer.append(varint: UInt64(blockSize))
    buffer.append(varint: UInt64(miniblocks))
    buffer.append(varint: UInt64(count))
    buffer.append(zigzag: count > 0 ? Int64(values[0]) : 0)
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: blockSize) { deltas in
      var index = 1
      while index < count {
        let length = min(blockSize, count - index)
        writeBlock(values + index, length: length, deltas: deltas, to: &buffer)
        index += length
      }
    }
  }

  /// Appends a block; `values[-1]` is the value before it.
  @inline(__always)
  private static func writeBlock<Value: FixedWidthInteger & SignedInteger & BitwiseCopyable>(
    _ values: UnsafePointer<Value>, length: Int, deltas: UnsafeMutableBufferPointer<UInt64>,
    to buffer: inout ByteBuffer
  ) {
    guard let packed = deltas.baseAddress else { return }
    var smallest = Value.max
    for index in 0..<length {
      smallest = min(smallest, values[index] &- values[index &- 1])
    }
    buffer.append(zigzag: Int64(smallest))
    // Relative to the smallest, differences are unsigned numbers of the width of `Value`.
    for index in 0..<length {
      let relative = values[index] &- values[index &- 1] &- smallest
      packed[index] = UInt64(Value.Magnitude(truncatingIfNeeded: relative))
    }
    let used = (length + miniblockSize - 1) / miniblockSize
    for index in length..<max(length, used * miniblockSize) { packed[index] = 0 }
    buffer.reserve(miniblocks + blockSize * 8 + BitPacking.slack)
    let widths = buffer.end
    buffer.advance(miniblocks)
    for miniblock in 0..<miniblocks {
      guard miniblock < used else {
        (widths + miniblock).storeBytes(of: 0, as: UInt8.self)
        continue
      }
      let start = packed + miniblock * miniblockSize
      var bits: UInt64 = 0
      for index in 0..<miniblockSize { bits |= start[index] }
      let width = 64 - bits.leadingZeroBitCount
      (widths + miniblock).storeBytes(of: UInt8(width), as: UInt8.self)
      BitPacking.pack64(start, count: miniblockSize, width: width, to: buffer.end)
      buffer.advance(width * miniblockSize / 8)
    }
  }
}
