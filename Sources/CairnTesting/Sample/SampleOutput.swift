internal import CZlib

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Where the sample goes: a file, plain or gzip, or memory.
struct SampleOutput: ~Copyable {
  /// How much is written at a time.
  static let blockSize = 1 << 20

  private let path: String
  private var descriptor: Int32 = -1
  private var deflate: UnsafeMutablePointer<z_stream>?
  private var compressed: [UInt8] = []
  /// What was written to memory.
  private(set) var collected: [UInt8] = []

  /// Collects in memory.
  init() { path = "" }

  /// Creates the file or empties it.
  init(path: String) throws(SampleError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path, "create") }
    guard path.hasSuffix(".gz") else { return }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 window bits, and 16 for a gzip wrapper instead of zlib's; level 6 is what gzip(1) takes.
    let status = deflateInit2_(
      stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      stream.deallocate()
      throw .compression(path: path, status: status)
    }
    deflate = stream
    compressed = [UInt8](repeating: 0, count: 1 << 18)
  }

  deinit {
    if let deflate {
      deflateEnd(deflate)
      deflate.deallocate()
    }
    if descriptor >= 0 { close(descriptor) }
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer) throws(SampleError) {
    if deflate != nil {
      try compress(bytes, flush: Z_NO_FLUSH)
    } else if descriptor >= 0 {
      try put(bytes)
    } else {
      collected.append(contentsOf: bytes)
    }
  }

  /// Writes what is still held back and closes the file.
  mutating func finish() throws(SampleError) {
    if deflate != nil {
      try compress(UnsafeRawBufferPointer(start: nil, count: 0), flush: Z_FINISH)
    }
    guard descriptor >= 0 else { return }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw Self.failure(path, "close") }
  }

  private mutating func compress(
    _ bytes: UnsafeRawBufferPointer, flush: Int32
  ) throws(SampleError) {
    guard let deflate else { return }
    // zlib does not write through `next_in`; its type merely lacks the const.
    deflate.pointee.next_in = UnsafeMutablePointer(
      mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
    deflate.pointee.avail_in = UInt32(bytes.count)
    repeat {
      let capacity = compressed.count
      var status = Z_OK
      compressed.withUnsafeMutableBufferPointer { buffer in
        deflate.pointee.next_out = buffer.baseAddress
        deflate.pointee.avail_out = UInt32(capacity)
        status = CZlib.deflate(deflate, flush)
      }
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
        throw .compression(path: path, status: status)
      }
      let produced = capacity - Int(deflate.pointee.avail_out)
      var failure: SampleError?
      compressed.withUnsafeBytes { buffer in
        do throws(SampleError) {
          try put(UnsafeRawBufferPointer(rebasing: buffer[..<produced]))
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
    } while deflate.pointee.avail_out == 0
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(SampleError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let block = UnsafeRawBufferPointer(rebasing: rest)
      #if canImport(Glibc)
        let written = Glibc.write(descriptor, block.baseAddress, block.count)
      #elseif canImport(Musl)
        let written = Musl.write(descriptor, block.baseAddress, block.count)
      #else
        let written = Darwin.write(descriptor, block.baseAddress, block.count)
      #endif
      if written < 0 {
        if errno == EINTR { continue }
        throw Self.failure(path, "write")
      }
      rest = rest.dropFirst(written)
    }
  }

  private static func failure(_ path: String, _ operation: String) -> SampleError {
    .file(path: path, operation: operation, reason: String(cString: strerror(errno)))
  }
}
