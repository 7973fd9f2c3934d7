/// Compares a stream with the digests that its stretches had earlier.
enum ExtentComparison {
  /// The position in `recorded` of the first extent whose bytes differ, or nil when all agree.
  ///
  /// - Parameters:
  ///   - stream: The source's decompressed bytes.
  ///   - offset: Where `stream` stands.
  ///   - recorded: Extents in ascending order, with their digests.
  static func firstDifference(
    of stream: any ByteStream, at offset: UInt64, from recorded: [RecordedExtent]
  ) throws(SourceError) -> Int? {
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { block.deallocate() }
    var offset = offset
    for (index, record) in recorded.enumerated() {
      let start = record.extent.start.offset
      let end = record.extent.end.offset
      guard start >= offset, end >= start else { return index }
      offset += try stream.skip(start - offset)
      guard offset == start else { return index }
      var digest = ContentDigest()
      while offset < end {
        let want = Int(min(UInt64(block.count), end - offset))
        let got = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: block[..<want]))
        if got == 0 { return index }
        digest.update(UnsafeRawBufferPointer(rebasing: block[..<got]))
        offset += UInt64(got)
      }
      if digest.hexadecimal != record.contentDigest { return index }
    }
    return nil
  }
}
