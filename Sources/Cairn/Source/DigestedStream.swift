/// A stream that keeps the digest of all that was read of it, from its first byte on.
final class DigestedStream: ByteStream {
  private let stream: any ByteStream
  private var digest = ContentDigest()

  init(_ stream: any ByteStream) {
    self.stream = stream
  }

  var storedOffset: UInt64? { stream.storedOffset }

  /// SHA-256 of the bytes read so far, in lower-case hexadecimal.
  var hexadecimal: String { digest.hexadecimal }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let got = try stream.read(into: destination)
    digest.update(UnsafeRawBufferPointer(rebasing: destination[..<got]))
    return got
  }
}
