/// The bounds of byte arrays, found in pages of PLAIN values just encoded: there the values lie one
/// after another, and in the cache, where in their column they are strewn over the source's text.
struct PlainPageBounds {
  /// Of a value longer than a bound may be, one byte more than a bound has.
  private static let keptBytes = StatisticsWriter.longestBound + 1

  private var smallest: [UInt8]?
  private var largest: [UInt8]?
  /// The bounds of the page taken in last, if it had values.
  private var lastPage: (smallest: [UInt8], largest: [UInt8])?

  /// Takes in values, each with its length before it.
  mutating func add(_ page: UnsafeRawBufferPointer) {
    lastPage = nil
    guard let base = page.baseAddress, page.count >= 4 else { return }
    let first = Self.slice(base, at: 0)
    // The first eight bytes as a number decide nearly every comparison.
    var (least, leastPrefix) = (first, Self.prefix(of: first, in: page))
    var (most, mostPrefix) = (least, leastPrefix)
    var position = 4 &+ Int(first.length)
    while position < page.count {
      let value = Self.slice(base, at: position)
      position = Int(value.offset) &+ Int(value.length)
      let prefix = Self.prefix(of: value, in: page)
      if prefix <= leastPrefix,
        prefix < leastPrefix || StatisticsWriter.precedes(value, least, at: base)
      {
        (least, leastPrefix) = (value, prefix)
      }
      if prefix >= mostPrefix,
        prefix > mostPrefix || StatisticsWriter.precedes(most, value, at: base)
      {
        (most, mostPrefix) = (value, prefix)
      }
    }
    let low = Self.kept(least, of: base)
    let high = Self.kept(most, of: base)
    lastPage = (low, high)
    if smallest.map({ low.lexicographicallyPrecedes($0) }) ?? true { smallest = low }
    if largest.map({ $0.lexicographicallyPrecedes(high) }) ?? true { largest = high }
  }

  /// Sets `minValue` and `maxValue`, unless there were no values.
  func set(in statistics: inout ColumnStatistics) {
    guard let smallest, let largest else { return }
    Self.set(smallest, largest, in: &statistics)
  }

  /// Sets `minValue` and `maxValue` to the bounds of the page taken in last, unless it had no values.
  func setLastPage(in statistics: inout ColumnStatistics) {
    guard let lastPage else { return }
    Self.set(lastPage.smallest, lastPage.largest, in: &statistics)
  }

  private static func set(
    _ smallest: [UInt8], _ largest: [UInt8], in statistics: inout ColumnStatistics
  ) {
    smallest.withUnsafeBytes { smallest in
      largest.withUnsafeBytes { largest in
        StatisticsWriter.set(smallest, largest, in: &statistics)
      }
    }
  }

  @inline(__always)
  private static func slice(_ base: UnsafeRawPointer, at position: Int) -> ByteSlice {
    ByteSlice(
      offset: UInt32(truncatingIfNeeded: position &+ 4),
      length: base.loadUnaligned(fromByteOffset: position, as: UInt32.self))
  }

  @inline(__always)
  private static func prefix(of slice: ByteSlice, in page: UnsafeRawBufferPointer) -> UInt64 {
    StatisticsWriter.prefix(of: slice, at: page.baseAddress.unsafelyUnwrapped, end: page.count)
  }

  private static func kept(_ slice: ByteSlice, of base: UnsafeRawPointer) -> [UInt8] {
    Array(
      UnsafeRawBufferPointer(
        start: base + Int(slice.offset), count: min(Int(slice.length), keptBytes)))
  }
}
