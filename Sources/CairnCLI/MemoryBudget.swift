import Cairn

#if canImport(Glibc)
  import CMalloc
#endif

/// How much memory a load may plan with: 512 MB, or half of the container's limit if that is less.
enum MemoryBudget {
  /// Keeps glibc's heaps small: no thread gets one of its own, so that what one frees another uses,
  /// and blocks of a megabyte or more go back to the system when they are freed. By itself glibc
  /// raises that bound to the largest block freed so far, and such blocks leave holes in the heap.
  static func boundHeaps() {
    #if canImport(Glibc)
      _ = mallopt(M_ARENA_MAX, 2)
      _ = mallopt(M_MMAP_THRESHOLD, 1 << 20)
    #endif
  }

  static func bytes() -> Int { min(512 << 20, MemoryLimit.ofContainer().map { $0 / 2 } ?? .max) }
}
