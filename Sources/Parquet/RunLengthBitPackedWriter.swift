/// Writes the run-length/bit-packed hybrid (Encodings.md, RLE = 3).
enum RunLengthBitPackedWriter {
  /// From how many equal values on a run of its own is smaller than bit-packing them.
  private static func shortestRun(width: Int) -> Int {
    switch width {
    case 1: 32
    case 2: 16
    default: 8
    }
  }

  /// Appends `count` values, each below 2^width, without any length prefix.
  static func write(
    _ values: UnsafePointer<UInt32>, count: Int, width: Int, to buffer: inout ByteBuffer
  ) {
    let shortest = shortestRun(width: width)
    var literalStart = 0
    var index = 0
    while index + 8 <= count {
      let value = values[index]
      guard startsEightEqual(values + index) else {
        index += 8
        continue
      }
      var runEnd = index + 8
      while runEnd + 8 <= count, values[runEnd] == value, startsEightEqual(values + runEnd) {
        runEnd += 8
      }
      while runEnd < count, values[runEnd] == value { runEnd += 1 }
      if runEnd - index < shortest {
        index += (runEnd - index) / 8 * 8  // groups of a literal run stay aligned to its start
        continue
      }
      literal(values + literalStart, count: index - literalStart, width: width, to: &buffer)
      run(of: value, count: runEnd - index, width: width, to: &buffer)
      index = runEnd
      literalStart = runEnd
    }
    literal(values + literalStart, count: count - literalStart, width: width, to: &buffer)
  }

  /// Appends bits, eight to a byte, the lowest first; width 1.
  ///
  /// - Parameter bytes: `count` bits; unused ones of the last byte are 0.
  static func write(bits bytes: UnsafePointer<UInt8>, count: Int, to buffer: inout ByteBuffer) {
    let byteCount = (count + 7) / 8
    var literalStart = 0
    var index = 0
    while index < byteCount {
      let byte = bytes[index]
      guard byte == 0 || byte == 0xFF else {
        index += 1
        continue
      }
      var runEnd = index + 1
      while runEnd < byteCount, bytes[runEnd] == byte { runEnd += 1 }
      var runCount = min(runEnd * 8, count) - index * 8
      if byte == 0xFF, runEnd < byteCount {
        // Only the last byte may be cut short; take it in if all its bits are ones.
        let rest = count - runEnd * 8
        if runEnd + 1 == byteCount, rest < 8, bytes[runEnd] == UInt8(1) << UInt8(rest) - 1 {
          runEnd += 1
          runCount += rest
        }
      }
      if runCount < 32, !(index == literalStart && runEnd == byteCount) {
        index = runEnd
        continue
      }
      literal(bits: bytes, from: literalStart, to: index, buffer: &buffer)
      run(of: byte & 1 == 1 ? 1 : 0, count: runCount, width: 1, to: &buffer)
      index = runEnd
      literalStart = runEnd
    }
    literal(bits: bytes, from: literalStart, to: byteCount, buffer: &buffer)
  }

  /// Appends one run of `count` times `value`.
  static func run(of value: UInt32, count: Int, width: Int, to buffer: inout ByteBuffer) {
    guard count > 0 else { return }
    buffer.append(varint: UInt64(count) << 1)
    var rest = value
    for _ in 0..<(width + 7) / 8 {
      buffer.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  private static func literal(
    _ values: UnsafePointer<UInt32>, count: Int, width: Int, to buffer: inout ByteBuffer
  ) {
    guard count > 0 else { return }
    let groups = (count + 7) / 8
    buffer.append(varint: UInt64(groups) << 1 | 1)
    buffer.reserve(groups * width + BitPacking.slack)
    BitPacking.pack(values, count: count, width: width, to: buffer.end)
    buffer.advance(groups * width)
  }

  private static func literal(
    bits bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, buffer: inout ByteBuffer
  ) {
    guard end > start else { return }
    buffer.append(varint: UInt64(end - start) << 1 | 1)
    buffer.append(UnsafeRawBufferPointer(start: bytes + start, count: end - start))
  }

  @inline(__always)
  private static func startsEightEqual(_ values: UnsafePointer<UInt32>) -> Bool {
    let eight = UnsafeRawPointer(values).loadUnaligned(as: SIMD8<UInt32>.self)
    return eight == SIMD8(repeating: values[0])
  }
}
