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

/// File systems over a network, where the shared memory of SQLite's write-ahead log does not work.
enum NetworkFileSystem {
  /// The kind of network file system that holds a file (or, before it exists, its folder), or nil
  /// when it is local as far as can be told.
  static func holding(path: String) -> String? {
    let absolute =
      path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    #if os(Linux)
      guard let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) else {
        return nil
      }
      return kind(ofType: fileSystemType(of: resolved(absolute), mountInfo: mounts))
    #elseif canImport(Darwin)
      var information = statfs()
      guard statfs(resolved(absolute), &information) == 0 else { return nil }
      guard information.f_flags & UInt32(MNT_LOCAL) == 0 else { return nil }
      return withUnsafeBytes(of: information.f_fstypename) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
    #else
      return nil
    #endif
  }

  /// The path without symbolic links; the folder's, while the file does not exist.
  private static func resolved(_ path: String) -> String {
    for candidate in [path, String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])] {
      guard let real = realpath(candidate, nil) else { continue }
      defer { free(real) }
      return String(cString: real)
    }
    return path
  }

  /// The type of the innermost mount that a path lies in, from the text of `/proc/self/mountinfo`
  /// (proc(5): the mount point is field 5, the type follows a lone hyphen).
  static func fileSystemType(of path: String, mountInfo: String) -> String? {
    var best: (length: Int, type: String)?
    for line in mountInfo.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 6, let hyphen = fields.firstIndex(of: "-"), hyphen + 1 < fields.count
      else { continue }
      let point = unescaped(fields[4])
      let isInside = point == "/" || path == point || path.hasPrefix(point + "/")
      // Of two mounts on one point the later hides the earlier.
      if isInside, point.utf8.count >= best?.length ?? 0 {
        best = (point.utf8.count, String(fields[hyphen + 1]))
      }
    }
    return best?.type
  }

  /// The type if it is one over a network.
  static func kind(ofType type: String?) -> String? {
    guard let type else { return nil }
    let known: Set = [
      "nfs", "nfs3", "nfs4", "cifs", "smb", "smbfs", "smb2", "smb3", "afs", "ncpfs", "ceph",
      "lustre", "gpfs", "glusterfs", "beegfs", "ocfs2", "gfs2", "9p", "coda", "davfs",
      "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.rclone", "fuse.glusterfs", "fuse.cephfs",
      "fuse.ceph", "fuse.davfs2", "fuse.blobfuse", "fuse.blobfuse2", "fuse.goofys",
      "fuse.mount-s3", "fuse.juicefs", "fuse.curlftpfs", "fuse.smbnetfs", "fuse.moosefs",
    ]
    return known.contains(type) ? type : nil
  }

  /// Undoes the octal escapes (`\040`) of a mount point.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = field.utf8[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
