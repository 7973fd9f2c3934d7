import Crypto

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A chunk file's checksum of itself.
///
/// Page CRCs leave the footer unprotected, and the manifest that holds the file's digest may be
/// lost. So the footer carries, under `cairn.checksum`, the SHA-256 of the whole file as it is with
/// zeros in the checksum's place: any flipped bit is found without anything but the file.
enum ChunkChecksum {
  static let key = "cairn.checksum"
  static let placeholder = String(repeating: "0", count: 64)

  /// Fills in the checksum of a finished file that has the placeholder.
  ///
  /// - Parameter pages: How many bytes stand before the footer, and their SHA-256, not finalized;
  ///   those of a file without rows, whose first bytes come with the footer, are read.
  /// - Returns: SHA-256 of the file as it is now, and its size.
  static func seal(
    _ descriptor: Int32, path: String, pages: (bytes: Int, digest: SHA256)
  ) throws -> (sha256: String, bytes: Int64) {
    let footer = try Footer(descriptor, path: path)
    var hasher = pages.digest
    try hash(descriptor, from: pages.bytes, upTo: footer.offset, path: path, into: &hasher)
    var blank = hasher
    blank.update(data: footer.bytes)
    let checksum = Array(Hexadecimal.text(of: blank.finalize()).utf8)
    let place = Int64(footer.offset + footer.checksumStart)
    let written = checksum.withUnsafeBytes {
      pwrite(descriptor, $0.baseAddress, $0.count, off_t(place))
    }
    guard written == checksum.count else { throw FileError("write", path) }
    var sealed = footer.bytes
    sealed.replaceSubrange(footer.checksumRange, with: checksum)
    hasher.update(data: sealed)
    return (Hexadecimal.text(of: hasher.finalize()), Int64(footer.offset + footer.bytes.count))
  }

  /// Checks a file against its own checksum.
  ///
  /// - Returns: SHA-256 of the file as it is.
  /// - Throws: ``ChunkFileError/damaged(path:detail:)``.
  @discardableResult
  static func verify(_ descriptor: Int32, path: String) throws -> String {
    let footer = try Footer(descriptor, path: path)
    var hasher = SHA256()
    try hash(descriptor, from: 0, upTo: footer.offset, path: path, into: &hasher)
    var plain = hasher
    plain.update(data: footer.bytes)
    let recorded = String(decoding: footer.bytes[footer.checksumRange], as: UTF8.self)
    var blanked = footer.bytes
    blanked.replaceSubrange(footer.checksumRange, with: Array(placeholder.utf8))
    hasher.update(data: blanked)
    let found = Hexadecimal.text(of: hasher.finalize())
    guard found == recorded else {
      throw ChunkFileError.damaged(
        path: path,
        detail: "its checksum is \(found.prefix(16))…, recorded as \(recorded.prefix(16))…")
    }
    return Hexadecimal.text(of: plain.finalize())
  }

  private static func hash(
    _ descriptor: Int32, from start: Int, upTo end: Int, path: String, into hasher: inout SHA256
  ) throws {
    guard start < end else { return }
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { block.deallocate() }
    var offset = start
    while offset < end {
      let wanted = UnsafeMutableRawBufferPointer(rebasing: block[..<min(block.count, end - offset)])
      try readExactly(descriptor, into: wanted, at: offset, path: path)
      hasher.update(bufferPointer: UnsafeRawBufferPointer(wanted))
      offset += wanted.count
    }
  }

  fileprivate static func readExactly(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, path: String
  ) throws {
    var done = 0
    while done < buffer.count {
      let count = pread(
        descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done,
        off_t(offset + done))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError("read", path)
      }
      if count == 0 { throw ChunkFileError.damaged(path: path, detail: "it ends early") }
      done += count
    }
  }

  /// The footer of a Parquet file, its length field and magic included.
  private struct Footer {
    let offset: Int
    let bytes: [UInt8]
    /// Where the checksum's digits start in `bytes`.
    let checksumStart: Int
    var checksumRange: Range<Int> { checksumStart..<checksumStart + 64 }

    init(_ descriptor: Int32, path: String) throws {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw FileError("inspect", path) }
      let size = Int(status.st_size)
      guard size >= 12 else { throw ChunkFileError.damaged(path: path, detail: "it is too short") }
      var tail = [UInt8](repeating: 0, count: 8)
      try tail.withUnsafeMutableBytes {
        try ChunkChecksum.readExactly(descriptor, into: $0, at: size - 8, path: path)
      }
      let length = tail[..<4].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
      guard tail[4...] == Array("PAR1".utf8)[...], length > 0, length <= size - 12 else {
        throw ChunkFileError.damaged(path: path, detail: "it is not a finished Parquet file")
      }
      var bytes = [UInt8](repeating: 0, count: length + 8)
      try bytes.withUnsafeMutableBytes {
        try ChunkChecksum.readExactly(descriptor, into: $0, at: size - 8 - length, path: path)
      }
      // In Thrift's compact protocol the value follows its key as field 2 (0x18), 64 bytes long.
      let mark = Array(ChunkChecksum.key.utf8) + [0x18, 64]
      guard let found = bytes.lastRange(of: mark), found.upperBound + 64 <= bytes.count else {
        throw ChunkFileError.damaged(path: path, detail: "its footer has no checksum")
      }
      offset = size - 8 - length
      self.bytes = bytes
      checksumStart = found.upperBound
    }
  }
}

extension [UInt8] {
  /// The last place where `other` stands in these bytes.
  fileprivate func lastRange(of other: [UInt8]) -> Range<Int>? {
    guard !other.isEmpty, other.count <= count else { return nil }
    for start in stride(from: count - other.count, through: 0, by: -1)
    where self[start] == other[0] && self[start..<start + other.count].elementsEqual(other) {
      return start..<start + other.count
    }
    return nil
  }
}

/// Why a chunk file cannot be used.
public enum ChunkFileError: Error, Sendable, CustomStringConvertible {
  /// It is truncated or a bit of it is flipped.
  case damaged(path: String, detail: String)
  /// It belongs to another run or source.
  case foreign(path: String, detail: String)
  /// A column of the source has a name that chunk files use for themselves.
  case reservedName(String)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .damaged(let path, let detail): "chunk file '\(path)' is damaged: \(detail)"
    case .foreign(let path, let detail): "chunk file '\(path)' is not this run's: \(detail)"
    case .reservedName(let name):
      "column '\(name)': names that start with \(ChunkSchema.reservedPrefix) are reserved;"
        + " rename it in the source's header"
    }
  }
}
