#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps two conversions out of one folder, where no sink's lease does.
///
/// The system drops the lock when the process ends, however it ends.
struct FolderLock {
  static let fileName = ".lock"

  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Throws: ``ConvertError/folderBusy(_:)`` when another process has it.
  init(_ folder: String) throws {
    let path = FilePaths.join(folder, Self.fileName)
    descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw FileError("create", path) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      close(descriptor)
      if code == EWOULDBLOCK { throw ConvertError.folderBusy(folder) }
      throw FileError("lock", path, code: code)
    }
  }

  /// Gives the lock back.
  func release() { close(descriptor) }
}
