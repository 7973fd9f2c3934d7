#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Where a ``FileWriter`` puts its bytes, in order.
public protocol ByteOutput {
  /// Takes the next bytes of the file; they are valid during the call only.
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws
  /// Hands on what is held back. Called once, after the last byte of a finished file.
  mutating func flush() throws
}

/// Keeps a file in memory.
public struct MemoryOutput: ByteOutput, Sendable {
  /// The bytes so far.
  public private(set) var bytes: [UInt8] = []

  /// Makes an empty output.
  public init() {}

  /// Copies the next bytes of the file.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    self.bytes.append(contentsOf: bytes)
  }

  /// Does nothing: nothing is held back.
  public mutating func flush() {}
}

/// Writes a file through its descriptor, in large pieces.
///
/// It neither closes the descriptor nor makes its bytes durable: that is the caller's.
public final class FileDescriptorOutput: ByteOutput {
  private let descriptor: Int32
  private let observer: ((UnsafeRawBufferPointer) -> Void)?
  private let buffer: UnsafeMutableRawBufferPointer
  private var held = 0

  /// Makes an output.
  ///
  /// - Parameters:
  ///   - descriptor: An open file, written from its current position on. Nothing may follow there:
  ///     the end of an older, longer file would be taken for that of this one.
  ///   - bufferSize: How many bytes to collect before a `write`.
  ///   - observer: Called with every byte of the file once, in order, as it is written; for a
  ///     running digest.
  public init(
    descriptor: Int32, bufferSize: Int = 1 << 18,
    observer: ((UnsafeRawBufferPointer) -> Void)? = nil
  ) {
    self.descriptor = descriptor
    self.observer = observer
    buffer = .allocate(byteCount: max(bufferSize, 4096), alignment: 4096)
  }

  deinit { buffer.deallocate() }

  /// Takes the next bytes of the file.
  ///
  /// - Throws: ``ParquetError`` of kind `inputOutput` when the system refuses to write.
  public func append(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count > buffer.count - held { try flush() }
    if bytes.count > buffer.count {
      try write(bytes)
    } else if let source = bytes.baseAddress, let target = buffer.baseAddress {
      (target + held).copyMemory(from: source, byteCount: bytes.count)
      held += bytes.count
    }
  }

  /// Writes what is held back.
  ///
  /// - Throws: ``ParquetError`` of kind `inputOutput` when the system refuses to write.
  public func flush() throws {
    let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<held])
    held = 0
    try write(bytes)
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while !rest.isEmpty {
      #if canImport(Glibc)
        let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
      #elseif canImport(Musl)
        let written = Musl.write(descriptor, rest.baseAddress, rest.count)
      #else
        let written = Darwin.write(descriptor, rest.baseAddress, rest.count)
      #endif
      if written < 0 {
        if errno == EINTR { continue }
        throw ParquetError(
          .inputOutput, expected: "to write \(rest.count) bytes",
          found: String(cString: strerror(errno)))
      }
      observer?(UnsafeRawBufferPointer(rebasing: rest[..<written]))
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }
}
