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
  var hexadecimal: String { Hexadecimal.text(of: hash.finalize()) }
}
