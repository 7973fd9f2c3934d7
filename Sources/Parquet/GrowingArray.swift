/// Elements that decoders append to through bare memory, which is that of an array from the start: to
/// hand them over copies nothing.
struct GrowingArray<Element: BitwiseCopyable>: ~Copyable {
  /// As many elements as there is room for; only the first ``count`` have been written.
  private var memory: [Element]
  /// The array's own memory, which nobody else refers to and which stays where it is until the array
  /// is replaced here.
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0

  init(capacity: Int = 0) {
    (memory, base) = Self.allocate(max(capacity, 16))
  }

  private static func allocate(_ capacity: Int) -> ([Element], UnsafeMutablePointer<Element>) {
    var base: UnsafeMutablePointer<Element>?
    // Any bits are a valid element, and none is read before it is written.
    let memory = [Element](unsafeUninitializedCapacity: capacity) { buffer, count in
      base = buffer.baseAddress
      if let base {
        LargeMemory.prepare(base, byteCount: capacity * MemoryLayout<Element>.stride)
      }
      count = capacity
    }
    return (memory, base.unsafelyUnwrapped)
  }

  /// Room for `extra` more elements. Write them, then call ``advance(_:)``.
  mutating func room(for extra: Int) -> UnsafeMutablePointer<Element> {
    if memory.count - count < extra {
      let (larger, start) = Self.allocate(max(memory.count * 2, count + extra))
      start.update(from: base, count: count)
      memory = larger
      base = start
    }
    return base + count
  }

  /// Counts `written` elements after the last as in use.
  mutating func advance(_ written: Int) { count += written }

  /// Hands the elements over, and is empty then.
  mutating func takeArray() -> [Element] {
    memory.removeLast(memory.count - count)
    let taken = memory
    (memory, base) = Self.allocate(16)
    count = 0
    return taken
  }
}
