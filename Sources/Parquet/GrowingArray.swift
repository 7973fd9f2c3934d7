/// Elements that decoders append to through bare memory.
struct GrowingArray<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 0) {
    self.capacity = max(capacity, 16)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// Room for `extra` more elements. Write them, then call ``advance(_:)``.
  mutating func room(for extra: Int) -> UnsafeMutablePointer<Element> {
    if capacity - count < extra {
      capacity = max(capacity * 2, count + extra)
      let memory = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
      memory.update(from: base, count: count)
      base.deallocate()
      base = memory
    }
    return base + count
  }

  /// Counts `written` elements after the last as in use.
  mutating func advance(_ written: Int) { count += written }

  /// A copy as an array.
  func array() -> [Element] {
    Array(UnsafeBufferPointer(start: base, count: count))
  }
}
