/// Bytes read from front to back.
protocol ByteStream: AnyObject {
  /// Reads at most as many bytes as `destination` holds, which is not empty.
  ///
  /// - Returns: How many bytes were read; 0 only at the end.
  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int

  /// Passes over `count` bytes, or as many as there are.
  ///
  /// - Returns: How many bytes were passed over.
  func skip(_ count: UInt64) throws(SourceError) -> UInt64

  /// How many of the stored bytes were read so far, compressed as they are; nil where nobody asks
  /// how far the reading is.
  var storedOffset: UInt64? { get }
}

extension ByteStream {
  var storedOffset: UInt64? { nil }

  /// Passes over bytes by reading them.
  func skip(_ count: UInt64) throws(SourceError) -> UInt64 {
    let block = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(min(max(count, 1), 1 << 20)), alignment: 16)
    defer { block.deallocate() }
    var passed: UInt64 = 0
    while passed < count {
      let want = Int(min(UInt64(block.count), count - passed))
      let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: block[..<want]))
      if got == 0 { break }
      passed += UInt64(got)
    }
    return passed
  }

  /// Reads until `destination` is full or the stream ends; returns how many bytes were read.
  func readFully(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    var filled = 0
    while filled < destination.count {
      let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: destination[filled...]))
      if got == 0 { break }
      filled += got
    }
    return filled
  }

  /// Reads at most `count` bytes into an array.
  func readArray(upTo count: Int) throws(SourceError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: SourceError?
    let filled = bytes.withUnsafeMutableBytes { memory in
      do throws(SourceError) {
        return try readFully(into: memory)
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    bytes.removeLast(count - filled)
    return bytes
  }
}

/// Bytes that were read ahead, followed by the stream they were read from.
final class PeekedStream: ByteStream {
  private var peeked: [UInt8] = []
  private var consumed = 0
  private let rest: any ByteStream
  /// How many bytes have been read or passed over; peeking does not count.
  private(set) var offset: UInt64 = 0

  init(_ rest: any ByteStream) {
    self.rest = rest
  }

  /// The next bytes, `count` of them unless the stream ends before, without consuming them.
  func peek(_ count: Int) throws(SourceError) -> ArraySlice<UInt8> {
    let missing = count - (peeked.count - consumed)
    if missing > 0 {
      if consumed > 0 {
        peeked.removeFirst(consumed)
        consumed = 0
      }
      peeked += try rest.readArray(upTo: missing)
    }
    return peeked[consumed..<min(consumed + count, peeked.count)]
  }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let got: Int
    if consumed < peeked.count {
      got = min(destination.count, peeked.count - consumed)
      destination.copyBytes(from: peeked[consumed..<consumed + got])
      consumed += got
      if consumed == peeked.count {
        peeked = []
        consumed = 0
      }
    } else {
      got = try rest.read(into: destination)
    }
    offset += UInt64(got)
    return got
  }
}
