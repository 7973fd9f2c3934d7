/// Where a byte string lies in its ``ByteStorage``.
public struct ByteSlice: Sendable, Hashable, BitwiseCopyable {
  /// Offset of the first byte in the storage.
  public var offset: UInt32
  /// Length in bytes.
  public var length: UInt32

  /// Makes a slice from an offset and a length, both in bytes.
  @inlinable
  public init(offset: UInt32, length: UInt32) {
    self.offset = offset
    self.length = length
  }
}

/// Variable-length byte strings: slices of one shared, immutable block of bytes.
public struct ByteStrings: Sendable {
  /// The block that every slice lies in.
  public let storage: ByteStorage
  /// Where each string lies.
  public let slices: [ByteSlice]

  /// Makes strings from slices of a block.
  ///
  /// - Precondition: Every slice lies within `storage`. Checked once, here, so that reading
  ///   needs no check.
  public init(storage: ByteStorage, slices: [ByteSlice]) {
    let end = storage.bytes.count
    for slice in slices {
      precondition(Int(slice.offset) + Int(slice.length) <= end, "slice outside its storage")
    }
    self.storage = storage
    self.slices = slices
  }

  /// Copies `strings`, as UTF-8, into a block of their own.
  public init(_ strings: some Sequence<String>) {
    var bytes: [UInt8] = []
    var slices: [ByteSlice] = []
    for string in strings {
      let start = bytes.count
      bytes.append(contentsOf: string.utf8)
      slices.append(
        ByteSlice(offset: UInt32(start), length: UInt32(bytes.count - start)))
    }
    self.init(storage: ByteStorage(copying: bytes), slices: slices)
  }

  /// How many strings there are.
  @inlinable
  public var count: Int { slices.count }

  /// Bytes of string `index`, valid while this value (or its storage) is kept alive.
  ///
  /// Use ``withBytes(at:_:)`` unless a hot loop holds the storage itself.
  @inlinable
  public func unsafeBytes(at index: Int) -> UnsafeRawBufferPointer {
    let slice = slices[index]
    let start = Int(slice.offset)
    return UnsafeRawBufferPointer(rebasing: storage.bytes[start..<start + Int(slice.length)])
  }

  /// Calls `body` with the bytes of string `index`.
  @inlinable
  public func withBytes<Result, Failure: Error>(
    at index: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = unsafeBytes(at: index)
    let result = try body(bytes)
    withExtendedLifetime(storage) {}
    return result
  }

  /// String `index`, decoded as UTF-8 (invalid bytes become U+FFFD).
  public subscript(index: Int) -> String {
    withBytes(at: index) { String(decoding: $0, as: UTF8.self) }
  }
}
