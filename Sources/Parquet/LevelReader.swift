/// Reads repetition and definition levels (Encodings.md, "RLE" and "BIT_PACKED").
enum LevelReader {
  /// Splits the bytes of `count` levels off a page of version 1; none if all levels are 0.
  static func split(
    _ page: inout PageBytes, _ encoding: Encoding, count: Int, most: Int, _ what: String
  ) throws(ParquetError) -> PageBytes {
    guard most > 0 else { return try page.part(0, what) }
    switch encoding {
    case .rle:
      let length = try page.length("the length of \(what)")
      return try page.part(length, what)
    case .bitPacked:
      let width = BitPacking.width(of: UInt32(most))
      return try page.part((count * width + 7) / 8, what)
    default:
      throw ParquetError(
        .unsupported, expected: "\(what) in RLE or BIT_PACKED", found: "\(encoding)")
    }
  }

  /// Reads `count` levels, which all bytes of `levels` are for.
  ///
  /// - Parameter output: Has room for `count` and ``RunLengthBitPackedReader/slack`` more.
  static func read(
    _ levels: inout PageBytes, _ encoding: Encoding, count: Int, most: Int,
    to output: UnsafeMutablePointer<UInt32>
  ) throws(ParquetError) {
    let width = BitPacking.width(of: UInt32(most))
    if encoding == .bitPacked {
      try unpackHighestBitsFirst(&levels, count: count, width: width, to: output)
    } else {
      try RunLengthBitPackedReader.read(&levels, count: count, width: width, to: output)
    }
    try levels.requireEnd()
  }

  /// The legacy packing: the highest bit of a byte comes first, and of a level too.
  private static func unpackHighestBitsFirst(
    _ levels: inout PageBytes, count: Int, width: Int, to output: UnsafeMutablePointer<UInt32>
  ) throws(ParquetError) {
    let length = (count * width + 7) / 8
    try levels.require(length, "bit-packed levels")
    var bit = 0
    for index in 0..<count {
      var level: UInt32 = 0
      for _ in 0..<width {
        let byte = levels.start.load(fromByteOffset: bit &>> 3, as: UInt8.self)
        level = level &<< 1 | UInt32(byte &>> UInt8(7 &- bit & 7) & 1)
        bit &+= 1
      }
      output[index] = level
    }
    levels.position += length
  }
}
