/// Hashes fields by wide multiplication, as wyhash does.
///
/// Each process multiplies with numbers of its own: with known ones a file could be made whose values
/// all fall into one slot, and its columns would take quadratic time. What a chunk holds does not
/// depend on hashes.
struct FieldHash {
  private let first: UInt64
  private let second: UInt64
  private let long: UInt64
  private let start: UInt64

  /// The hash of this process.
  static let ofProcess = FieldHash()

  private init() {
    var random = SystemRandomNumberGenerator()
    first = random.next()
    second = random.next()
    long = random.next()
    start = random.next()
  }

  /// A hash of at most 16 bytes, as two words; or of the words that stand for more.
  @inline(__always)
  func short(_ word0: UInt64, _ word1: UInt64, _ length: UInt32) -> UInt64 {
    let product = (word0 ^ first).multipliedFullWidth(by: word1 ^ UInt64(length) ^ second)
    return product.high ^ product.low
  }

  /// A hash of more than 16 bytes.
  @inline(__always)
  func long(_ bytes: UnsafeRawPointer, _ length: UInt32) -> UInt64 {
    let length = Int(length)
    var state = start
    var offset = 0
    while offset &+ 16 < length {
      state = mix(bytes, offset, state)
      offset &+= 16
    }
    return mix(bytes, length &- 16, state)
  }

  @inline(__always)
  private func mix(_ bytes: UnsafeRawPointer, _ offset: Int, _ state: UInt64) -> UInt64 {
    let low = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    let high = bytes.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
    let product = (low ^ long).multipliedFullWidth(by: high ^ state)
    return product.high ^ product.low
  }
}
