/// Stands in for SHA-256 in the fuzzer, which then needs no swift-crypto: 64-bit FNV-1a.
struct ContentDigest: Sendable {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  mutating func update(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// The digest of all bytes so far.
  var hexadecimal: String { String(state, radix: 16) }
}
