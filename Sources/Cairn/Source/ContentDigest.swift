internal import Crypto

/// SHA-256 of bytes, given piece by piece.
struct ContentDigest: Sendable {
  private var hash = SHA256()

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hash.update(bufferPointer: bytes)
  }

  mutating func update(_ bytes: some Sequence<UInt8>) {
    hash.update(data: Array(bytes))
  }

  /// The digest of all bytes so far, in lower-case hexadecimal.
  var hexadecimal: String {
    let digits: [UInt8] = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 64) { text in
      var length = 0
      for byte in hash.finalize() {
        text[length] = digits[Int(byte >> 4)]
        text[length + 1] = digits[Int(byte & 15)]
        length += 2
      }
      return length
    }
  }
}
