#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Files that appear whole or not at all: written aside, synced, renamed, and the folder synced.
enum DurableFile {
  /// Creates a folder and its missing parents, for this user alone.
  static func createFolder(_ path: String) throws(FileError) {
    if isFolder(path) { return }
    let parent = FilePaths.parent(of: path)
    if parent != path, !parent.isEmpty { try createFolder(parent) }
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw FileError("create folder", path) }
    if !isFolder(path) { throw FileError("create folder", path, code: ENOTDIR) }
    if !parent.isEmpty { try syncFolder(parent) }
  }

  /// Creates a file for this user alone, empty, and returns its descriptor.
  static func create(_ path: String) throws(FileError) -> Int32 {
    let descriptor = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw FileError("create", path) }
    return descriptor
  }

  /// Creates a file to be written aside, for this user alone, under a name that no other file has or
  /// had: `prefix`, 16 random hexadecimal digits, `.tmp`. Not after the process's id: in every
  /// container that is 1.
  static func createAside(
    _ prefix: String, mode: mode_t = 0o600
  ) throws(FileError) -> (path: String, descriptor: Int32) {
    var random = SystemRandomNumberGenerator()
    return try createAside(prefix, mode: mode, random: &random)
  }

  static func createAside(
    _ prefix: String, mode: mode_t = 0o600, random: inout some RandomNumberGenerator
  ) throws(FileError) -> (path: String, descriptor: Int32) {
    while true {
      let digits = String(random.next() as UInt64, radix: 16)
      let path = prefix + String(repeating: "0", count: 16 - digits.count) + digits + ".tmp"
      let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode)
      if descriptor >= 0 { return (path, descriptor) }
      guard errno == EEXIST else { throw FileError("create", path) }
    }
  }

  /// Whether a name is one that ``createAside(_:mode:)`` gives to what is written aside.
  static func isAside(_ name: String, _ prefix: String) -> Bool {
    guard name.hasPrefix(prefix), name.hasSuffix(".tmp") else { return false }
    let digits = name.dropFirst(prefix.count).dropLast(4)
    return digits.utf8.count == 16 && digits.allSatisfy(\.isHexDigit)
  }

  /// Writes all of `bytes`.
  static func write(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
  ) throws(FileError) {
    var written = 0
    while written < bytes.count {
      let count = unsafeWrite(
        descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      if count < 0 {
        if errno == EINTR { continue }
        throw FileError("write", path)
      }
      written += count
    }
  }

  /// Makes what was written to a descriptor survive a power failure.
  static func sync(_ descriptor: Int32, path: String) throws(FileError) {
    #if canImport(Darwin)
      // fsync on Apple's systems leaves data in the drive's cache.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    if fsync(descriptor) != 0 { throw FileError("sync", path) }
  }

  /// Gives a file its final name. Call ``syncFolder(_:)`` afterwards.
  static func rename(_ path: String, to final: String) throws(FileError) {
    if unsafeRename(path, final) != 0 { throw FileError("rename", path) }
  }

  /// Makes created, renamed and deleted names in a folder survive a power failure.
  static func syncFolder(_ path: String) throws(FileError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileError("open folder", path) }
    defer { close(descriptor) }
    // Some file systems cannot sync folders and say so; their renames are ordered already.
    if fsync(descriptor) != 0, errno != EINVAL, errno != ENOTSUP {
      throw FileError("sync folder", path)
    }
  }

  /// Deletes a file; one that is not there is no error.
  static func delete(_ path: String) throws(FileError) {
    if unlink(path) != 0, errno != ENOENT { throw FileError("delete", path) }
  }

  /// Removes a folder if nothing is in it.
  static func removeEmptyFolder(_ path: String) { _ = rmdir(path) }

  /// Whether `path` is a folder.
  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// A file's size in bytes, or nil when there is no regular file.
  static func size(_ path: String) -> Int64? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int64(status.st_size)
  }

  /// When a file or folder was last changed: nanoseconds since 1970, 0 when there is none.
  static func modificationTime(_ path: String) -> Int64 {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    #if canImport(Darwin)
      let time = status.st_mtimespec
    #else
      let time = status.st_mtim
    #endif
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

private func unsafeWrite(
  _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int
) -> Int {
  write(descriptor, bytes, count)
}

private func unsafeRename(_ old: String, _ new: String) -> Int32 { rename(old, new) }

/// A file operation that the system refused.
public struct FileError: Error, Sendable, CustomStringConvertible {
  /// What was tried, for example `write`.
  public var operation: String
  /// The file or folder.
  public var path: String
  /// The system's error number.
  public var code: Int32

  init(_ operation: String, _ path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// Whether the disk, or the user's share of it, is full.
  public var isDiskFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

  /// What is wrong, in a sentence.
  public var description: String {
    "cannot \(operation) '\(path)': \(String(cString: strerror(code)))"
  }
}

/// Paths as text: parents, joins, absolute forms.
enum FilePaths {
  static func parent(of path: String) -> String {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  static func name(of path: String) -> String {
    String(path.split(separator: "/").last ?? "")
  }

  static func join(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    var buffer = [CChar](repeating: 0, count: 4096)
    let current = buffer.withUnsafeMutableBufferPointer { bytes in
      getcwd(bytes.baseAddress, bytes.count).map { String(cString: $0) }
    }
    return join(current ?? ".", path)
  }
}
