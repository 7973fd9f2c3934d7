internal import CZstd

/// Decompresses Zstandard data (RFC 8878) of one or more frames, by libzstd.
///
/// Frames with windows of more than 128 MiB (`zstd --long=28` and above) are refused, as the `zstd`
/// command does by default: the window would have to be held in memory.
final class ZstdStream: ByteStream {
  private let stored: any ByteStream
  private let path: String
  private let context: OpaquePointer
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
  private var next = 0
  private var available = 0
  private var storedBytes: UInt64 = 0
  var storedOffset: UInt64? { storedBytes }
  private var inputEnded = false
  /// Whether a frame is begun and not finished.
  private var inFrame = false

  init(_ stored: any ByteStream, path: String) throws(SourceError) {
    guard let context = ZSTD_createDStream() else {
      throw .unreadable(path: path, detail: "no memory to decompress Zstandard")
    }
    self.stored = stored
    self.path = path
    self.context = context
  }

  deinit {
    ZSTD_freeDStream(context)
    input.deallocate()
  }

  func read(into destination: UnsafeMutableRawBufferPointer) throws(SourceError) -> Int {
    var output = ZSTD_outBuffer(dst: destination.baseAddress, size: destination.count, pos: 0)
    while output.pos == 0 {
      if next == available, !inputEnded {
        let got = try stored.read(into: input)
        next = 0
        available = got
        storedBytes += UInt64(got)
        inputEnded = got == 0
      }
      if next == available, inputEnded, !inFrame { return 0 }
      var source = ZSTD_inBuffer(src: input.baseAddress, size: available, pos: next)
      let before = next
      let result = ZSTD_decompressStream(context, &output, &source)
      next = source.pos
      if ZSTD_isError(result) != 0 {
        throw .corrupt(
          path: path, compression: .zstd, offset: storedBytes - UInt64(available - next),
          detail: String(cString: ZSTD_getErrorName(result)))
      }
      inFrame = result != 0
      if inputEnded, inFrame, next == before, output.pos == 0 {
        throw .truncated(path: path, compression: .zstd, offset: storedBytes)
      }
    }
    return output.pos
  }
}
