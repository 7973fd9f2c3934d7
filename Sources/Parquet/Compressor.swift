internal import CBrotli
internal import CISAL
internal import CLZ4
internal import CSnappy
internal import CZlib
internal import CZstd

/// Compresses pages, keeping the codecs' working memory between them.
struct Compressor: ~Copyable {
  private var output = ByteBuffer()
  private var zstd: OpaquePointer?
  private var deflate: UnsafeMutablePointer<z_stream>?

  init() {}

  /// Bytes that are allocated for compressed pages.
  var outputCapacity: Int { output.capacity }

  deinit {
    if let zstd { ZSTD_freeCCtx(zstd) }
    if let deflate {
      deflateEnd(deflate)
      deflate.deallocate()
    }
  }

  /// Compresses `input`. The result is valid until the next call, or as long as `input` if that
  /// is uncompressed.
  mutating func compress(
    _ input: UnsafeRawBufferPointer, with codec: Codec
  ) throws(ParquetError) -> UnsafeRawBufferPointer {
    output.removeAll()
    switch codec {
    case .uncompressed: return input
    case .snappy:
      var length = snappy_max_compressed_length(input.count)
      output.reserve(length)
      let status = snappy_compress(
        input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count,
        output.end.assumingMemoryBound(to: CChar.self), &length)
      guard status == SNAPPY_OK else { throw Self.failure("snappy", "status \(status.rawValue)") }
      output.advance(length)
    case .gzip: try compressGzip(input)
    case .zstd(let level):
      if zstd == nil { zstd = ZSTD_createCCtx() }
      output.reserve(ZSTD_compressBound(input.count))
      let length = ZSTD_compressCCtx(
        zstd, output.end, output.capacity, input.baseAddress, input.count, Int32(level))
      guard ZSTD_isError(length) == 0 else {
        throw Self.failure("zstd", String(cString: ZSTD_getErrorName(length)))
      }
      output.advance(length)
    case .lz4Raw:
      guard let inputCount = Int32(exactly: input.count), LZ4_compressBound(inputCount) > 0 else {
        throw ParquetError(
          .limitExceeded, expected: "a page of at most 2113929216 bytes for LZ4",
          found: "\(input.count) bytes")
      }
      output.reserve(Int(LZ4_compressBound(inputCount)))
      let length = LZ4_compress_default(
        input.baseAddress?.assumingMemoryBound(to: CChar.self),
        output.end.assumingMemoryBound(to: CChar.self), inputCount,
        Int32(clamping: output.capacity))
      guard length > 0 else { throw Self.failure("lz4", "result \(length)") }
      output.advance(Int(length))
    case .brotli(let quality):
      output.reserve(BrotliEncoderMaxCompressedSize(input.count))
      var length = output.capacity
      let isDone = BrotliEncoderCompress(
        Int32(clamping: quality), BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, input.count,
        input.baseAddress?.assumingMemoryBound(to: UInt8.self), &length,
        output.end.assumingMemoryBound(to: UInt8.self))
      guard isDone == BROTLI_TRUE else { throw Self.failure("brotli", "a failure") }
      output.advance(length)
    }
    return output.bytes
  }

  private mutating func compressGzip(_ input: UnsafeRawBufferPointer) throws(ParquetError) {
    let stream: UnsafeMutablePointer<z_stream>
    if let kept = deflate {
      deflateReset(kept)
      stream = kept
    } else {
      stream = .allocate(capacity: 1)
      stream.initialize(to: z_stream())
      let status = deflateInit2_(
        stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
      guard status == Z_OK else {
        stream.deallocate()
        throw Self.failure("gzip", "status \(status)")
      }
      deflate = stream
    }
    let bound = Int(deflateBound(stream, UInt(input.count)))
    output.reserve(bound)
    guard let inputCount = UInt32(exactly: input.count), let room = UInt32(exactly: bound) else {
      throw ParquetError(
        .limitExceeded, expected: "a page below 4 GiB", found: "\(input.count) bytes")
    }
    // zlib does not write to its input; its C declaration merely lacks the const.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = inputCount
    stream.pointee.next_out = output.end.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = room
    let status = CZlib.deflate(stream, Z_FINISH)
    guard status == Z_STREAM_END else { throw Self.failure("gzip", "status \(status)") }
    output.advance(bound - Int(stream.pointee.avail_out))
  }

  private static func failure(_ codec: String, _ found: String) -> ParquetError {
    ParquetError(.inputOutput, expected: "\(codec) to compress a page", found: found)
  }
}

/// The checksum of pages: CRC-32 as gzip has it.
enum Checksum {
  /// The checksum of `bytes`, or of others and them when `before` is that of the others.
  static func crc32(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    crc32_gzip_refl(
      before, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
  }
}
