/// A growing block of bytes that text is written to without a `String` for each field.
struct ByteWriter: ~Copyable {
  private var storage: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// How many bytes there are.
  private(set) var count = 0

  init(capacity: Int = 1 << 16) {
    self.capacity = max(capacity, 64)
    storage = .allocate(capacity: self.capacity)
  }

  deinit { storage.deallocate() }

  /// The bytes written.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: count) }

  /// Some of the bytes written.
  func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return UnsafeRawBufferPointer(start: storage + range.lowerBound, count: range.count)
  }

  /// Drops all bytes from `count` on.
  mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count)
    self.count = count
  }

  private mutating func reserve(_ more: Int) {
    guard count + more > capacity else { return }
    let grown = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: grown)
    larger.update(from: storage, count: count)
    storage.deallocate()
    storage = larger
    capacity = grown
  }

  /// Appends a byte.
  mutating func put(_ byte: UInt8) {
    reserve(1)
    storage[count] = byte
    count += 1
  }

  /// Appends an ASCII text known at compile time, or any UTF-8 constant.
  mutating func put(_ text: StaticString) {
    reserve(text.utf8CodeUnitCount)
    (storage + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    count += text.utf8CodeUnitCount
  }

  /// Appends bytes from elsewhere; they must not be this writer's own.
  mutating func put(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count)
    UnsafeMutableRawPointer(storage + count).copyMemory(from: start, byteCount: bytes.count)
    count += bytes.count
  }

  /// Appends one of a pool's texts.
  mutating func put(_ pool: TextPool, _ index: Int) {
    pool.withBytes(of: index) { put($0) }
  }

  /// Appends a number of exactly `width` digits, zeros in front; higher digits are dropped.
  mutating func put(digits value: Int, width: Int) {
    reserve(width)
    var rest = value
    var place = count + width
    while place > count {
      place -= 1
      storage[place] = UInt8(truncatingIfNeeded: 48 + rest % 10)
      rest /= 10
    }
    count += width
  }

  /// Appends the magnitude of `value` / 10^`scale` with all its digits after the point.
  mutating func put(magnitude value: Int, scale: Int) {
    var power = 1
    for _ in 0..<scale { power *= 10 }
    let magnitude = abs(value)
    let whole = magnitude / power
    var width = 1
    var bound = 10
    while whole >= bound {
      width += 1
      bound *= 10
    }
    put(digits: whole, width: width)
    if scale > 0 {
      put(0x2E)
      put(digits: magnitude % power, width: scale)
    }
  }
}
