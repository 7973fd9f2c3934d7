#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension LeaseOwner {
  /// This process: host name, pid, and when it started.
  public static func current() -> LeaseOwner {
    let pid = getpid()
    return LeaseOwner(
      host: currentHost(), pid: pid,
      processStart: ProcessStart.current(pid: pid)?.description ?? "unknown")
  }

  /// Whether the process still runs, as far as this host can tell.
  ///
  /// False only when it is certain that the process is gone: it ran on this host, in this process
  /// namespace, and no process with its pid and start time is there any more (one that has died but
  /// was not waited for is gone). A stopped process is alive. True for other hosts.
  public var isAliveOnThisHost: Bool {
    guard host == Self.currentHost(), let recorded = ProcessStart(processStart) else { return true }
    guard let present = ProcessStart.current(pid: getpid()) else { return true }
    if recorded.boot != present.boot { return false }
    // In another container the same pid is somebody else: nothing is certain.
    guard recorded.namespace == present.namespace else { return true }
    guard let found = ProcessStart.current(pid: pid) else { return false }
    return found == recorded
  }

  private static func currentHost() -> String {
    var name = [CChar](repeating: 0, count: 256)
    let status = gethostname(&name, name.count - 1)
    guard status == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

/// When a process started: `boot/namespace/ticks`. Two processes that had the same pid differ in it.
struct ProcessStart: Hashable, CustomStringConvertible {
  /// The boot of the host that `ticks` counts from.
  var boot: String
  /// The process namespace that the pid belongs to.
  var namespace: String
  /// The start time, in the host's own unit.
  var ticks: String

  var description: String { "\(boot)/\(namespace)/\(ticks)" }

  init(boot: String, namespace: String, ticks: String) {
    self.boot = boot
    self.namespace = namespace
    self.ticks = ticks
  }

  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3 else { return nil }
    self.init(boot: parts[0], namespace: parts[1], ticks: parts[2])
  }

  /// The start of a running process, or nil when there is no such process.
  static func current(pid: Int32) -> ProcessStart? {
    #if os(Linux)
      guard let stat = readSmallFile("/proc/\(pid)/stat"),
        // The second field is the program's name in parentheses, which may contain anything.
        let nameEnd = stat.lastIndex(of: UInt8(ascii: ")"))
      else { return nil }
      let fields = stat[(nameEnd + 1)...].split(separator: UInt8(ascii: " "))
      // Field 3 is the state, field 22 the start time in clock ticks since boot (proc(5)).
      guard fields.count > 19, fields[0].first != UInt8(ascii: "Z"),
        fields[0].first != UInt8(ascii: "X")
      else { return nil }
      let boot = readSmallFile("/proc/sys/kernel/random/boot_id") ?? []
      var link = [CChar](repeating: 0, count: 128)
      let length = readlink("/proc/self/ns/pid", &link, link.count)
      return ProcessStart(
        boot: String(decoding: boot.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self),
        namespace: String(
          decoding: link.prefix(max(length, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self),
        ticks: String(decoding: fields[19], as: UTF8.self))
    #elseif canImport(Darwin)
      var request: [Int32] = [CTL_KERN, KERN_PROC, KERN_PROC_PID, pid]
      var info = kinfo_proc()
      var size = MemoryLayout<kinfo_proc>.stride
      guard sysctl(&request, UInt32(request.count), &info, &size, nil, 0) == 0, size > 0,
        info.kp_proc.p_pid == pid, info.kp_proc.p_stat != SZOMB
      else { return nil }
      let start = info.kp_proc.p_starttime
      // The start is wall-clock time, so the boot does not matter.
      return ProcessStart(boot: "", namespace: "", ticks: "\(start.tv_sec).\(start.tv_usec)")
    #else
      return nil
    #endif
  }

  #if os(Linux)
    private static func readSmallFile(_ path: String) -> [UInt8]? {
      let file = open(path, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { return nil }
      defer { close(file) }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
      guard count > 0 else { return nil }
      return Array(buffer.prefix(count))
    }
  #endif
}
