#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Writes a file that appears under its path when it is complete, in place of one that was there.
///
/// Until then its bytes are in a file beside it, whose name begins with a dot and ends in `.partial`; it
/// is removed when the output ends without being flushed. Nothing is synchronized with the disk.
public final class FileOutput: ByteOutput {
  private let path: String
  private let partialPath: String
  private var descriptor: Int32
  private let output: FileDescriptorOutput

  /// Creates the file beside `path`, which nobody but its owner may write and others may read as the
  /// process's mask allows.
  ///
  /// - Throws: ``ParquetError`` of kind `inputOutput` when the system refuses.
  public init(path: String) throws {
    self.path = path
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { path[...$0] } ?? ""
    let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    let tag = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    partialPath = "\(folder).\(name).\(tag).partial"
    descriptor = open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw ParquetError(
        .inputOutput, expected: "to create \(partialPath)", found: String(cString: strerror(errno)))
    }
    output = FileDescriptorOutput(descriptor: descriptor)
  }

  deinit {
    if descriptor >= 0 {
      close(descriptor)
      unlink(partialPath)
    }
  }

  /// Takes the next bytes of the file.
  ///
  /// - Throws: ``ParquetError`` of kind `inputOutput` when the system refuses to write.
  public func append(_ bytes: UnsafeRawBufferPointer) throws {
    guard descriptor >= 0 else {
      throw ParquetError(.misuse, expected: "an open file", found: "one that is complete")
    }
    try output.append(bytes)
  }

  /// Writes what is held back and gives the file its name.
  ///
  /// - Throws: ``ParquetError`` of kind `inputOutput` when the system refuses.
  public func flush() throws {
    guard descriptor >= 0 else { return }
    try output.flush()
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0, rename(partialPath, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(partialPath)
      throw ParquetError(.inputOutput, expected: "to complete \(path)", found: reason)
    }
  }
}
