#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The process that holds a database's write lock.
enum WriteLockHolder {
  /// Names the process, as `process 4711 (sqlite3)`, or nil when the system does not tell.
  ///
  /// The writer of a write-ahead log holds a record lock on byte 120 of the `-shm` file (the SQLite
  /// documentation, "WAL-mode File Format", section 2.3). Linux lists such locks; asking for one
  /// with `fcntl` instead would drop this process's own locks when the file is closed again.
  static func find(path: String) -> String? {
    #if os(Linux)
      var file = stat()
      guard stat(path + "-shm", &file) == 0,
        let pid = (0..<5).lazy.compactMap({ _ in
          holder(ofByte: 120, inode: UInt64(file.st_ino), locks: lockList())
        }).first
      else { return nil }
      let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
      return "process \(pid)" + (name.map { " (\($0.prefix { $0 != "\n" }))" } ?? "")
    #else
      return nil
    #endif
  }

  /// The locks of the system, as they are listed. The list is put together while it is read, so that
  /// a busy system may leave lines out: ask again before believing that there is no lock.
  private static func lockList() -> String {
    guard let file = fopen("/proc/locks", "r") else { return "" }
    defer { fclose(file) }
    var list: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = fread(&block, 1, block.count, file)
      if count == 0 { return String(decoding: list, as: UTF8.self) }
      list += block[..<count]
    }
  }

  /// The pid that holds a write lock on a byte of a file, from the text of `/proc/locks`: lines like
  /// `1: POSIX  ADVISORY  WRITE 4711 08:01:1234 120 120`.
  static func holder(ofByte byte: UInt64, inode: UInt64, locks: String) -> Int32? {
    for line in locks.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 8, fields[1] == "POSIX", fields[3] == "WRITE",
        let pid = Int32(fields[4]),
        fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == inode,
        let start = UInt64(fields[6]), start <= byte
      else { continue }
      let end = UInt64(fields[7]) ?? .max
      if byte <= end { return pid }
    }
    return nil
  }
}
