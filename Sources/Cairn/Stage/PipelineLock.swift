#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Keeps two processes out of one execution. The system drops the lock when its process ends, however
/// it ends, so no clock is involved.
struct PipelineLock {
  let path: String
  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Returns: Nil when somebody has it.
  static func take(_ path: String) throws -> PipelineLock? {
    while true {
      let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0o600)
      if descriptor < 0 { throw FileError("create", path) }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
        let code = errno
        close(descriptor)
        if code == EWOULDBLOCK { return nil }
        throw FileError("lock", path, code: code)
      }
      // Whoever tidied up may have deleted the file before it was locked.
      var own = stat()
      var present = stat()
      if fstat(descriptor, &own) == 0, stat(path, &present) == 0, own.st_ino == present.st_ino {
        return PipelineLock(path: path, descriptor: descriptor)
      }
      close(descriptor)
    }
  }

  /// Says who has the lock.
  func sign(_ owner: LeaseOwner) throws {
    let bytes = try JSONContent.encode(owner)
    guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
      throw FileError("write", path)
    }
    try bytes.withUnsafeBytes { try DurableFile.write($0, to: descriptor, path: path) }
  }

  /// Who signed a lock; nil when nobody did yet.
  static func signature(_ path: String) -> LeaseOwner? {
    guard let bytes = try? WholeFile.read(path, limit: 1 << 16) else { return nil }
    return try? JSONContent.decode(LeaseOwner.self, from: bytes)
  }

  /// Gives the lock back.
  func release() { close(descriptor) }
}
