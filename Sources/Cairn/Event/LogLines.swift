#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads whole lines of a file that others append to.
struct LogLines {
  let file: Descriptor
  /// Where the next read starts.
  private(set) var position: Int64 = 0
  /// The start of a line whose end is not written yet.
  private var unfinished: [UInt8] = []
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  /// A line longer than this is no event.
  private static let longest = 16 << 20

  init(_ file: Descriptor) { self.file = file }

  /// Opens a file; nil when there is none that can be read.
  init?(path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    self.init(Descriptor(descriptor))
  }

  /// What tells files apart, whatever they are called.
  var identity: [UInt64] {
    var status = stat()
    guard fstat(file.number, &status) == 0 else { return [] }
    return [
      UInt64(truncatingIfNeeded: status.st_dev), UInt64(truncatingIfNeeded: status.st_ino),
    ]
  }

  /// Goes to the end of the last whole line.
  mutating func skipToEnd() throws(FileError) { try read { _ in } }

  /// Reads all whole lines that are there and were not read yet; without their line ends.
  ///
  /// A writer may have cut off an unfinished line meanwhile: it is forgotten.
  mutating func read(
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) throws(FileError) {
    var status = stat()
    if fstat(file.number, &status) == 0, Int64(status.st_size) < position {
      position = min(position - Int64(unfinished.count), Int64(status.st_size))
      unfinished.removeAll()
    }
    while true {
      let count = pread(file.number, &buffer, buffer.count, off_t(position))
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError("read", "the log")
      }
      guard count > 0 else { return }
      position += Int64(count)
      buffer.withUnsafeBufferPointer { bytes in
        var start = 0
        while start < count {
          let rest = bytes.baseAddress.map { $0 + start }
          guard let rest, let found = memchr(rest, 0x0A, count - start) else { break }
          let length = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - rest
          let line = UnsafeBufferPointer(start: rest, count: length)
          if unfinished.isEmpty {
            body(line)
          } else {
            unfinished.append(contentsOf: line)
            unfinished.withUnsafeBufferPointer(body)
            unfinished.removeAll()
          }
          start += length + 1
        }
        if start < count, unfinished.count < Self.longest {
          unfinished.append(contentsOf: bytes[start..<count])
        }
      }
    }
  }
}
