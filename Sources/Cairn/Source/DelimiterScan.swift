/// Offsets of the delimiters in a stretch of text, in a buffer of fixed size.
struct DelimiterScan: ~Copyable {
  /// How many offsets can be held.
  let capacity: Int
  /// The offsets, ascending; then, up to `capacity` + `slack`, at least `slack` times `UInt32.max`.
  let offsets: UnsafeMutablePointer<UInt32>
  private let slack: Int
  /// How many offsets were found.
  private(set) var count = 0
  /// Whether a byte that is not ASCII was seen.
  private(set) var hasNonASCII = false

  /// Makes a buffer for `capacity` offsets, after which `slack` entries may be looked at.
  init(capacity: Int, slack: Int) {
    self.capacity = max(capacity, 128)
    self.slack = slack
    offsets = .allocate(capacity: self.capacity + slack)
  }

  deinit { offsets.deallocate() }

  /// Finds the delimiters that lie wholly within `start..<end`.
  ///
  /// - Parameter text: Text with ``TextBuffer/padding`` readable bytes after `end`.
  /// - Returns: Where the search ended: `end`, or before it when the buffer is full.
  mutating func scan(
    _ text: UnsafeRawPointer, from start: Int, to end: Int, for delimiter: borrowing Delimiter
  ) -> Int {
    count = 0
    hasNonASCII = false
    let reached =
      switch delimiter.count {
      case 1: collect(text, start, end, delimiter, length: 1, isPair: false)
      case 2: collect(text, start, end, delimiter, length: 2, isPair: true)
      default: collect(text, start, end, delimiter, length: delimiter.count, isPair: true)
      }
    if delimiter.count > 2 { keepMatches(of: delimiter, in: text) }
    if delimiter.overlapsItself { dropOverlaps(length: delimiter.count) }
    for index in count..<count + slack { offsets[index] = .max }
    return reached
  }

  @inline(__always)
  private mutating func collect(
    _ text: UnsafeRawPointer, _ start: Int, _ end: Int, _ delimiter: borrowing Delimiter,
    length: Int, isPair: Bool
  ) -> Int {
    let first = UInt8(truncatingIfNeeded: delimiter.word)
    let second = UInt8(truncatingIfNeeded: delimiter.word >> 8)
    let offsets = self.offsets
    let last = end - length
    var count = 0
    var nonASCII: UInt64 = 0
    var position = start
    while position < end, count <= capacity - 64 {
      var (matches, high) = ByteMatch.pairs(
        at: text + position, first: first, second: second, needsSecond: isPair)
      if position + 63 > last {
        // The last block: what lies behind the end does not count.
        let valid = max(last + 1 - position, 0)
        if valid < 64 { matches &= (1 << UInt64(valid)) - 1 }
        if end - position < 64 { high &= (1 << UInt64(end - position)) - 1 }
      }
      nonASCII |= high
      let found = matches.nonzeroBitCount
      var target = offsets + count
      let base = UInt32(truncatingIfNeeded: position)
      // Eight at a time, whether there are as many or not: a loop over the bits would be
      // mispredicted at its end each time.
      repeat {
        for index in 0..<8 {
          target[index] = base &+ UInt32(truncatingIfNeeded: matches.trailingZeroBitCount)
          matches &= matches &- 1
        }
        target += 8
      } while matches != 0
      count += found
      position += 64
    }
    self.count = count
    hasNonASCII = nonASCII != 0
    return min(position, end)
  }

  /// Keeps the offsets at which the whole delimiter stands, not only its first two bytes.
  private mutating func keepMatches(of delimiter: borrowing Delimiter, in text: UnsafeRawPointer) {
    var kept = 0
    for index in 0..<count {
      let offset = offsets[index]
      let word = UInt64(
        littleEndian: text.loadUnaligned(fromByteOffset: Int(offset), as: UInt64.self))
      offsets[kept] = offset
      if word & delimiter.mask == delimiter.word { kept += 1 }
    }
    count = kept
  }

  /// Keeps the leftmost of matches that overlap.
  private mutating func dropOverlaps(length: Int) {
    var kept = 0
    var free: UInt32 = 0
    for index in 0..<count where offsets[index] >= free {
      free = offsets[index] + UInt32(length)
      offsets[kept] = offsets[index]
      kept += 1
    }
    count = kept
  }
}
