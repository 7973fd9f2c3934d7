internal import CISAL

/// Inflates gzip data (RFC 1952) of one or more members, by ISA-L.
///
/// Zero bytes after a member are padding, as tapes and some copiers leave it; anything else that is
/// not a further member is an error, never passed over.
final class GzipStream: ByteStream {
  private let stored: any ByteStream
  private let path: String
  private let state = UnsafeMutablePointer<inflate_state>.allocate(capacity: 1)
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
  /// Stored bytes read so far, those in `input` included.
  private var storedBytes: UInt64 = 0
  var storedOffset: UInt64? { storedBytes }
  private var inputEnded = false
  private var inMember = false
  private var members = 0

  init(_ stored: any ByteStream, path: String) {
    self.stored = stored
    self.path = path
    isal_inflate_init(state)
    state.pointee.avail_in = 0
    state.pointee.avail_out = 0
  }

  deinit {
    state.deallocate()
    input.deallocate()
  }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    let capacity = UInt32(clamping: destination.count)
    state.pointee.next_out = destination.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = capacity
    while state.pointee.avail_out == capacity {
      if !inMember, try !beginMember() { return 0 }
      if state.pointee.avail_in == 0 { try refill() }
      let availableBefore = state.pointee.avail_in
      let result = isal_inflate(state)
      guard result == ISAL_DECOMP_OK else { throw corrupt(result) }
      if state.pointee.block_state == ISAL_BLOCK_FINISH {
        inMember = false
      } else if inputEnded, state.pointee.avail_in == availableBefore,
        state.pointee.avail_out == capacity
      {
        throw .truncated(path: path, compression: .gzip, offset: storedBytes)
      }
    }
    return Int(capacity - state.pointee.avail_out)
  }

  /// Goes to the next member; false at the end of the source.
  private func beginMember() throws(SourceError) -> Bool {
    while true {
      if state.pointee.avail_in == 0 { try refill() }
      guard state.pointee.avail_in > 0, let next = state.pointee.next_in else { return false }
      if next.pointee == 0, members > 0 {
        state.pointee.next_in = next + 1
        state.pointee.avail_in -= 1
      } else if next.pointee == 0x1F {
        break
      } else {
        throw .corrupt(
          path: path, compression: .gzip, offset: offset,
          detail: "bytes that are not a gzip member")
      }
    }
    isal_inflate_reset(state)
    state.pointee.crc_flag = UInt32(ISAL_GZIP)
    inMember = true
    members += 1
    return true
  }

  /// Reads stored bytes when all before are used up.
  private func refill() throws(SourceError) {
    guard !inputEnded else { return }
    let got = try stored.read(into: input)
    inputEnded = got == 0
    storedBytes += UInt64(got)
    state.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_in = UInt32(got)
  }

  /// Stored bytes used so far.
  private var offset: UInt64 { storedBytes - UInt64(state.pointee.avail_in) }

  private func corrupt(_ result: Int32) -> SourceError {
    let detail =
      switch result {
      case ISAL_INVALID_BLOCK: "an invalid block"
      case ISAL_INVALID_SYMBOL: "an invalid symbol"
      case ISAL_INVALID_LOOKBACK: "a reference before the start"
      case ISAL_INVALID_WRAPPER: "an invalid header"
      case ISAL_UNSUPPORTED_METHOD: "an unknown compression method"
      case ISAL_INCORRECT_CHECKSUM: "a wrong checksum"
      case ISAL_NEED_DICT: "a preset dictionary"
      default: "error \(result)"
      }
    return .corrupt(path: path, compression: .gzip, offset: offset, detail: detail)
  }
}
