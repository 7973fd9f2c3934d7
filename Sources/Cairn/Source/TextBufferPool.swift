internal import Synchronization

/// Buffers of chunks that are done with, so that further chunks need no fresh memory, whose pages
/// the system would have to clear each time.
final class TextBufferPool: Sendable {
  /// Memory that nobody uses.
  private struct Idle: @unchecked Sendable {
    // @unchecked: reachable only through the pool's mutex, and taken out before it is used.
    var memory: UnsafeMutableRawBufferPointer
  }

  private let capacity: Int
  private let limit: Int
  private let idle = Mutex<[Idle]>([])

  /// Makes a pool of buffers for `capacity` bytes, of which at most `limit` are kept.
  init(capacity: Int, limit: Int = 4) {
    self.capacity = capacity
    self.limit = limit
  }

  deinit {
    idle.withLock { idle in
      for buffer in idle { buffer.memory.deallocate() }
    }
  }

  /// A buffer with nothing in it.
  func take() -> TextBuffer {
    if let reused = idle.withLock({ $0.popLast() }) { return TextBuffer(reusing: reused.memory) }
    return TextBuffer(capacity: capacity)
  }

  /// Keeps memory for a further buffer, or frees it when there is enough or it is of another size.
  func give(_ memory: UnsafeMutableRawBufferPointer) {
    let returned = Idle(memory: memory)
    let isKept = idle.withLock { idle in
      guard idle.count < limit, returned.memory.count == capacity + TextBuffer.padding else {
        return false
      }
      idle.append(returned)
      return true
    }
    if !isKept { memory.deallocate() }
  }
}
