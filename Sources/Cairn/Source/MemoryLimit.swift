#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The memory that a container may use.
public enum MemoryLimit {
  /// The memory limit, in bytes, that control groups (version 2 or 1) of Linux put on this process;
  /// nil when there is none.
  ///
  /// - Parameter root: The folder at which the file system starts; another one in tests.
  public static func ofContainer(root: String = "/") -> Int? {
    let root = root.hasSuffix("/") ? root : root + "/"
    // Each line is `hierarchy:controllers:path`; of version 2 `0::path`.
    let groups = (text(root + "proc/self/cgroup") ?? "").split(separator: "\n")
    var limits: [Int] = []
    for group in groups {
      let parts = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isVersion2 = parts[0] == "0" && parts[1].isEmpty
      guard isVersion2 || parts[1].split(separator: ",").contains("memory") else { continue }
      let folder = root + (isVersion2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory")
      let file = isVersion2 ? "memory.max" : "memory.limit_in_bytes"
      // A limit holds for all groups below; in a container the path may not be visible as such.
      var path = parts[2].split(separator: "/")
      while true {
        let name = ([folder] + path.map(String.init) + [file]).joined(separator: "/")
        if let content = text(name), let limit = limit(content) { limits.append(limit) }
        if path.isEmpty { break }
        path.removeLast()
      }
    }
    return limits.min()
  }

  /// The limit that a control file holds; nil for `max` and for the huge number that means none in
  /// version 1.
  private static func limit(_ content: String) -> Int? {
    let digits = content.prefix { $0.isNumber }
    guard let limit = Int(digits), limit > 0, limit < 1 << 50 else { return nil }
    return limit
  }

  /// The content of a small file, or nil when it cannot be read.
  private static func text(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
