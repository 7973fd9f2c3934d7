/// XXH64 with seed 0 (xxhash_spec.md 0.1.1), which bloom filters hash values with.
enum XxHash64 {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// The hash of `bytes`.
  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    var position = 0
    var hash: UInt64
    if count >= 32 {
      var lanes = (prime1 &+ prime2, prime2, UInt64(0), 0 &- prime1)
      while position &+ 32 <= count {
        lanes.0 = round(lanes.0, bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        lanes.1 = round(
          lanes.1, bytes.loadUnaligned(fromByteOffset: position &+ 8, as: UInt64.self))
        lanes.2 = round(
          lanes.2, bytes.loadUnaligned(fromByteOffset: position &+ 16, as: UInt64.self))
        lanes.3 = round(
          lanes.3, bytes.loadUnaligned(fromByteOffset: position &+ 24, as: UInt64.self))
        position &+= 32
      }
      hash =
        rotate(lanes.0, 1) &+ rotate(lanes.1, 7) &+ rotate(lanes.2, 12) &+ rotate(lanes.3, 18)
      hash = merge(hash, lanes.0)
      hash = merge(hash, lanes.1)
      hash = merge(hash, lanes.2)
      hash = merge(hash, lanes.3)
    } else {
      hash = prime5
    }
    hash = hash &+ UInt64(count)
    while position &+ 8 <= count {
      hash ^= round(0, bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      hash = rotate(hash, 27) &* prime1 &+ prime4
      position &+= 8
    }
    if position &+ 4 <= count {
      let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
      hash ^= UInt64(word) &* prime1
      hash = rotate(hash, 23) &* prime2 &+ prime3
      position &+= 4
    }
    while position < count {
      hash ^= UInt64(bytes[position]) &* prime5
      hash = rotate(hash, 11) &* prime1
      position &+= 1
    }
    hash ^= hash >> 33
    hash = hash &* prime2
    hash ^= hash >> 29
    hash = hash &* prime3
    return hash ^ (hash >> 32)
  }

  @inline(__always)
  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* prime2, 31) &* prime1
  }

  @inline(__always)
  private static func merge(_ hash: UInt64, _ lane: UInt64) -> UInt64 {
    (hash ^ round(0, lane)) &* prime1 &+ prime4
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value &<< bits | value &>> (64 &- bits)
  }
}
