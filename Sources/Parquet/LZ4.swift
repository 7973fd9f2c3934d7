internal import CLZ4

/// Decompresses LZ4 blocks, and the framing that Hadoop and old Parquet writers put around them.
enum LZ4 {
  /// Decompresses one block.
  ///
  /// - Returns: How many bytes it became; nil if it is damaged or has more than `output` holds.
  static func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int? {
    guard let inputCount = Int32(exactly: input.count), let room = Int32(exactly: output.count)
    else { return nil }
    let length = LZ4_decompress_safe(
      input.baseAddress?.assumingMemoryBound(to: CChar.self),
      output.baseAddress?.assumingMemoryBound(to: CChar.self), inputCount, room)
    return length < 0 ? nil : Int(length)
  }

  /// Decompresses a page of the codec LZ4 (Compression.md), which old writers understood in two
  /// ways: in Hadoop's framing, or as one bare block. What is no valid framing is taken for a block.
  ///
  /// - Returns: Whether it became exactly the bytes of `output`.
  static func decompressHadoop(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Bool {
    decompressFrames(input, into: output) || decompress(input, into: output) == output.count
  }

  /// Frames, each of its decompressed length and then blocks behind their compressed lengths until
  /// there is as much; lengths are of four bytes, the highest first.
  private static func decompressFrames(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var read = 0
    var written = 0
    func length() -> Int? {
      guard input.count - read >= 4 else { return nil }
      defer { read += 4 }
      return Int(UInt32(bigEndian: input.loadUnaligned(fromByteOffset: read, as: UInt32.self)))
    }
    while read < input.count {
      guard let frame = length(), frame <= output.count - written else { return false }
      let end = written + frame
      repeat {
        guard let block = length(), block > 0, block <= input.count - read,
          let count = decompress(
            UnsafeRawBufferPointer(rebasing: input[read..<read + block]),
            into: UnsafeMutableRawBufferPointer(rebasing: output[written..<end]))
        else { return false }
        read += block
        written += count
      } while written < end
    }
    return written == output.count
  }
}
