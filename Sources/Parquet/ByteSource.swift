#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A file's bytes, read by ranges.
enum ByteSource: Sendable {
  case memory(ByteStorage)
  case file(OpenFile)
  case fetched(FetchedRanges)

  /// How many bytes there are.
  var count: Int {
    switch self {
    case .memory(let storage): storage.bytes.count
    case .file(let file): file.count
    case .fetched(let ranges): ranges.fileByteCount
    }
  }

  /// Copies bytes from `offset` on to all of `target`, which must lie within the file.
  func read(
    at offset: Int, into target: UnsafeMutableRawBufferPointer
  ) throws(ParquetError) {
    guard offset >= 0, target.count <= count, offset <= count - target.count else {
      throw ParquetError(
        .malformed, expected: "bytes within the file's \(count)",
        found: "\(target.count) bytes from \(offset) on", offset: offset)
    }
    switch self {
    case .memory(let storage):
      withExtendedLifetime(storage) {
        target.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: storage.bytes[offset..<offset + target.count]))
      }
    case .file(let file): try file.read(at: offset, into: target)
    case .fetched(let ranges): try ranges.read(at: offset, into: target)
    }
  }
}

/// An open file, closed when the last reader lets go of it. `pread` has no position to share, so
/// any thread may read.
final class OpenFile: Sendable {
  private let descriptor: Int32
  /// Size in bytes, when it was opened.
  let count: Int

  init(path: String) throws(ParquetError) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ParquetError(
        .inputOutput, expected: "to open \(path)", found: String(cString: strerror(errno)))
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw ParquetError(.inputOutput, expected: "the size of \(path)", found: reason)
    }
    count = Int(status.st_size)
  }

  deinit { close(descriptor) }

  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(ParquetError) {
    var done = 0
    while done < target.count {
      let length = pread(
        descriptor, target.baseAddress.map { $0 + done }, target.count - done, off_t(offset + done))
      if length < 0 {
        if errno == EINTR { continue }
        throw ParquetError(
          .inputOutput, expected: "to read \(target.count) bytes",
          found: String(cString: strerror(errno)), offset: offset)
      }
      if length == 0 {
        throw ParquetError(
          .inputOutput, expected: "\(target.count) bytes", found: "only \(done): the file shrank",
          offset: offset)
      }
      done += length
    }
  }
}
