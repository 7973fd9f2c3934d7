/// Which results a condition may have for the rows of some part of a file.
///
/// It is found from statistics alone, so it may have more members than really occur, never fewer. What a
/// part can be skipped for follows: no row is chosen if none can be true, and each is if nothing else
/// can be.
struct PredicateOutcomes: OptionSet, Sendable {
  let rawValue: UInt8

  static let isTrue = PredicateOutcomes(rawValue: 1)
  static let isFalse = PredicateOutcomes(rawValue: 2)
  static let isUnknown = PredicateOutcomes(rawValue: 4)

  /// Results of two conditions joined by `&&`.
  func and(_ other: PredicateOutcomes) -> PredicateOutcomes {
    var result: PredicateOutcomes = []
    if contains(.isFalse) && !other.isEmpty || other.contains(.isFalse) && !isEmpty {
      result.insert(.isFalse)
    }
    if contains(.isTrue), other.contains(.isTrue) { result.insert(.isTrue) }
    let known: PredicateOutcomes = [.isTrue, .isUnknown]
    if contains(.isUnknown) && !other.isDisjoint(with: known)
      || other.contains(.isUnknown) && !isDisjoint(with: known)
    {
      result.insert(.isUnknown)
    }
    return result
  }

  /// Results of the negation.
  var negated: PredicateOutcomes {
    var result = intersection(.isUnknown)
    if contains(.isTrue) { result.insert(.isFalse) }
    if contains(.isFalse) { result.insert(.isTrue) }
    return result
  }

  /// Results of two conditions joined by `||`.
  func or(_ other: PredicateOutcomes) -> PredicateOutcomes {
    negated.and(other.negated).negated
  }

  /// Which rows are chosen.
  var match: RowMatch {
    if !contains(.isTrue) { return .none }
    return self == .isTrue ? .all : .some
  }
}

/// Which rows of a part of a file a ``RowPredicate`` chooses, as far as statistics tell.
public enum RowMatch: Sendable, Hashable {
  /// Certainly none.
  case none
  /// Some, all or none.
  case some
  /// Certainly all.
  case all
}

/// What is known of a column's values in a part of a file: a row group or a page.
struct ColumnFacts {
  /// Bounds and counts, if stated.
  var statistics: ColumnStatistics?
  /// How many rows the part has.
  var rowCount: Int
  /// How the bounds were found.
  var order: ColumnOrder?
  var bloomFilter: BloomFilter?
}

extension BoundPredicate {
  /// Which results the condition may have, given the facts of each tested column.
  func outcomes(_ facts: (_ column: Int) -> ColumnFacts) -> PredicateOutcomes {
    let outcomes = tests.map { $0.outcomes(facts($0.column)) }
    return Self.outcomes(root, outcomes)
  }

  private static func outcomes(
    _ node: Node, _ tests: [PredicateOutcomes]
  ) -> PredicateOutcomes {
    switch node {
    case .test(let index): tests[index]
    case .and(let left, let right): outcomes(left, tests).and(outcomes(right, tests))
    case .or(let left, let right): outcomes(left, tests).or(outcomes(right, tests))
    case .not(let node): outcomes(node, tests).negated
    }
  }
}

extension ColumnTest {
  /// Which results this test may have.
  func outcomes(_ facts: ColumnFacts) -> PredicateOutcomes {
    guard facts.rowCount > 0 else { return [] }
    var mayBeNull = true
    var mayHaveValue = true
    if descriptor.list == nil {
      let nulls = facts.statistics?.nullCount
      mayBeNull = descriptor.isOptional && nulls != 0
      mayHaveValue = nulls != Int64(facts.rowCount) || !descriptor.isOptional
    }
    var result: PredicateOutcomes = []
    if case .isNull = condition {
      if mayBeNull { result.insert(.isTrue) }
      if mayHaveValue { result.insert(.isFalse) }
      return result
    }
    if mayBeNull { result.insert(.isUnknown) }
    guard mayHaveValue else { return result }
    if mayMatch(facts) { result.insert(.isTrue) }
    if mayMiss(facts) { result.insert(.isFalse) }
    return result
  }

  private func mayMatch(_ facts: ColumnFacts) -> Bool {
    let (low, high) = bounds(facts)
    let isWithinBounds =
      switch condition {
      case .isNull: true
      case .integers(let set): set.intersects(low?.integer, high?.integer)
      case .numbers(let set, let matchesNaN):
        set.intersects(low?.number, high?.number)
          || matchesNaN && facts.statistics?.nanCount != 0
      case .bytes(let set): set.intersects(low?.bytes, high?.bytes)
      }
    guard isWithinBounds, let filter = facts.bloomFilter, let hashes = soughtHashes else {
      return isWithinBounds
    }
    return hashes.contains { filter.mayContain(hash: $0) }
  }

  private func mayMiss(_ facts: ColumnFacts) -> Bool {
    let (low, high) = bounds(facts)
    return switch condition {
    case .isNull: true
    case .integers(let set): !set.covers(low?.integer, high?.integer)
    case .numbers(let set, let matchesNaN):
      !set.covers(low?.number, high?.number) || !matchesNaN && facts.statistics?.nanCount != 0
    case .bytes(let set): !set.covers(low?.bytes, high?.bytes)
    }
  }

  // MARK: Bounds

  /// The bounds that can be believed: those found in the order of the column's type, or the legacy ones
  /// where that makes no difference. NaN is none, nor are bounds that contradict each other.
  private func bounds(_ facts: ColumnFacts) -> (StoredValue?, StoredValue?) {
    guard let kind, let statistics = facts.statistics, descriptor.logicalType != .unknown else {
      return (nil, nil)
    }
    var (smallest, largest) = (statistics.minValue, statistics.maxValue)
    let isKnown =
      switch facts.order {
      case .typeDefined: kind != .int96
      case .ieee754Total: kind.hasNaN
      case .int96Timestamp: kind == .int96
      case .unknown, nil: false
      }
    if !isKnown || smallest == nil && largest == nil {
      guard kind.isOrderedAsSigned else { return (nil, nil) }
      (smallest, largest) = (statistics.legacyMinValue, statistics.legacyMaxValue)
    }
    let low = smallest.flatMap { kind.value($0) }
    let high = largest.flatMap { kind.value($0) }
    if low?.isNaN ?? false || high?.isNaN ?? false { return (nil, nil) }
    if let low, let high, high < low { return (nil, nil) }
    return (low, high)
  }

  // MARK: Bloom filters

  /// Whether a bloom filter could tell that no value matches: those that do are few, and each has a
  /// single form in the file. No hash is found for that, which could take long.
  var canUseBloomFilter: Bool {
    switch (condition, kind) {
    case (.integers(let set), .int32), (.integers(let set), .int64): set.points != nil
    case (.integers(let set), .bigEndian): hashedLength != nil && set.points != nil
    case (.numbers(let set, false), .double), (.numbers(let set, false), .float):
      set.points != nil
    case (.bytes(let set), .bytes): set.points != nil
    default: false
    }
  }

  /// The length of a decimal's values that are hashed. Of variable length, the same number may be stored
  /// in several ways; and of any length a schema can state, it would take gigabytes to write one.
  private var hashedLength: Int? {
    descriptor.fixedLength.flatMap { $0 <= Self.longestHashed ? $0 : nil }
  }

  /// Bytes of the longest decimals that are looked for in bloom filters: 38 digits need 16.
  private static let longestHashed = 64

  /// The hashes of all values that match, as a bloom filter has them; nil if it cannot be used.
  private var soughtHashes: [UInt64]? {
    guard canUseBloomFilter else { return nil }
    func hash(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { XxHash64.hash($0) } }
    func hash<Value: BitwiseCopyable>(number: Value) -> UInt64 {
      withUnsafeBytes(of: number) { XxHash64.hash($0) }
    }
    switch (condition, kind) {
    case (.integers(let set), .int32(let isSigned)):
      return set.points?.compactMap { point in
        isSigned
          ? Int32(exactly: point).map(hash(number:)) : UInt32(exactly: point).map(hash(number:))
      }
    case (.integers(let set), .int64(let isSigned)):
      return set.points?.compactMap { point in
        isSigned
          ? Int64(exactly: point).map(hash(number:)) : UInt64(exactly: point).map(hash(number:))
      }
    case (.integers(let set), .bigEndian):
      guard let length = hashedLength else { return nil }
      return set.points?.map { point in
        hash((0..<length).reversed().map { UInt8(truncatingIfNeeded: point >> min($0 * 8, 127)) })
      }
    case (.numbers(let set, false), .double):
      return set.points?.flatMap { $0 == 0 ? [0.0, -0.0] : [$0] }.map(hash(number:))
    case (.numbers(let set, false), .float):
      return set.points?.flatMap { $0 == 0 ? [0.0, -0.0] : [$0] }.compactMap {
        Float(exactly: $0).map(hash(number:))
      }
    case (.bytes(let set), .bytes): return set.points?.map { hash($0.bytes) }
    default: return nil
    }
  }
}

extension StoredValue {
  var integer: Int128? { if case .integer(let value) = self { value } else { nil } }
  var number: Double? { if case .number(let value) = self { value } else { nil } }
  var bytes: ByteKey? { if case .bytes(let value) = self { value } else { nil } }
}
