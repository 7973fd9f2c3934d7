#if os(Linux)
  #if canImport(Glibc)
    internal import Glibc
  #elseif canImport(Musl)
    internal import Musl
  #endif
#endif

/// Memory of many pages that is about to be written once from start to end.
enum LargeMemory {
  /// From how many bytes on large pages are asked for.
  private static let leastByteCount = 4 << 20

  /// Lets the system back memory with large pages: to fault in small ones takes longer than to write
  /// numbers to them. Where the system has none, nothing happens.
  @inline(__always)
  static func prepare(_ start: UnsafeMutableRawPointer, byteCount: Int) {
    #if os(Linux)
      if byteCount >= leastByteCount { advise(start, byteCount) }
    #endif
  }

  #if os(Linux)
    @inline(never)
    private static func advise(_ start: UnsafeMutableRawPointer, _ byteCount: Int) {
      let page = 4096
      let first = (UInt(bitPattern: start) + UInt(page) - 1) & ~UInt(page - 1)
      let end = (UInt(bitPattern: start) + UInt(byteCount)) & ~UInt(page - 1)
      guard end > first, let place = UnsafeMutableRawPointer(bitPattern: first) else { return }
      _ = madvise(place, Int(end - first), Int32(MADV_HUGEPAGE))
    }
  #endif
}
