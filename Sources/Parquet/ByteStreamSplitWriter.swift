/// Writes the first bytes of all values, then the second ones, and so on (Encodings.md,
/// BYTE_STREAM_SPLIT = 9).
enum ByteStreamSplitWriter {
  /// Appends the selected values.
  ///
  /// - Parameter length: Bytes of each value; fixed-length byte arrays only.
  static func write(
    _ values: ColumnValues, _ selection: ValueSelection, length: Int, to buffer: inout ByteBuffer
  ) {
    switch values.physicalType {
    case .int32, .float: writeNumbers(values, selection, as: UInt32.self, to: &buffer)
    case .int64, .double: writeNumbers(values, selection, as: UInt64.self, to: &buffer)
    case .fixedLengthByteArray: writeBytes(values, selection, length: length, to: &buffer)
    case .boolean, .int96, .byteArray: break  // not written so: see `Encoding.writes`
    }
  }

  private static func writeNumbers<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ values: ColumnValues, _ selection: ValueSelection, as: Bits.Type,
    to buffer: inout ByteBuffer
  ) {
    let count = selection.count
    let width = MemoryLayout<Bits>.size
    buffer.reserve(count * width)
    let target = buffer.end.assumingMemoryBound(to: UInt8.self)
    let source = values.base.assumingMemoryBound(to: Bits.self)
    if let positions = selection.positions {
      for index in 0..<count {
        scatter(source[Int(positions[index])], to: target + index, count: count)
      }
    } else {
      for index in 0..<count {
        scatter(source[selection.first &+ index], to: target + index, count: count)
      }
    }
    buffer.advance(count * width)
  }

  /// Writes the bytes of `value`, the lowest first, `count` bytes apart.
  @inline(__always)
  private static func scatter<Bits: FixedWidthInteger>(
    _ value: Bits, to target: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    for stream in 0..<MemoryLayout<Bits>.size {
      target[stream &* count] = UInt8(truncatingIfNeeded: value &>> Bits(8 &* stream))
    }
  }

  private static func writeBytes(
    _ values: ColumnValues, _ selection: ValueSelection, length: Int, to buffer: inout ByteBuffer
  ) {
    guard let slices = values.slices else { return }
    let count = selection.count
    buffer.reserve(count * length)
    let target = buffer.end.assumingMemoryBound(to: UInt8.self)
    for index in 0..<count {
      let source = values.base + Int(slices[selection[index]].offset)
      for stream in 0..<length {
        target[stream &* count &+ index] = source.load(fromByteOffset: stream, as: UInt8.self)
      }
    }
    buffer.advance(count * length)
  }
}
