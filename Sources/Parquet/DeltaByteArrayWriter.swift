/// Writes byte arrays as lengths and bytes (Encodings.md, DELTA_LENGTH_BYTE_ARRAY = 6).
enum DeltaLengthByteArrayWriter {
  static func write(
    _ values: ColumnValues, _ selection: ValueSelection,
    lengths: inout ScratchArray<Int32>, to buffer: inout ByteBuffer
  ) {
    guard let slices = values.slices else { return }
    let numbers = lengths.room(for: selection.count)
    for index in 0..<selection.count {
      numbers[index] = Int32(bitPattern: slices[selection[index]].length)
    }
    DeltaBinaryPackedWriter.write(numbers, count: selection.count, to: &buffer)
    PlainWriter.writeByteStrings(values, selection, withLengths: false, to: &buffer)
  }
}

/// Writes byte arrays as what they share with the one before, and the rest (Encodings.md,
/// DELTA_BYTE_ARRAY = 7).
enum DeltaByteArrayWriter {
  static func write(
    _ values: ColumnValues, _ selection: ValueSelection,
    lengths: inout ScratchArray<Int32>, suffixes: inout ScratchArray<ByteSlice>,
    to buffer: inout ByteBuffer
  ) {
    guard let slices = values.slices else { return }
    let count = selection.count
    let numbers = lengths.room(for: count)
    let rests = suffixes.room(for: count)
    var before = ByteSlice(offset: 0, length: 0)
    for index in 0..<count {
      let slice = slices[selection[index]]
      let shared = sharedPrefix(
        values.base + Int(before.offset), values.base + Int(slice.offset),
        limit: Int(min(before.length, slice.length)))
      numbers[index] = Int32(truncatingIfNeeded: shared)
      rests[index] = ByteSlice(
        offset: slice.offset &+ UInt32(shared), length: slice.length &- UInt32(shared))
      before = slice
    }
    DeltaBinaryPackedWriter.write(numbers, count: count, to: &buffer)
    var suffixValues = values
    suffixValues.slices = UnsafePointer(rests)
    DeltaLengthByteArrayWriter.write(
      suffixValues, ValueSelection(count: count), lengths: &lengths, to: &buffer)
  }

  /// How many bytes, at most `limit`, both start with.
  @inline(__always)
  private static func sharedPrefix(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, limit: Int
  ) -> Int {
    var length = 0
    while length &+ 8 <= limit {
      let difference =
        left.loadUnaligned(fromByteOffset: length, as: UInt64.self)
        ^ right.loadUnaligned(fromByteOffset: length, as: UInt64.self)
      if difference != 0 { return length &+ difference.trailingZeroBitCount / 8 }
      length &+= 8
    }
    while length < limit,
      left.load(fromByteOffset: length, as: UInt8.self)
        == right.load(fromByteOffset: length, as: UInt8.self)
    { length &+= 1 }
    return length
  }
}
