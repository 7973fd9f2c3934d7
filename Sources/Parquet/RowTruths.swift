#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// The result of a condition for each row: ``no``, ``unknown`` or ``yes``, in this order, so that `&&` is
/// the lesser and `||` the greater of two.
struct RowTruths {
  static let no: UInt8 = 0
  static let unknown: UInt8 = 1
  static let yes: UInt8 = 2

  var values: [UInt8]

  /// The rows for which it is true.
  var matches: [UInt32] {
    [UInt32](unsafeUninitializedCapacity: values.count) { target, count in
      var found = 0
      values.withUnsafeBufferPointer { values in
        for row in 0..<values.count {
          target[found] = UInt32(truncatingIfNeeded: row)
          found &+= values[row] == Self.yes ? 1 : 0
        }
      }
      count = found
    }
  }

  private func combined(_ other: RowTruths, _ choose: (UInt8, UInt8) -> UInt8) -> RowTruths {
    precondition(values.count == other.values.count)
    return RowTruths(
      values: [UInt8](unsafeUninitializedCapacity: values.count) { target, count in
        values.withUnsafeBufferPointer { left in
          other.values.withUnsafeBufferPointer { right in
            for row in 0..<left.count { target[row] = choose(left[row], right[row]) }
          }
        }
        count = values.count
      })
  }

  func and(_ other: RowTruths) -> RowTruths { combined(other) { min($0, $1) } }
  func or(_ other: RowTruths) -> RowTruths { combined(other) { max($0, $1) } }
  var negated: RowTruths { RowTruths(values: values.map { Self.yes - $0 }) }
}

extension BoundPredicate {
  /// Tests rows.
  ///
  /// - Parameter columns: The columns that are tested, by position, all of the same rows.
  func truths(_ columns: [Int: ColumnVector]) -> RowTruths {
    truths(root, columns)
  }

  private func truths(_ node: Node, _ columns: [Int: ColumnVector]) -> RowTruths {
    switch node {
    case .test(let index):
      guard let vector = columns[tests[index].column] else { return RowTruths(values: []) }
      return tests[index].truths(vector)
    case .and(let left, let right): return truths(left, columns).and(truths(right, columns))
    case .or(let left, let right): return truths(left, columns).or(truths(right, columns))
    case .not(let node): return truths(node, columns).negated
    }
  }
}

extension ColumnTest {
  /// Tests rows. Each distinct value of a dictionary-coded column is tested once.
  func truths(_ vector: ColumnVector) -> RowTruths {
    if case .isNull = condition { return nulls(vector) }
    let values = truths(of: vector.values)
    guard let indices = vector.indices else { return RowTruths(values: values) }
    return RowTruths(
      values: [UInt8](unsafeUninitializedCapacity: indices.count) { target, count in
        values.withUnsafeBufferPointer { values in
          indices.withUnsafeBufferPointer { indices in
            for row in 0..<indices.count {
              let index = indices[row]
              target[row] = index == ColumnVector.null ? RowTruths.unknown : values[Int(index)]
            }
          }
        }
        count = indices.count
      })
  }

  private func nulls(_ vector: ColumnVector) -> RowTruths {
    let isNull =
      if let lists = vector.lists {
        lists.isNull ?? [Bool](repeating: false, count: lists.rowCount)
      } else {
        vector.indices.map { $0.map { $0 == ColumnVector.null } }
          ?? [Bool](repeating: false, count: vector.rowCount)
      }
    return RowTruths(values: isNull.map { $0 ? RowTruths.yes : RowTruths.no })
  }

  private func truths(of values: PhysicalValues) -> [UInt8] {
    switch (condition, values) {
    case (.integers(let set), .boolean(let values)):
      let results = [set.contains(0), set.contains(1)].map { $0 ? RowTruths.yes : RowTruths.no }
      return values.map { results[$0 ? 1 : 0] }
    case (.integers(let set), .int32(let values)):
      return Self.truths(values, set, isSigned: kind == .int32(isSigned: true))
    case (.integers(let set), .int64(let values)):
      return Self.truths(values, set, isSigned: kind == .int64(isSigned: true))
    case (.integers(let set), .int96(let values)):
      return values.map { set.contains($0.nanoseconds) ? RowTruths.yes : RowTruths.no }
    case (.integers(let set), .byteArray(let strings)),
      (.integers(let set), .fixedLengthByteArray(let strings)):
      return Self.truths(strings) { set.contains(StoredKind.integer(bigEndian: $0)) }
    case (.numbers(let set, let matchesNaN), .float(let values)):
      return Self.truths(values, set, matchesNaN: matchesNaN)
    case (.numbers(let set, let matchesNaN), .double(let values)):
      return Self.truths(values, set, matchesNaN: matchesNaN)
    case (.numbers(let set, let matchesNaN), .fixedLengthByteArray(let strings)):
      return Self.truths(strings) { bytes in
        guard bytes.count == 2 else { return false }
        let value = StoredKind.double(float16: bytes.loadUnaligned(as: UInt16.self))
        return value.isNaN ? matchesNaN : set.contains(value)
      }
    case (.bytes(let set), .byteArray(let strings)),
      (.bytes(let set), .fixedLengthByteArray(let strings)):
      return Self.truths(strings, set)
    default:
      // A test is bound to its column's type, and so are the column's values.
      return [UInt8](repeating: RowTruths.no, count: values.count)
    }
  }

  // MARK: Loops

  /// Tests integers. Unsigned ones are turned, and the set with them, so that their order becomes that of
  /// signed ones.
  private static func truths<Value: FixedWidthInteger & SignedInteger>(
    _ values: [Value], _ set: ValueSet<Int128>, isSigned: Bool
  ) -> [UInt8] {
    let turn: Value = isSigned ? 0 : .min
    // What is beyond the width of `Value` stays beyond it.
    let most = Int128(Value.max) * 4
    func turned(_ bound: Int128, _ step: Int128) -> Int128 {
      min(max(bound, -most), most) + step + (isSigned ? 0 : Int128(Value.min))
    }
    var intervals: [(low: Value, high: Value)] = []
    for interval in set.intervals {
      let low = interval.lower.map { turned($0, interval.includesLower ? 0 : 1) } ?? .min
      let high = interval.upper.map { turned($0, interval.includesUpper ? 0 : -1) } ?? .max
      guard low <= high, low <= Int128(Value.max), high >= Int128(Value.min) else { continue }
      intervals.append((Value(clamping: low), Value(clamping: high)))
    }
    return truths(values, intervals) { $0 ^ turn }
  }

  /// Tests numbers.
  private static func truths<Value: BinaryFloatingPoint>(
    _ values: [Value], _ set: ValueSet<Double>, matchesNaN: Bool
  ) -> [UInt8] {
    var intervals: [(low: Double, high: Double)] = []
    for interval in set.intervals {
      if interval.lower == .infinity && !interval.includesLower { continue }
      if interval.upper == -.infinity && !interval.includesUpper { continue }
      let low = interval.lower.map { interval.includesLower ? $0 : $0.nextUp } ?? -.infinity
      let high = interval.upper.map { interval.includesUpper ? $0 : $0.nextDown } ?? .infinity
      if low <= high { intervals.append((low, high)) }
    }
    var result = truths(values, intervals) { Double($0) }
    if matchesNaN {
      for index in values.indices where values[index].isNaN { result[index] = RowTruths.yes }
    }
    return result
  }

  /// Tests values by keys, against ascending intervals that include their ends.
  @inline(__always)
  private static func truths<Value, Key: Comparable>(
    _ values: [Value], _ intervals: [(low: Key, high: Key)], key: (Value) -> Key
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: values.count) { target, count in
      count = values.count
      guard let first = intervals.first, let last = intervals.last else {
        target.initialize(repeating: RowTruths.no)
        return
      }
      if intervals.count <= 2 {
        for index in 0..<values.count {
          let key = key(values[index])
          let isInside =
            first.low <= key && key <= first.high || last.low <= key && key <= last.high
          target[index] = isInside ? RowTruths.yes : RowTruths.no
        }
        return
      }
      for index in 0..<values.count {
        let key = key(values[index])
        var low = 0
        var high = intervals.count
        while low < high {
          let middle = (low + high) / 2
          if intervals[middle].high < key { low = middle + 1 } else { high = middle }
        }
        let isInside = low < intervals.count && intervals[low].low <= key
        target[index] = isInside ? RowTruths.yes : RowTruths.no
      }
    }
  }

  /// Tests byte strings.
  private static func truths(_ strings: ByteStrings, _ set: ValueSet<ByteKey>) -> [UInt8] {
    if let points = set.points, points.count == 1 {
      // Equality with one value, the most frequent test: most strings differ in length or first byte.
      return points[0].bytes.withUnsafeBytes { sought in
        truths(strings) { $0.count == sought.count && order($0, sought) == 0 }
      }
    }
    return truths(strings) { bytes in
      set.contains { bound in bound.bytes.withUnsafeBytes { order(bytes, $0) } }
    }
  }

  private static func truths(
    _ strings: ByteStrings, _ matches: (UnsafeRawBufferPointer) -> Bool
  ) -> [UInt8] {
    withExtendedLifetime(strings.storage) {
      (0..<strings.count).map {
        matches(strings.unsafeBytes(at: $0)) ? RowTruths.yes : RowTruths.no
      }
    }
  }

  /// Negative, 0 or positive as `left` comes before, is equal to, or comes after `right`.
  private static func order(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Int {
    let count = min(left.count, right.count)
    if let left = left.baseAddress, let right = right.baseAddress {
      let order = memcmp(left, right, count)
      if order != 0 { return Int(order) }
    }
    return left.count - right.count
  }
}
