#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// Finds the bounds of a column chunk's values.
enum StatisticsWriter {
  /// Longest bound of a byte array; longer values are cut off, which the file says.
  static let longestBound = 64

  /// Sets `minValue` and `maxValue` of `statistics`.
  ///
  /// - Parameters:
  ///   - isUsed: For each value whether any row holds it; nil when all are.
  static func setBounds(
    of values: ColumnValues, isUsed: UnsafePointer<UInt8>?, order: SortOrder,
    in statistics: inout ColumnStatistics
  ) {
    switch order {
    case .undefined: return
    case .boolean: setBooleanBounds(of: values, isUsed, in: &statistics)
    case .signed, .unsigned:
      let isWide = values.physicalType == .int64
      switch (isWide, order == .signed) {
      case (false, true): setNumberBounds(of: values, isUsed, as: Int32.self, in: &statistics)
      case (false, false): setNumberBounds(of: values, isUsed, as: UInt32.self, in: &statistics)
      case (true, true): setNumberBounds(of: values, isUsed, as: Int64.self, in: &statistics)
      case (true, false): setNumberBounds(of: values, isUsed, as: UInt64.self, in: &statistics)
      }
    case .floatingPoint:
      if values.physicalType == .float {
        setFloatBounds(of: values, isUsed, as: Float.self, in: &statistics)
      } else {
        setFloatBounds(of: values, isUsed, as: Double.self, in: &statistics)
      }
    case .float16: setHalfBounds(of: values, isUsed, in: &statistics)
    case .bytes: setByteBounds(of: values, isUsed, in: &statistics)
    case .bigEndianSigned: setDecimalBounds(of: values, isUsed, in: &statistics)
    }
  }

  /// Sets the bounds of numbers.
  static func set<Value: BitwiseCopyable>(
    _ smallest: Value, _ largest: Value, in statistics: inout ColumnStatistics
  ) {
    statistics.minValue = withUnsafeBytes(of: smallest) { Array($0) }
    statistics.maxValue = withUnsafeBytes(of: largest) { Array($0) }
    statistics.isMinValueExact = true
    statistics.isMaxValueExact = true
  }

  private static func setBooleanBounds(
    of values: ColumnValues, _ isUsed: UnsafePointer<UInt8>?, in statistics: inout ColumnStatistics
  ) {
    let source = values.base.assumingMemoryBound(to: Bool.self)
    var sawFalse = false
    var sawTrue = false
    for index in 0..<values.count where isUsed.map({ $0[index] != 0 }) ?? true {
      if source[index] { sawTrue = true } else { sawFalse = true }
    }
    if sawFalse || sawTrue { set(!sawFalse, sawTrue, in: &statistics) }
  }

  private static func setNumberBounds<Value: FixedWidthInteger & BitwiseCopyable>(
    of values: ColumnValues, _ isUsed: UnsafePointer<UInt8>?, as: Value.Type,
    in statistics: inout ColumnStatistics
  ) {
    let source = values.base.assumingMemoryBound(to: Value.self)
    var smallest = Value.max
    var largest = Value.min
    if let isUsed {
      for index in 0..<values.count where isUsed[index] != 0 {
        smallest = min(smallest, source[index])
        largest = max(largest, source[index])
      }
    } else {
      for index in 0..<values.count {
        smallest = min(smallest, source[index])
        largest = max(largest, source[index])
      }
    }
    if smallest <= largest { set(smallest, largest, in: &statistics) }
  }

  /// NaN is no bound, and a zero bound has the sign that keeps it a bound whichever zeros there
  /// are (parquet.thrift, TypeDefinedOrder).
  private static func setFloatBounds<Value: BinaryFloatingPoint & BitwiseCopyable>(
    of values: ColumnValues, _ isUsed: UnsafePointer<UInt8>?, as: Value.Type,
    in statistics: inout ColumnStatistics
  ) {
    let source = values.base.assumingMemoryBound(to: Value.self)
    var smallest = Value.infinity
    var largest = -Value.infinity
    for index in 0..<values.count where isUsed.map({ $0[index] != 0 }) ?? true {
      let value = source[index]
      if value < smallest { smallest = value }
      if value > largest { largest = value }
    }
    // With only NaN, or only one of the infinities, a start value was never replaced.
    if smallest > largest {
      var sawPositive = false
      var sawNegative = false
      for index in 0..<values.count where isUsed.map({ $0[index] != 0 }) ?? true {
        if source[index] == .infinity { sawPositive = true }
        if source[index] == -.infinity { sawNegative = true }
      }
      guard sawPositive || sawNegative else { return }
      smallest = sawNegative ? -.infinity : .infinity
      largest = sawPositive ? .infinity : -.infinity
    }
    set(
      smallest == 0 ? -Value.zero : smallest, largest == 0 ? Value.zero : largest, in: &statistics)
  }

  private static func setHalfBounds(
    of values: ColumnValues, _ isUsed: UnsafePointer<UInt8>?, in statistics: inout ColumnStatistics
  ) {
    var smallest: HalfNumber?
    var largest: HalfNumber?
    for index in 0..<values.count where isUsed.map({ $0[index] != 0 }) ?? true {
      let number = HalfNumber(values.bytes(at: index))
      if number.isNaN { continue }
      if smallest.map({ number.rank < $0.rank }) ?? true { smallest = number }
      if largest.map({ number.rank > $0.rank }) ?? true { largest = number }
    }
    guard let smallest, let largest else { return }
    set(
      smallest.rank == 0 ? HalfNumber.negativeZero : smallest.bits,
      largest.rank == 0 ? HalfNumber.positiveZero : largest.bits, in: &statistics)
  }

  private static func setDecimalBounds(
    of values: ColumnValues, _ isUsed: UnsafePointer<UInt8>?, in statistics: inout ColumnStatistics
  ) {
    var smallest = -1
    var largest = -1
    for index in 0..<values.count where isUsed.map({ $0[index] != 0 }) ?? true {
      let bytes = values.bytes(at: index)
      if smallest < 0 || SortOrder.bigEndianSignedPrecedes(bytes, values.bytes(at: smallest)) {
        smallest = index
      }
      if largest < 0 || SortOrder.bigEndianSignedPrecedes(values.bytes(at: largest), bytes) {
        largest = index
      }
    }
    guard smallest >= 0 else { return }
    let bounds = (values.bytes(at: smallest), values.bytes(at: largest))
    guard bounds.0.count <= longestBound, bounds.1.count <= longestBound else { return }
    statistics.minValue = Array(bounds.0)
    statistics.maxValue = Array(bounds.1)
    statistics.isMinValueExact = true
    statistics.isMaxValueExact = true
  }

  private static func setByteBounds(
    of values: ColumnValues, _ isUsed: UnsafePointer<UInt8>?, in statistics: inout ColumnStatistics
  ) {
    guard let slices = values.slices else { return }
    // The first eight bytes as a number decide nearly every comparison.
    var smallest = -1
    var largest = -1
    var smallestPrefix = UInt64.max
    var largestPrefix = UInt64.min
    for index in 0..<values.count {
      if let isUsed, isUsed[index] == 0 { continue }
      let prefix = prefix(of: slices[index], at: values.base, end: values.byteCount)
      if prefix <= smallestPrefix {
        if smallest < 0 || prefix < smallestPrefix
          || precedes(slices[index], slices[smallest], at: values.base)
        {
          smallest = index
          smallestPrefix = prefix
        }
      }
      if prefix >= largestPrefix {
        if largest < 0 || prefix > largestPrefix
          || precedes(slices[largest], slices[index], at: values.base)
        {
          largest = index
          largestPrefix = prefix
        }
      }
    }
    guard smallest >= 0 else { return }
    let bounds = (values.bytes(at: smallest), values.bytes(at: largest))
    if values.physicalType == .fixedLengthByteArray, bounds.0.count > longestBound { return }
    set(bounds.0, bounds.1, in: &statistics)
  }

  /// Sets the bounds of byte arrays, cut off where they are too long.
  static func set(
    _ smallest: UnsafeRawBufferPointer, _ largest: UnsafeRawBufferPointer,
    in statistics: inout ColumnStatistics
  ) {
    statistics.minValue = lowerBound(smallest)
    statistics.isMinValueExact = smallest.count <= longestBound
    if let upper = upperBound(largest) {
      statistics.maxValue = upper
      statistics.isMaxValueExact = largest.count <= longestBound
    }
  }

  /// The first eight bytes, big-endian, filled up with zeros.
  ///
  /// - Parameter end: How many bytes there are at `base`.
  @inline(__always)
  static func prefix(of slice: ByteSlice, at base: UnsafeRawPointer, end: Int) -> UInt64 {
    let start = Int(slice.offset)
    let length = Int(slice.length)
    if start &+ 8 <= end {
      let eight = UInt64(bigEndian: (base + start).loadUnaligned(as: UInt64.self))
      // A smart shift: all of it for an empty string.
      return length >= 8 ? eight : eight & ~(UInt64.max >> UInt64(8 &* length))
    }
    var prefix: UInt64 = 0
    for index in 0..<min(length, 8) {
      let byte = (base + start + index).load(as: UInt8.self)
      prefix |= UInt64(byte) << UInt64(56 - 8 * index)
    }
    return prefix
  }

  static func precedes(
    _ left: ByteSlice, _ right: ByteSlice, at base: UnsafeRawPointer
  ) -> Bool {
    let order = memcmp(
      base + Int(left.offset), base + Int(right.offset), Int(min(left.length, right.length)))
    return order < 0 || order == 0 && left.length < right.length
  }

  /// `value`, or its longest prefix of whole characters in 64 bytes.
  static func lowerBound(_ value: UnsafeRawBufferPointer) -> [UInt8] {
    guard value.count > longestBound else { return Array(value) }
    return Array(value[..<characterBoundary(value)])
  }

  /// `value`, or something of at most 64 bytes that comes after every string starting like it;
  /// nil if there is no such thing.
  static func upperBound(_ value: UnsafeRawBufferPointer) -> [UInt8]? {
    guard value.count > longestBound else { return Array(value) }
    var bound = Array(value[..<characterBoundary(value)])
    if let text = String(validating: bound, as: UTF8.self) {
      var scalars = Array(text.unicodeScalars)
      while let last = scalars.popLast() {
        // The next scalar value; there are none from U+D800 to U+DFFF, nor above U+10FFFF.
        guard let next = Unicode.Scalar(last.value == 0xD7FF ? 0xE000 : last.value + 1) else {
          continue
        }
        var incremented = String.UnicodeScalarView(scalars)
        incremented.append(next)
        let bytes = Array(String(incremented).utf8)
        if bytes.count <= longestBound { return bytes }
      }
      return nil
    }
    while let last = bound.popLast() {
      if last < 0xFF { return bound + [last + 1] }
    }
    return nil
  }

  /// Where to cut `value` to at most 64 bytes: before a UTF-8 character, if it is UTF-8.
  private static func characterBoundary(_ value: UnsafeRawBufferPointer) -> Int {
    for end in stride(from: longestBound, to: longestBound - 4, by: -1)
    where value[end] & 0xC0 != 0x80 {
      return end
    }
    return longestBound
  }

  // MARK: NaN

  /// Sets `nanCount`, if the values are floating-point numbers.
  static func setNaNCount(
    of rows: ColumnRows, order: SortOrder, in statistics: inout ColumnStatistics
  ) {
    switch (order, rows.values.physicalType) {
    case (.floatingPoint, .float):
      let source = rows.values.base.assumingMemoryBound(to: Float.self)
      statistics.nanCount = count(rows) { source[$0].isNaN }
    case (.floatingPoint, .double):
      let source = rows.values.base.assumingMemoryBound(to: Double.self)
      statistics.nanCount = count(rows) { source[$0].isNaN }
    case (.float16, _):
      statistics.nanCount = count(rows) { HalfNumber(rows.values.bytes(at: $0)).isNaN }
    default: break
    }
  }

  @inline(__always)
  private static func count(_ rows: ColumnRows, where isCounted: (Int) -> Bool) -> Int64 {
    var count = 0
    for value in 0..<rows.values.count { count &+= isCounted(value) ? 1 : 0 }
    guard count > 0, let indices = rows.indices else { return Int64(count) }
    count = 0
    for element in 0..<rows.elementCount where indices[element] != ColumnVector.null {
      count &+= isCounted(Int(indices[element])) ? 1 : 0
    }
    return Int64(count)
  }
}

/// An IEEE 754 binary16 number, by its bits.
struct HalfNumber {
  static let positiveZero: UInt16 = 0
  static let negativeZero: UInt16 = 0x8000

  var bits: UInt16

  /// Takes the first two bytes, the lower one first.
  init(_ bytes: UnsafeRawBufferPointer) {
    bits = bytes.count < 2 ? 0 : UInt16(bytes[0]) | UInt16(bytes[1]) << 8
  }

  var isNaN: Bool { bits & 0x7FFF > 0x7C00 }

  /// A number that orders numbers as their values are ordered; 0 for both zeros.
  var rank: Int { bits & 0x8000 == 0 ? Int(bits) : -Int(bits & 0x7FFF) }
}
