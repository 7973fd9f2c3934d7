/// An immutable, reference-counted block of bytes that many slices may share.
///
/// Byte strings of a column are slices of one block (see ``ByteStrings``), so that a value goes
/// from the source file, or from a decompressed page, to its destination without being copied.
public final class ByteStorage: @unchecked Sendable {
  // @unchecked: the bytes are written before `init` returns and never after, so every thread may
  // read them.

  /// The bytes. Valid as long as this object lives.
  public let bytes: UnsafeRawBufferPointer

  private let memory: UnsafeMutableRawBufferPointer
  private let release: (@Sendable (UnsafeMutableRawBufferPointer) -> Void)?

  /// Makes a block of `capacity` bytes and lets `fill` write it.
  ///
  /// - Parameters:
  ///   - capacity: The most bytes the block can hold.
  ///   - fill: Writes the bytes and returns how many of them, from the start, are in use.
  /// - Throws: What `fill` throws.
  public init<Failure: Error>(
    capacity: Int, filledBy fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
    do {
      let used = try fill(UnsafeMutableRawBufferPointer(rebasing: memory[..<capacity]))
      precondition(used >= 0 && used <= capacity, "fill reported more bytes than the block holds")
      bytes = UnsafeRawBufferPointer(rebasing: memory[..<used])
      self.memory = memory
      release = nil
    } catch {
      memory.deallocate()
      throw error
    }
  }

  /// Takes over memory that somebody else allocated.
  ///
  /// - Parameters:
  ///   - memory: Memory made by `UnsafeMutableRawBufferPointer.allocate`. Nobody may write to it
  ///     as long as this object lives.
  ///   - count: How many bytes of it, from the start, are in use.
  ///   - release: Takes the memory back when this object ends, to free or reuse it; nil frees it.
  public init(
    adopting memory: UnsafeMutableRawBufferPointer, count: Int,
    release: (@Sendable (UnsafeMutableRawBufferPointer) -> Void)? = nil
  ) {
    precondition(count >= 0 && count <= memory.count)
    bytes = UnsafeRawBufferPointer(rebasing: memory[..<count])
    self.memory = memory
    self.release = release
  }

  /// Copies `source` into a block of its own.
  public convenience init(copying source: some Collection<UInt8>) {
    self.init(capacity: source.count) { destination in
      destination.copyBytes(from: source)
      return source.count
    }
  }

  deinit {
    if let release { release(memory) } else { memory.deallocate() }
  }
}
