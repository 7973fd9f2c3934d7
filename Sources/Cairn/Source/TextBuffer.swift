internal import Parquet
internal import Synchronization

/// Memory that source text is read into, and that then becomes the storage of parsed columns.
///
/// After the bytes in use there are always ``padding`` more that may be read (their values do not
/// matter), so that the kernel can load whole words at the end.
struct TextBuffer: ~Copyable, @unchecked Sendable {
  // @unchecked: the memory has one owner, this value, which cannot be copied; whoever receives the
  // value is the only one who can reach the memory.

  /// How many bytes after those in use may be read.
  static let padding = 64

  private(set) var memory: UnsafeMutableRawBufferPointer
  /// How many bytes, from the start, are in use.
  var count = 0

  /// Makes an empty buffer for `capacity` bytes.
  init(capacity: Int) {
    memory = .allocate(byteCount: capacity + TextBuffer.padding, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// How many bytes fit in.
  var capacity: Int { memory.count - TextBuffer.padding }

  /// The bytes that are not in use yet.
  var free: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: memory[count..<capacity])
  }

  /// The bytes in use.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }

  /// Makes room for at least `capacity` bytes in all, keeping those in use.
  mutating func reserve(_ capacity: Int) {
    guard capacity > self.capacity else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: capacity + TextBuffer.padding, alignment: 16)
    larger.copyMemory(from: bytes)
    memory.deallocate()
    memory = larger
  }

  /// Appends bytes.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    reserve(count + bytes.count)
    free.copyMemory(from: bytes)
    count += bytes.count
  }

  /// Takes over memory that ``intoStorage(releasing:)`` gave back.
  init(reusing memory: UnsafeMutableRawBufferPointer) {
    self.memory = memory
  }

  /// Gives the memory to a storage, which gives it to `release` at its end; the buffer is gone.
  consuming func intoStorage(
    releasing release: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void
  ) -> ByteStorage {
    let storage = ByteStorage(adopting: memory, count: count, release: release)
    discard self
    return storage
  }
}

/// A buffer on its way from the thread that cuts to the one that parses: taken out once.
final class TextBufferBox: Sendable {
  private let buffer: Mutex<TextBuffer?>

  init(_ buffer: consuming TextBuffer) {
    self.buffer = Mutex(buffer)
  }

  /// The buffer, or nil when it was taken before.
  func take() -> TextBuffer? {
    buffer.withLock { buffer in
      let taken = buffer.take()
      return taken
    }
  }
}
