/// Reads the run-length/bit-packed hybrid (Encodings.md, RLE = 3).
enum RunLengthBitPackedReader {
  /// Elements beyond `count` that reading may overwrite.
  static let slack = 8

  /// Reads `count` values of `width` (at most 32) bits.
  ///
  /// - Parameter output: Has room for `count` and ``slack`` more.
  static func read(
    _ page: inout PageBytes, count: Int, width: Int, to output: UnsafeMutablePointer<UInt32>
  ) throws(ParquetError) {
    if width == 0 {
      output.update(repeating: 0, count: count)
      try skipRunsOfZero(&page, count: count)
      return
    }
    let valueByteCount = (width + 7) / 8
    var done = 0
    while done < count {
      let header = try page.varint("a run's length")
      if header & 1 == 0 {
        try page.require(valueByteCount, "a run's value")
        // Widths end at a byte here, so that the word may hold bytes of what follows.
        let word = page.start.loadUnaligned(as: UInt32.self)
        let value = valueByteCount == 4 ? word : word & (1 << UInt32(valueByteCount * 8) - 1)
        page.position += valueByteCount
        let length = Int(min(header >> 1, UInt64(count - done)))
        (output + done).update(repeating: value, count: length)
        done += length
      } else {
        let groups = min(header >> 1, UInt64(count))
        let length = min(Int(groups) * 8, count - done)
        // The last group may be cut off after the last value.
        let needed = (length * width + 7) / 8
        try page.require(needed, "bit-packed values")
        BitPacking.unpack(page.start, count: length, width: width, to: output + done)
        let stated = (header >> 1).multipliedReportingOverflow(by: UInt64(width))
        page.position +=
          stated.overflow ? page.count : Int(min(stated.partialValue, UInt64(page.count)))
        done += length
      }
    }
  }

  /// Reads past runs of the only value that has no bits. Some writers leave them out.
  private static func skipRunsOfZero(
    _ page: inout PageBytes, count: Int
  ) throws(ParquetError) {
    var rest = UInt64(count)
    while rest > 0, page.count > 0 {
      let header = try page.varint("a run's length")
      let length = header & 1 == 0 ? header >> 1 : min(header >> 1, rest) * 8
      rest -= min(rest, length)
    }
  }

  /// Whether the next run says that the next `count` values are all `value`; reads it if so.
  static func readRun(
    _ page: inout PageBytes, of value: UInt32, count: Int, width: Int
  ) throws(ParquetError) -> Bool {
    guard width > 0, width <= 8, count > 0 else { return false }
    var ahead = page
    let header = try ahead.varint("a run's length")
    guard header & 1 == 0, header >> 1 >= UInt64(count) else { return false }
    guard UInt32(try ahead.byte("a run's value")) == value else { return false }
    page = ahead
    return true
  }
}
