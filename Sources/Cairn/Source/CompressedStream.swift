/// The decompressed bytes of a source.
enum CompressedStream {
  /// How many first bytes are looked at to tell the compression.
  static let magicLength = 6

  /// Tells the compression by a source's first bytes.
  ///
  /// - Throws: ``SourceError/unsupportedCompression(path:format:)``.
  static func compression(
    ofBytes head: some Collection<UInt8>, path: String
  ) throws(SourceError) -> SourceCompression {
    let head = Array(head.prefix(magicLength))
    if head.starts(with: [0x1F, 0x8B]) { return .gzip }
    if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
    // A skippable frame of Zstandard (RFC 8878, 3.1.2).
    if head.count >= 4, head[0] & 0xF0 == 0x50, head[1...3] == [0x2A, 0x4D, 0x18] { return .zstd }
    let unsupported: [(magic: [UInt8], format: String)] = [
      ([0x42, 0x5A, 0x68], "bzip2"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz"),
      ([0x50, 0x4B, 0x03, 0x04], "zip"),
      ([0x50, 0x4B, 0x05, 0x06], "zip"),
      ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7-Zip"),
      ([0x1F, 0x9D], "compress (.Z)"),
      ([0x04, 0x22, 0x4D, 0x18], "LZ4"),
    ]
    for (magic, format) in unsupported where head.starts(with: magic) {
      // `BZh` could start a header; a bzip2 file goes on with its level.
      if format == "bzip2", head.count > 3, !(0x31...0x39).contains(head[3]) { continue }
      throw .unsupportedCompression(path: path, format: format)
    }
    return .none
  }

  /// The decompressed bytes of `stored`.
  static func decompressing(
    _ stored: any ByteStream, _ compression: SourceCompression, path: String
  ) throws(SourceError) -> any ByteStream {
    switch compression {
    case .none: stored
    case .gzip: GzipStream(stored, path: path)
    case .zstd: try ZstdStream(stored, path: path)
    }
  }
}
