/// Rows of a row group, as ranges: ascending, with a gap after each.
struct RowRanges: Sendable, Hashable {
  private(set) var ranges: [Range<Int>] = []
  /// How many rows there are.
  private(set) var count = 0

  init() {}

  init(_ range: Range<Int>) { append(range) }

  /// Takes in rows after all others.
  mutating func append(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    if let last = ranges.last, last.upperBound == range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
    } else {
      ranges.append(range)
    }
    count += range.count
  }

  var isEmpty: Bool { ranges.isEmpty }

  /// Whether any of these rows is in `range`.
  func overlaps(_ range: Range<Int>) -> Bool {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].lowerBound < range.upperBound && !range.isEmpty
  }

  /// The rows that are at these places among these rows.
  func rows(at positions: [UInt32]) -> RowRanges {
    var found = RowRanges()
    var current = 0
    var before = 0
    for position in positions {
      while Int(position) - before >= ranges[current].count {
        before += ranges[current].count
        current += 1
      }
      let row = ranges[current].lowerBound + Int(position) - before
      found.append(row..<row + 1)
    }
    return found
  }

  /// The places of these rows among the rows of `others`, which has them all.
  func positions(in others: RowRanges) -> [UInt32] {
    var positions: [UInt32] = []
    positions.reserveCapacity(count)
    var current = 0
    var before = 0
    for range in ranges {
      while others.ranges[current].upperBound <= range.lowerBound {
        before += others.ranges[current].count
        current += 1
      }
      let first = before + range.lowerBound - others.ranges[current].lowerBound
      for position in first..<first + range.count {
        positions.append(UInt32(truncatingIfNeeded: position))
      }
    }
    return positions
  }
}
