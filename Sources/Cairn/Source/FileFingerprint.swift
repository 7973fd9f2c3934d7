#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What tells whether a file is still, or again, the same: cheap to find out.
struct FileFingerprint: Sendable, Hashable {
  /// How much of either end is looked at, in bytes.
  static let endBytes = 64 << 10

  /// Size in bytes.
  let size: Int64
  /// Modification time in nanoseconds since 1970.
  let modifiedAt: Int64
  /// The file's number in its file system, and the file system's.
  let inode: UInt64
  let device: UInt64
  /// SHA-256 of the first and the last 64 KiB, in lower-case hexadecimal.
  let endsDigest: String

  /// Looks at an open file.
  init(of file: StoredFile) throws(SourceError) {
    let status = try file.status()
    size = Int64(status.st_size)
    inode = UInt64(status.st_ino)
    device = UInt64(truncatingIfNeeded: status.st_dev)
    #if canImport(Darwin)
      let modified = status.st_mtimespec
    #else
      let modified = status.st_mtim
    #endif
    modifiedAt = Int64(modified.tv_sec) * 1_000_000_000 + Int64(modified.tv_nsec)

    var digest = ContentDigest()
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.endBytes, alignment: 16)
    defer { block.deallocate() }
    for start in [0, max(0, size - Int64(Self.endBytes))] {
      var filled = 0
      while filled < block.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: block[filled...])
        let got = try file.read(into: rest, at: UInt64(start) + UInt64(filled))
        if got == 0 { break }
        filled += got
      }
      digest.update(UnsafeRawBufferPointer(rebasing: block[..<filled]))
    }
    endsDigest = digest.hexadecimal
  }

  /// The fingerprint of the content alone: size, and digest of both ends.
  var content: String { "\(size)-\(endsDigest.prefix(32))" }

  /// What differs from an earlier look at the file, for a message; nil if nothing does.
  func difference(from earlier: FileFingerprint) -> String? {
    if size > earlier.size { return "it grew from \(earlier.size) to \(size) bytes" }
    if size < earlier.size { return "it shrank from \(earlier.size) to \(size) bytes" }
    if inode != earlier.inode || device != earlier.device { return "another file took its place" }
    if endsDigest != earlier.endsDigest { return "its content is another" }
    if modifiedAt != earlier.modifiedAt { return "it was written to" }
    return nil
  }
}
