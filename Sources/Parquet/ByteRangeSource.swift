/// A file that is read by ranges of bytes with some delay, for example an object of an object store.
///
/// A ``RemoteFileReader`` asks it for few, large ranges. A conforming type states its size by
/// ``byteCount``, or implements ``readTail(_:)`` itself, as a store can that answers a request for the last
/// bytes with the size of the whole (`Range: bytes=-65536`, answered by `Content-Range`).
public protocol ByteRangeSource: Sendable {
  /// How many bytes the file has; nil if that is not known without a request.
  var byteCount: Int? { get }

  /// Reads ranges, which are ascending and have gaps between them. They may be asked for at once.
  ///
  /// - Returns: The bytes of each range, in the order of `ranges`, none missing.
  func read(_ ranges: [Range<Int>]) async throws -> [ByteStorage]

  /// Reads the last bytes of the file, or all if it has no more than `count`.
  func readTail(_ count: Int) async throws -> FileTail
}

/// The end of a file.
public struct FileTail: Sendable {
  /// The last bytes.
  public var bytes: ByteStorage
  /// How many bytes the whole file has.
  public var fileByteCount: Int

  /// Makes a tail.
  public init(bytes: ByteStorage, fileByteCount: Int) {
    self.bytes = bytes
    self.fileByteCount = fileByteCount
  }
}

extension ByteRangeSource {
  /// Reads the last bytes of a file whose size is known.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` if the source neither knows its size nor has a way of
  ///   its own to read its end.
  public func readTail(_ count: Int) async throws -> FileTail {
    guard let byteCount else {
      throw ParquetError(
        .misuse, expected: "a source that knows its size or implements readTail",
        found: "\(Self.self), which does neither")
    }
    let start = max(byteCount - count, 0)
    if start == byteCount {
      return FileTail(bytes: ByteStorage(copying: []), fileByteCount: byteCount)
    }
    let read = try await read([start..<byteCount])
    guard let bytes = read.first, read.count == 1 else {
      throw ParquetError(
        .inputOutput, expected: "the bytes of one range", found: "those of \(read.count)")
    }
    return FileTail(bytes: bytes, fileByteCount: byteCount)
  }
}
