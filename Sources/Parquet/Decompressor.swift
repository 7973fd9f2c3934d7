internal import CBrotli
internal import CISAL
internal import CSnappy
internal import CZstd

/// Decompresses pages, keeping the codecs' working memory between them.
struct Decompressor: ~Copyable {
  private var zstd: OpaquePointer?
  private var inflate: UnsafeMutablePointer<inflate_state>?

  init() {}

  deinit {
    if let zstd { ZSTD_freeDCtx(zstd) }
    inflate?.deallocate()
  }

  /// The most bytes that `compressed` bytes can become: what a page header may state at most.
  static func mostBytes(from compressed: Int, _ codec: CompressionCodec) -> Int {
    let ratio =
      switch codec {
      case .uncompressed: 1
      case .snappy: 64  // a copy of up to 64 bytes takes two bytes or more
      case .lz4Raw, .lz4Hadoop: 256  // a length byte stands for up to 255 bytes
      case .gzip: 1032  // a match of 258 bytes takes two bits or more
      case .zstd: 1 << 16  // a block of 128 KiB takes three bytes or more
      case .brotli: 1 << 22  // a meta-block of 16 MiB takes four bytes or more
      case .lzo: 0
      }
    return codec == .uncompressed ? compressed : compressed.multipliedSaturating(by: ratio) + 64
  }

  /// Decompresses `input` to exactly the bytes of `output`.
  mutating func decompress(
    _ input: UnsafeRawBufferPointer, with codec: CompressionCodec,
    into output: UnsafeMutableRawBufferPointer
  ) throws(ParquetError) {
    switch codec {
    case .uncompressed:
      guard input.count == output.count else {
        throw Self.wrongLength(output.count, "\(input.count)")
      }
      output.copyMemory(from: input)
    case .snappy:
      let source = input.baseAddress?.assumingMemoryBound(to: CChar.self)
      var length = 0
      guard snappy_uncompressed_length(source, input.count, &length) == SNAPPY_OK else {
        throw Self.corrupt("snappy", "a broken length")
      }
      guard length == output.count else { throw Self.wrongLength(output.count, "\(length)") }
      let status = snappy_uncompress(
        source, input.count, output.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
      guard status == SNAPPY_OK, length == output.count else {
        throw Self.corrupt("snappy", "others")
      }
    case .gzip: try decompressGzip(input, into: output)
    case .zstd:
      if zstd == nil { zstd = ZSTD_createDCtx() }
      let length = ZSTD_decompressDCtx(
        zstd, output.baseAddress, output.count, input.baseAddress, input.count)
      guard ZSTD_isError(length) == 0 else {
        throw Self.corrupt("zstd", String(cString: ZSTD_getErrorName(length)))
      }
      guard length == output.count else { throw Self.wrongLength(output.count, "\(length)") }
    case .lz4Raw:
      guard let length = LZ4.decompress(input, into: output) else {
        throw Self.corrupt("lz4", "others")
      }
      guard length == output.count else { throw Self.wrongLength(output.count, "\(length)") }
    case .lz4Hadoop:
      guard LZ4.decompressHadoop(input, into: output) else {
        throw Self.corrupt("lz4 in Hadoop's framing, or without", "others")
      }
    case .brotli:
      var length = output.count
      let result = BrotliDecoderDecompress(
        input.count, input.baseAddress?.assumingMemoryBound(to: UInt8.self), &length,
        output.baseAddress?.assumingMemoryBound(to: UInt8.self))
      guard result == BROTLI_DECODER_RESULT_SUCCESS else {
        throw Self.corrupt("brotli", "others, or more than \(output.count)")
      }
      guard length == output.count else { throw Self.wrongLength(output.count, "\(length)") }
    case .lzo: throw Self.lacksLZO
    }
  }

  /// Its library's licence would bind every user of this one.
  static var lacksLZO: ParquetError {
    ParquetError(
      .unsupported,
      expected: "a codec that is read here (snappy, gzip, zstd, brotli, lz4Raw, lz4Hadoop)",
      found: "lzo")
  }

  private mutating func decompressGzip(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(ParquetError) {
    let state: UnsafeMutablePointer<inflate_state>
    if let kept = inflate {
      state = kept
    } else {
      state = .allocate(capacity: 1)
      inflate = state
    }
    guard let room = UInt32(exactly: output.count), let inputCount = UInt32(exactly: input.count)
    else { throw Self.corrupt("gzip", "\(input.count) bytes") }
    isal_inflate_init(state)
    state.pointee.crc_flag = UInt32(ISAL_GZIP)
    // ISA-L does not write to its input; its C declaration merely lacks the const.
    state.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    state.pointee.avail_in = inputCount
    state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.pointee.avail_out = room
    while true {
      let status = isal_inflate(state)
      guard status == ISAL_DECOMP_OK else { throw Self.corrupt("gzip", "status \(status)") }
      guard state.pointee.block_state == ISAL_BLOCK_FINISH else {
        throw Self.wrongLength(
          output.count, state.pointee.avail_in == 0 ? "an early end" : "more")
      }
      if state.pointee.avail_in == 0 { break }
      // Another member follows.
      let (nextIn, restIn) = (state.pointee.next_in, state.pointee.avail_in)
      let (nextOut, restOut) = (state.pointee.next_out, state.pointee.avail_out)
      isal_inflate_reset(state)
      state.pointee.crc_flag = UInt32(ISAL_GZIP)
      state.pointee.next_in = nextIn
      state.pointee.avail_in = restIn
      state.pointee.next_out = nextOut
      state.pointee.avail_out = restOut
    }
    guard state.pointee.avail_out == 0 else {
      throw Self.wrongLength(output.count, "\(output.count - Int(state.pointee.avail_out))")
    }
  }

  private static func corrupt(_ codec: String, _ found: String) -> ParquetError {
    ParquetError(.malformed, expected: "bytes compressed with \(codec)", found: found)
  }

  private static func wrongLength(_ expected: Int, _ found: String) -> ParquetError {
    ParquetError(
      .malformed, expected: "a page of \(expected) bytes once decompressed", found: found)
  }
}

extension Int {
  /// The product, or the largest number if it is beyond that; both at least 0.
  func multipliedSaturating(by factor: Int) -> Int {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? Int.max / 2 : Swift.min(product, Int.max / 2)
  }
}
