/// Which values of a dictionary-coded column its rows refer to.
struct IndexUsage: ~Copyable {
  private var marks = ScratchArray<UInt8>()
  private var renumbered = ScratchArray<UInt32>()
  private var kept = ScratchArray<UInt32>()

  /// Rows without a value.
  private(set) var nullCount = 0
  /// Values that some row holds.
  private(set) var usedCount = 0
  /// For each value whether some row holds it; nil when every value is held, or for plain columns.
  private(set) var isUsed: UnsafePointer<UInt8>?
  /// For each value its place among the used ones; nil when every value is used.
  private(set) var codes: UnsafePointer<UInt32>?
  /// The used values, in order; nil when every value is used.
  private(set) var used: UnsafePointer<UInt32>?

  init() {}

  /// Forgets the last column: a plain one of `count` values follows.
  mutating func setPlain(count: Int) {
    nullCount = 0
    usedCount = count
    isUsed = nil
    codes = nil
    used = nil
  }

  /// Takes equal values together: from now on the used ones are those at `used`.
  mutating func setDictionary(
    codes: UnsafePointer<UInt32>, used: UnsafePointer<UInt32>, usedCount: Int
  ) {
    self.codes = codes
    self.used = used
    self.usedCount = usedCount
  }

  /// Looks through the indices of a column of `valueCount` values.
  ///
  /// - Throws: ``ParquetError`` if an index is neither below `valueCount` nor null.
  mutating func measure(
    _ indices: UnsafeBufferPointer<UInt32>, valueCount: Int
  ) throws(ParquetError) {
    setPlain(count: valueCount)
    let marks = self.marks.room(for: valueCount + 1)
    marks.update(repeating: 0, count: valueCount + 1)
    // Every index beyond the values marks the place after them: no branch in this loop.
    for index in indices { marks[min(Int(index), valueCount)] = 1 }
    if marks[valueCount] != 0 {
      var beyond = 0
      for index in indices {
        nullCount &+= index == ColumnVector.null ? 1 : 0
        beyond &+= Int(index) >= valueCount ? 1 : 0
      }
      if beyond != nullCount,
        let row = indices.firstIndex(where: {
          $0 != ColumnVector.null && Int($0) >= valueCount
        })
      {
        throw ParquetError(
          .invalidValues, expected: "indices below the \(valueCount) values, or null",
          found: "\(indices[row]) in row \(row)")
      }
    }
    usedCount = 0
    for value in 0..<valueCount { usedCount &+= Int(marks[value]) }
    if usedCount < valueCount { renumber(marks, valueCount) }
  }

  private mutating func renumber(_ marks: UnsafeMutablePointer<UInt8>, _ valueCount: Int) {
    let renumbered = self.renumbered.room(for: valueCount)
    let kept = self.kept.room(for: valueCount)
    var next: UInt32 = 0
    for value in 0..<valueCount {
      renumbered[value] = next
      kept[Int(next)] = UInt32(truncatingIfNeeded: value)
      next &+= UInt32(marks[value])
    }
    isUsed = UnsafePointer(marks)
    codes = UnsafePointer(renumbered)
    used = UnsafePointer(kept)
  }
}
