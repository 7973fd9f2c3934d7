internal import CZstd

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Bytes as text: compressed by Zstandard, in Base64.
enum CheckpointPacking {
  /// The most bytes that a text is unpacked to.
  static let maximumBytes = 64 << 20

  static func pack(_ bytes: [UInt8]) -> String {
    var packed = [UInt8](repeating: 0, count: ZSTD_compressBound(bytes.count))
    let count = ZSTD_compress(&packed, packed.count, bytes, bytes.count, 3)
    // With room for the worst case it cannot fail.
    return Data(packed.prefix(ZSTD_isError(count) == 0 ? count : 0)).base64EncodedString()
  }

  /// The bytes; nil when the text is not what ``pack(_:)`` made of `count` bytes.
  static func unpack(_ text: String, count: Int) -> [UInt8]? {
    guard (0...maximumBytes).contains(count), let data = Data(base64Encoded: text) else {
      return nil
    }
    let packed = [UInt8](data)
    var bytes = [UInt8](repeating: 0, count: count)
    let found = ZSTD_decompress(&bytes, bytes.count, packed, packed.count)
    return ZSTD_isError(found) == 0 && found == count ? bytes : nil
  }
}
