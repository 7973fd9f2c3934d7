#if _endian(big)
  #error("Parquet is little-endian, and this library copies values without swapping bytes")
#endif

/// A growing block of bytes that an encoder writes to and reuses for the next page.
struct ByteBuffer: ~Copyable {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  /// How many bytes, from the start, are in use.
  private(set) var count = 0

  init(capacity: Int = 4096) {
    self.capacity = max(capacity, 64)
    base = .allocate(byteCount: self.capacity, alignment: 64)
  }

  deinit { base.deallocate() }

  /// The bytes in use; valid until the buffer is written to again.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  mutating func removeAll() { count = 0 }

  /// Gives the bytes away, without a copy, and is empty then.
  mutating func takeStorage() -> ByteStorage {
    let memory = UnsafeMutableRawBufferPointer(start: base, count: capacity)
    let storage = ByteStorage(adopting: memory, count: count)
    capacity = 64
    count = 0
    base = .allocate(byteCount: capacity, alignment: 64)
    return storage
  }

  /// Makes room for `extra` more bytes.
  @inline(__always)
  mutating func reserve(_ extra: Int) {
    if capacity - count < extra { grow(extra) }
  }

  @inline(never)
  private mutating func grow(_ extra: Int) {
    let larger = max(capacity * 2, count + extra)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
    memory.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = memory
    capacity = larger
  }

  /// Where the next byte goes. Write only what was reserved, then call ``advance(_:)``.
  var end: UnsafeMutableRawPointer {
    @inline(__always) get { base + count }
  }

  /// Counts `written` bytes at ``end`` as in use.
  @inline(__always)
  mutating func advance(_ written: Int) {
    count += written
    assert(count <= capacity)
  }

  mutating func append(_ byte: UInt8) {
    reserve(1)
    end.storeBytes(of: byte, as: UInt8.self)
    count += 1
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    end.copyMemory(from: source, byteCount: bytes.count)
    count += bytes.count
  }

  mutating func append(contentsOf bytes: some Collection<UInt8>) {
    for byte in bytes { append(byte) }
  }

  /// Appends `value`, little-endian.
  mutating func append<Value: BitwiseCopyable>(littleEndian value: Value) {
    reserve(MemoryLayout<Value>.size)
    end.storeBytes(of: value, as: Value.self)
    count += MemoryLayout<Value>.size
  }

  /// Appends an unsigned LEB128 number.
  mutating func append(varint value: UInt64) {
    reserve(10)
    var rest = value
    while rest >= 0x80 {
      end.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      count += 1
      rest >>= 7
    }
    end.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    count += 1
  }

  /// Appends a signed number, zigzag-coded, as LEB128.
  mutating func append(zigzag value: Int64) {
    append(varint: UInt64(bitPattern: (value &<< 1) ^ (value >> 63)))
  }

  /// Overwrites four bytes at `position` with `value`, little-endian.
  mutating func overwrite(at position: Int, littleEndian value: UInt32) {
    precondition(position >= 0 && position + 4 <= count)
    (base + position).storeBytes(of: value, as: UInt32.self)
  }
}

/// Memory for `Element`s that is kept and enlarged, not freed, between uses.
struct ScratchArray<Element: BitwiseCopyable>: ~Copyable {
  /// Where the elements are, until there is room for more.
  private(set) var memory: UnsafeMutablePointer<Element>
  private var capacity: Int

  init() {
    capacity = 1024
    memory = .allocate(capacity: capacity)
  }

  deinit { memory.deallocate() }

  /// Room for `count` elements, with whatever the last use left in it.
  @discardableResult
  mutating func room(for count: Int) -> UnsafeMutablePointer<Element> {
    if count > capacity {
      memory.deallocate()
      capacity = max(count, capacity * 2)
      memory = .allocate(capacity: capacity)
    }
    return memory
  }
}
