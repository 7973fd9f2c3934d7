/// A decompressed page, or a part of one, while it is decoded.
///
/// Memory behind it is allocated (with undefined contents) for ``slack`` bytes more than it has, so
/// that decoders may load whole words at its end.
struct PageBytes {
  /// Bytes that may be loaded beyond the end.
  static let slack = 64

  let base: UnsafeRawPointer
  /// Where the next byte is.
  var position: Int
  let end: Int
  /// Where in the file the page's header is.
  let fileOffset: Int

  init(_ bytes: UnsafeRawBufferPointer, fileOffset: Int) {
    base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    position = 0
    end = bytes.count
    self.fileOffset = fileOffset
  }

  /// How many bytes are left.
  var count: Int {
    @inline(__always) get { end - position }
  }

  /// The next byte.
  var start: UnsafeRawPointer {
    @inline(__always) get { base + position }
  }

  /// An error about the place reached.
  func malformed(_ expected: String, _ found: String) -> ParquetError {
    ParquetError(
      .malformed, expected: "\(expected) at byte \(position) of the page's \(end)", found: found,
      offset: fileOffset)
  }

  /// Throws unless `count` bytes are left.
  @inline(__always)
  func require(_ count: Int, _ what: @autoclosure () -> String) throws(ParquetError) {
    if count < 0 || count > end - position {
      throw malformed("\(count) bytes of \(what())", "\(end - position)")
    }
  }

  /// Throws unless every byte has been read.
  func requireEnd() throws(ParquetError) {
    if position != end { throw malformed("the end of the values", "\(count) bytes more") }
  }

  mutating func byte(_ what: @autoclosure () -> String) throws(ParquetError) -> UInt8 {
    try require(1, what())
    defer { position += 1 }
    return base.load(fromByteOffset: position, as: UInt8.self)
  }

  /// Reads four bytes, little-endian.
  mutating func length(_ what: @autoclosure () -> String) throws(ParquetError) -> Int {
    try require(4, what())
    defer { position += 4 }
    return Int(base.loadUnaligned(fromByteOffset: position, as: UInt32.self))
  }

  /// Reads an unsigned LEB128 number.
  mutating func varint(_ what: @autoclosure () -> String) throws(ParquetError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte(what())
      guard shift < 63 || byte <= 1 else {
        throw malformed("\(what()) of at most 64 bits", "a longer number")
      }
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
  }

  /// Reads a zigzag-coded LEB128 number.
  mutating func zigzag(_ what: @autoclosure () -> String) throws(ParquetError) -> Int64 {
    let value = try varint(what())
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// Splits off the next `count` bytes.
  mutating func part(
    _ count: Int, _ what: @autoclosure () -> String
  ) throws(ParquetError) -> PageBytes {
    try require(count, what())
    var part = PageBytes(
      UnsafeRawBufferPointer(start: base, count: position + count), fileOffset: fileOffset)
    part.position = position
    position += count
    return part
  }
}
