/// Writes values one after another (Encodings.md, PLAIN = 0).
enum PlainWriter {
  /// Appends the selected values; byte arrays with a length before each.
  static func write(
    _ values: ColumnValues, _ selection: ValueSelection, to buffer: inout ByteBuffer
  ) {
    switch values.physicalType {
    case .boolean: writeBits(values, selection, to: &buffer)
    case .int32, .float: writeNumbers(values, selection, as: UInt32.self, to: &buffer)
    case .int64, .double: writeNumbers(values, selection, as: UInt64.self, to: &buffer)
    case .byteArray: writeByteStrings(values, selection, withLengths: true, to: &buffer)
    case .fixedLengthByteArray, .int96:
      writeByteStrings(values, selection, withLengths: false, to: &buffer)
    }
  }

  /// How many bytes ``write(_:_:to:)`` appends.
  static func byteCount(_ values: ColumnValues, _ selection: ValueSelection) -> Int {
    switch values.physicalType {
    case .boolean: (selection.count + 7) / 8
    case .int32, .float: selection.count * 4
    case .int64, .double: selection.count * 8
    case .byteArray: selection.count * 4 + stringByteCount(values, selection)
    case .fixedLengthByteArray, .int96: stringByteCount(values, selection)
    }
  }

  private static func stringByteCount(_ values: ColumnValues, _ selection: ValueSelection) -> Int {
    guard let slices = values.slices else { return 0 }
    var total = 0
    if let positions = selection.positions {
      for index in 0..<selection.count { total &+= Int(slices[Int(positions[index])].length) }
    } else {
      for index in selection.first..<selection.first + selection.count {
        total &+= Int(slices[index].length)
      }
    }
    return total
  }

  private static func writeBits(
    _ values: ColumnValues, _ selection: ValueSelection, to buffer: inout ByteBuffer
  ) {
    let source = values.base.assumingMemoryBound(to: Bool.self)
    var index = 0
    while index < selection.count {
      var byte: UInt8 = 0
      for bit in 0..<min(8, selection.count - index) where source[selection[index + bit]] {
        byte |= 1 << UInt8(bit)
      }
      buffer.append(byte)
      index += 8
    }
  }

  private static func writeNumbers<Bits: BitwiseCopyable>(
    _ values: ColumnValues, _ selection: ValueSelection, as: Bits.Type,
    to buffer: inout ByteBuffer
  ) {
    let width = MemoryLayout<Bits>.size
    buffer.reserve(selection.count * width)
    if let positions = selection.positions {
      let source = values.base.assumingMemoryBound(to: Bits.self)
      let target = buffer.end
      for index in 0..<selection.count {
        target.storeBytes(
          of: source[Int(positions[index])], toByteOffset: index &* width, as: Bits.self)
      }
      buffer.advance(selection.count * width)
    } else {
      buffer.append(
        UnsafeRawBufferPointer(
          start: values.base + selection.first * width, count: selection.count * width))
    }
  }

  /// Appends the bytes of the selected strings.
  static func writeByteStrings(
    _ values: ColumnValues, _ selection: ValueSelection, withLengths: Bool,
    to buffer: inout ByteBuffer
  ) {
    guard let slices = values.slices, selection.count > 0 else { return }
    let total =
      stringByteCount(values, selection) + (withLengths ? selection.count * 4 : 0)
    buffer.reserve(total + shortCopy)
    var target = buffer.end
    let lastShortStart = values.byteCount - shortCopy
    for index in 0..<selection.count {
      let slice = slices[selection[index]]
      if withLengths {
        target.storeBytes(of: slice.length, as: UInt32.self)
        target += 4
      }
      let length = Int(slice.length)
      let source = values.base + Int(slice.offset)
      if length <= shortCopy, Int(slice.offset) <= lastShortStart {
        // Copies beyond the string, which the next one overwrites: no branch on its length.
        target.storeBytes(
          of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
      } else {
        target.copyMemory(from: source, byteCount: length)
      }
      target += length
    }
    buffer.advance(total)
  }

  private static let shortCopy = 16
}
