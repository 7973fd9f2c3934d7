/// A column's values as its encoders see them: bare memory, valid inside ``with(_:_:)``.
struct ColumnValues {
  var physicalType: PhysicalType
  var count: Int
  /// Values one after another, or the bytes that `slices` lie in.
  var base: UnsafeRawPointer
  /// Bytes at `base`; byte strings only.
  var byteCount = 0
  /// Where each byte string lies.
  var slices: UnsafePointer<ByteSlice>?

  /// Bytes of byte string `index`.
  @inline(__always)
  func bytes(at index: Int) -> UnsafeRawBufferPointer {
    guard let slice = slices?[index] else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(start: base + Int(slice.offset), count: Int(slice.length))
  }

  static func with<Result>(
    _ values: PhysicalValues, _ body: (ColumnValues) throws -> Result
  ) rethrows -> Result {
    switch values {
    case .boolean(let array): try with(array, .boolean, body)
    case .int32(let array): try with(array, .int32, body)
    case .int64(let array): try with(array, .int64, body)
    case .int96(let array): try with(array, .int96, body)
    case .float(let array): try with(array, .float, body)
    case .double(let array): try with(array, .double, body)
    case .byteArray(let strings): try with(strings, .byteArray, body)
    case .fixedLengthByteArray(let strings): try with(strings, .fixedLengthByteArray, body)
    }
  }

  private static func with<Element, Result>(
    _ array: [Element], _ type: PhysicalType, _ body: (ColumnValues) throws -> Result
  ) rethrows -> Result {
    try array.withUnsafeBytes { bytes in
      try body(ColumnValues(physicalType: type, count: array.count, base: start(of: bytes)))
    }
  }

  private static func with<Result>(
    _ strings: ByteStrings, _ type: PhysicalType, _ body: (ColumnValues) throws -> Result
  ) rethrows -> Result {
    try withExtendedLifetime(strings.storage) {
      try strings.slices.withUnsafeBufferPointer { slices in
        let bytes = strings.storage.bytes
        return try body(
          ColumnValues(
            physicalType: type, count: slices.count, base: start(of: bytes),
            byteCount: bytes.count, slices: slices.baseAddress))
      }
    }
  }

  /// Start of `bytes`, or some address that is never read when there are none.
  private static func start(of bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer {
    bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
  }
}

/// The values of one page, without nulls: either values `first` and following, or those at
/// `positions`.
struct ValueSelection {
  var positions: UnsafePointer<UInt32>?
  var first = 0
  var count: Int

  /// Where in the column's values the `index`th selected one is.
  @inline(__always)
  subscript(index: Int) -> Int {
    if let positions { Int(positions[index]) } else { first &+ index }
  }
}
