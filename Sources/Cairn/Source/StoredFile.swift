#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An open regular file, read in blocks at offsets of its own.
///
/// Not mapped: pages of a mapped file count as the process's memory.
final class StoredFile: ByteStream {
  let path: String
  let descriptor: Int32
  private var offset: UInt64 = 0

  var storedOffset: UInt64? { offset }

  /// Opens a regular file for reading.
  ///
  /// - Throws: ``SourceError`` when it is missing, not readable or not a regular file.
  init(path: String) throws(SourceError) {
    self.path = path
    // Not blocking, so that a named pipe without a writer is told apart instead of waited for.
    var descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    while descriptor < 0, errno == EINTR {
      descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    }
    guard descriptor >= 0 else { throw Self.error(errno, path: path) }
    self.descriptor = descriptor
    let status = try self.status()
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw .folder(path: path)
    default: throw .notAFile(path: path)
    }
    #if !canImport(Darwin)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    #endif
  }

  deinit { close(descriptor) }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let got = try read(into: destination, at: offset)
    offset += UInt64(got)
    return got
  }

  /// Reads at an offset; returns 0 at or after the end.
  func read(
    into destination: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws(SourceError) -> Int {
    while true {
      let got = pread(descriptor, destination.baseAddress, destination.count, off_t(offset))
      if got >= 0 { return got }
      if errno != EINTR { throw Self.error(errno, path: path) }
    }
  }

  func skip(_ count: UInt64) throws(SourceError) -> UInt64 {
    let size = UInt64(max(try status().st_size, 0))
    let passed = min(count, size > offset ? size - offset : 0)
    offset += passed
    return passed
  }

  /// What the file system says of the open file.
  func status() throws(SourceError) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw Self.error(errno, path: path) }
    return status
  }

  /// The error that an error number of the operating system stands for.
  static func error(_ number: Int32, path: String) -> SourceError {
    switch number {
    case ENOENT, ENOTDIR: .missing(path: path)
    case EACCES, EPERM: .noPermission(path: path)
    case EISDIR: .folder(path: path)
    case ENXIO: .notAFile(path: path)
    default: .unreadable(path: path, detail: String(cString: strerror(number)))
    }
  }
}

/// An open descriptor that can only be read on: a pipe, a terminal, standard input.
final class PipeStream: ByteStream {
  private let name: String
  private let descriptor: Int32

  init(name: String, descriptor: Int32) {
    self.name = name
    self.descriptor = descriptor
  }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    while true {
      #if canImport(Darwin)
        let got = Darwin.read(descriptor, destination.baseAddress, destination.count)
      #elseif canImport(Glibc)
        let got = Glibc.read(descriptor, destination.baseAddress, destination.count)
      #elseif canImport(Musl)
        let got = Musl.read(descriptor, destination.baseAddress, destination.count)
      #endif
      if got >= 0 { return got }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&waiting, 1, -1)
      default: throw StoredFile.error(errno, path: name)
      }
    }
  }
}
