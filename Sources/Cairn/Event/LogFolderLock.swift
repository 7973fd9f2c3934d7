#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps the writers of one log folder, of this process and of others, from writing and rotating at
/// the same time.
///
/// The system drops the lock when a process ends, however it ends. A process that is stopped while it
/// holds the lock must not stop the others' logs: after a while they write without it, and leave
/// rotation to later.
final class LogFolderLock {
  static let fileName = ".lock"
  /// How long to wait for the lock.
  static let patience = 500
  private let path: String
  private var file: Descriptor?
  /// Whether waiting was in vain the last time.
  private var isGivenUp = false

  init(folder: String) { path = FilePaths.join(folder, Self.fileName) }

  /// Takes the lock.
  ///
  /// - Returns: Whether it is held; false also where the folder cannot be written to.
  func acquire() -> Bool {
    // Who is stopped now is most likely stopped still.
    for attempt in 0..<(isGivenUp ? 1 : Self.patience) {
      guard let descriptor = openedFile() else { return false }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
        var status = stat()
        // Somebody may have deleted the folder and made it again: then this lock keeps nobody out.
        if fstat(descriptor, &status) == 0, status.st_nlink > 0 {
          isGivenUp = false
          return true
        }
        file = nil
        continue
      }
      guard errno == EWOULDBLOCK || errno == EINTR else { return false }
      // A batch takes microseconds to write: soon, then ever less often.
      if !isGivenUp { usleep(attempt < 20 ? 100 : 2_000) }
    }
    isGivenUp = true
    return false
  }

  func release() {
    if let file { flock(file.number, LOCK_UN) }
  }

  private func openedFile() -> Int32? {
    if let file { return file.number }
    var descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    if descriptor < 0, errno == ENOENT {
      try? DurableFile.createFolder(FilePaths.parent(of: path))
      descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    }
    guard descriptor >= 0 else { return nil }
    file = Descriptor(descriptor)
    return descriptor
  }
}

/// An open file that is closed with its last reference.
final class Descriptor: Sendable {
  let number: Int32

  init(_ number: Int32) { self.number = number }

  deinit { close(number) }
}
