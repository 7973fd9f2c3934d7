import Cairn

#if canImport(Glibc)
  import CMalloc
#endif

/// How much memory a load may plan with: 512 MB, or half of the container's limit if that is less.
enum MemoryBudget {
  /// Keeps glibc from giving each thread a heap of its own: what one thread frees, another uses.
  static func shareHeaps() {
    #if canImport(Glibc)
      _ = mallopt(M_ARENA_MAX, 2)
    #endif
  }

  static func bytes() -> Int { min(512 << 20, MemoryLimit.ofContainer().map { $0 / 2 } ?? .max) }
}
