import Testing

@testable import Parquet

/// Comparisons, logic of three values, and what statistics may conclude, against the simplest possible
/// evaluation.
@Suite struct RowPredicateTests {
  // MARK: Logic

  @Test func outcomesAreThoseOfEveryPairOfResults() {
    let all: [PredicateOutcomes] = [.isFalse, .isUnknown, .isTrue]
    let sets = (0..<8).map { PredicateOutcomes(rawValue: UInt8($0)) }
    for left in sets {
      #expect(left.negated.negated == left)
      for right in sets {
        var and: PredicateOutcomes = []
        var or: PredicateOutcomes = []
        for (a, x) in all.enumerated() where left.contains(x) {
          for (b, y) in all.enumerated() where right.contains(y) {
            and.insert(all[min(a, b)])
            or.insert(all[max(a, b)])
          }
        }
        #expect(left.and(right) == and, "\(left) \(right)")
        #expect(left.or(right) == or, "\(left) \(right)")
      }
    }
    #expect(PredicateOutcomes.isTrue.match == .all)
    #expect(PredicateOutcomes([.isFalse, .isUnknown]).match == .none)
    #expect(PredicateOutcomes([.isTrue, .isUnknown]).match == .some)
  }

  @Test func setsOfValuesAreWhatComparisonsSay() {
    func holds(_ comparison: RowPredicate.Comparison, _ value: Int, _ bound: Int) -> Bool {
      switch comparison {
      case .equal: value == bound
      case .notEqual: value != bound
      case .less: value < bound
      case .lessOrEqual: value <= bound
      case .greater: value > bound
      case .greaterOrEqual: value >= bound
      }
    }
    var sets: [(ValueSet<Int>, (Int) -> Bool)] = [
      (.everything, { _ in true }), (.nothing, { _ in false }),
    ]
    for comparison in RowPredicate.Comparison.allCases {
      sets.append((ValueSet(comparison, 5), { holds(comparison, $0, 5) }))
    }
    for points in [[], [5], [7, 2, 7, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9]] {
      sets.append((ValueSet(points: points), { points.contains($0) }))
    }
    for (set, isIn) in sets {
      for value in 0...10 { #expect(set.contains(value) == isIn(value)) }
      for low in 0...10 {
        for high in low...10 {
          let inside = (low...high).map(isIn)
          // Between two numbers there may be others, so that bounds may say less, never more.
          if inside.contains(true) { #expect(set.intersects(low, high)) }
          if inside.contains(false) { #expect(!set.covers(low, high)) }
          if low == high {
            #expect(set.intersects(low, high) == inside[0])
            #expect(set.covers(low, high) == inside[0])
          }
        }
        if (0...low).map(isIn).contains(true) { #expect(set.intersects(nil, low)) }
        if (low...10).map(isIn).contains(true) { #expect(set.intersects(low, nil)) }
        if (0...low).map(isIn).contains(false) { #expect(!set.covers(nil, low)) }
        if (low...10).map(isIn).contains(false) { #expect(!set.covers(low, nil)) }
      }
    }
    #expect(!ValueSet(.less, 5).intersects(5, 9))
    #expect(ValueSet(.less, 5).covers(0, 4))
    #expect(ValueSet(.notEqual, 5).covers(6, 9))
  }

  // MARK: Literals

  private static let decimal = ColumnDescriptor(
    name: "price", physicalType: .int32, logicalType: .decimal(precision: 9, scale: 2))

  /// Which of the stored numbers from -3000 to 3000 are chosen.
  private static func chosen(
    _ predicate: RowPredicate, _ column: ColumnDescriptor = decimal
  ) throws -> [Int32] {
    let stored = (-3000...3000).map { Int32($0) }
    let bound = try BoundPredicate(predicate, to: FileSchema(columns: [column]))
    return bound.truths([0: ColumnVector(values: .int32(stored))]).matches.map { stored[Int($0)] }
  }

  @Test func numbersAreComparedByValueWhateverTheScale() throws {
    #expect(try Self.chosen(column("price") == 19.99) == [1999])
    #expect(try Self.chosen(column("price") == .decimal(unscaled: 1999, scale: 2)) == [1999])
    #expect(try Self.chosen(column("price") == .decimal(unscaled: 19_990, scale: 3)) == [1999])
    #expect(try Self.chosen(column("price") == .decimal(unscaled: 19_991, scale: 3)) == [])
    #expect(try Self.chosen(column("price") != .decimal(unscaled: 19_991, scale: 3)).count == 6001)
    #expect(try Self.chosen(column("price") == 7) == [700])
    #expect(try Self.chosen(column("price") > 29.98) == [2999, 3000])
    #expect(try Self.chosen(column("price") > 29.985) == [2999, 3000])
    #expect(try Self.chosen(column("price") >= 29.985) == [2999, 3000])
    #expect(try Self.chosen(column("price") < -29.985) == [-3000, -2999])
    #expect(try Self.chosen(column("price") <= -29.985) == [-3000, -2999])
    #expect(try Self.chosen(column("price").isIn([1.25, 1.255, -30])) == [-3000, 125])
    #expect(try Self.chosen(column("price") < 1e300).count == 6001)
    #expect(try Self.chosen(column("price") > -Double.infinity).count == 6001)
    #expect(try Self.chosen(column("price") > 1e-300) == Self.chosen(column("price") > 0))
    #expect(try Self.chosen(column("price") == Double.nan) == [])
    #expect(try Self.chosen(column("price") != Double.nan).count == 6001)
    #expect(try Self.chosen(column("price") < Int128.min) == [])
    #expect(try Self.chosen(column("price") > UInt64.max) == [])
    let scales = [-50, 50]
    for scale in scales {
      #expect(
        try Self.chosen(column("price") < .decimal(unscaled: 1, scale: scale)).count
          == (scale < 0 ? 6001 : 3001))
      #expect(
        try Self.chosen(column("price") < .decimal(unscaled: -1, scale: scale)).count
          == (scale < 0 ? 0 : 3000))
    }
  }

  @Test func timesAreComparedWhateverTheUnit() throws {
    let time = ColumnDescriptor(
      name: "t", physicalType: .int32,
      logicalType: .time(unit: .milliseconds, isAdjustedToUTC: true))
    #expect(try Self.chosen(column("t") == .time(microseconds: 5000), time) == [5])
    #expect(try Self.chosen(column("t") == .time(microseconds: 5001), time) == [])
    #expect(try Self.chosen(column("t") >= .time(nanoseconds: 2_999_000_001), time) == [3000])
    #expect(
      try Self.chosen(column("t") < .time(nanoseconds: -2_998_999_999), time) == [-3000, -2999])
    let date = ColumnDescriptor(name: "d", physicalType: .int32, logicalType: .date)
    #expect(try Self.chosen(column("d") > .date(daysSince1970: 2999), date) == [3000])
  }

  /// Literals that no `Double` has exactly lie between two that are compared with them.
  @Test func numbersAreComparedWithLiteralsByValue() throws {
    let start: Double = 9_007_199_254_740_992  // 2^53, from which on every other number is one
    let whole = [start - 1, start, start + 2, start + 4, -start, -start - 2, 0, 1e30, -1e30]
    let values = whole + [.infinity, -.infinity, .nan, 0.1, 0.3, .leastNonzeroMagnitude]
    let schema = FileSchema(columns: [ColumnDescriptor(name: "x", physicalType: .double)])
    func bound(_ predicate: RowPredicate) throws -> BoundPredicate {
      try BoundPredicate(predicate, to: schema)
    }
    func chosen(_ predicate: RowPredicate) throws -> [Double] {
      let rows = try bound(predicate).truths([0: ColumnVector(values: .double(values))]).matches
      return rows.map { values[Int($0)] }.filter { !$0.isNaN }
    }
    /// Whether a value is below, at or above a number, in 128 bits.
    func order(_ value: Double, _ literal: Int128) -> Int {
      if value == .infinity { return 1 }
      if value == -.infinity { return -1 }
      let floor = Int128(value.rounded(.down))
      if floor != literal { return floor < literal ? -1 : 1 }
      return value > value.rounded(.down) ? 1 : 0
    }
    let two53 = Int128(start)
    let literals: [Int128] =
      (-3...5).map { two53 + $0 } + (-3...3).map { -two53 + $0 }
      + [0, 1, .max, .min, .max - 1, Int128(1e30) + 1, Int128(1e30) - 1]
    let numbers = values.filter { !$0.isNaN }
    for literal in literals {
      func expect(_ predicate: RowPredicate, _ holds: (Int) -> Bool) throws {
        let expected = numbers.filter { holds(order($0, literal)) }
        #expect(try chosen(predicate) == expected, "\(predicate)")
      }
      for value in [literal.predicateValue, .decimal(unscaled: literal, scale: 0)] {
        try expect(column("x") == value) { $0 == 0 }
        try expect(column("x") != value) { $0 != 0 }
        try expect(column("x") < value) { $0 < 0 }
        try expect(column("x") <= value) { $0 <= 0 }
        try expect(column("x") > value) { $0 > 0 }
        try expect(column("x") >= value) { $0 >= 0 }
        try expect(column("x").isIn([value, Double.nan.predicateValue])) { $0 == 0 }
        try expect(!(column("x") < value)) { $0 >= 0 }
      }
    }
    // Bounds are held against the same.
    var statistics = ColumnStatistics()
    statistics.minValue = withUnsafeBytes(of: start) { Array($0) }
    statistics.maxValue = statistics.minValue
    statistics.nullCount = 0
    statistics.nanCount = 0
    let facts = ColumnFacts(statistics: statistics, rowCount: 1, order: .typeDefined)
    #expect(try bound(column("x") == two53).outcomes { _ in facts }.match == .all)
    #expect(try bound(column("x") == two53 + 1).outcomes { _ in facts }.match == .none)
    #expect(try bound(column("x") < two53 + 1).outcomes { _ in facts }.match == .all)
    #expect(try bound(column("x") >= two53 + 1).outcomes { _ in facts }.match == .none)
    // Decimals are met by the number with their digits.
    #expect(try chosen(column("x") == .decimal(unscaled: 1, scale: 1)) == [0.1])
    let tenth = PredicateValue.decimal(unscaled: 10_000_000_000_000_000_001, scale: 20)
    #expect(try chosen(column("x") == tenth) == [])
    let above = try chosen(column("x") > tenth)
    #expect(!above.contains(0.1) && above.contains(0.3))
    let far: [(Int, [Double])] = [
      (400, numbers.filter { $0 > 0 }), (.max, numbers.filter { $0 > 0 }), (-400, [.infinity]),
      (.min, [.infinity]),
    ]
    for (scale, expected) in far {
      #expect(
        try chosen(column("x") > .decimal(unscaled: 7, scale: scale)) == expected, "\(scale)")
      #expect(
        try chosen(column("x") <= .decimal(unscaled: 7, scale: scale))
          == numbers.filter { !expected.contains($0) }, "\(scale)")
      #expect(try chosen(column("x") == .decimal(unscaled: -7, scale: scale)) == [], "\(scale)")
    }
  }

  @Test func numbersThatAreNoneAreUnequalToAll() throws {
    let values: [Double] = [.nan, -.infinity, -1, -0.0, 0.0, .leastNonzeroMagnitude, 1, .infinity]
    let schema = FileSchema(columns: [ColumnDescriptor(name: "x", physicalType: .double)])
    func chosen(_ predicate: RowPredicate) throws -> [UInt32] {
      try BoundPredicate(predicate, to: schema)
        .truths([0: ColumnVector(values: .double(values))]).matches
    }
    for (place, bound) in values.enumerated() {
      func places(_ holds: (Double) -> Bool) -> [UInt32] {
        values.indices.filter { holds(values[$0]) }.map { UInt32($0) }
      }
      #expect(try chosen(column("x") == bound) == places { $0 == bound }, "\(place)")
      #expect(try chosen(column("x") != bound) == places { $0 != bound }, "\(place)")
      #expect(try chosen(column("x") < bound) == places { $0 < bound }, "\(place)")
      #expect(try chosen(column("x") <= bound) == places { $0 <= bound }, "\(place)")
      #expect(try chosen(column("x") > bound) == places { $0 > bound }, "\(place)")
      #expect(try chosen(column("x") >= bound) == places { $0 >= bound }, "\(place)")
      #expect(try chosen(!(column("x") >= bound)) == places { !($0 >= bound) }, "\(place)")
    }
    #expect(try chosen(column("x").isIn([0.0, .nan, 1.0, .infinity])) == [3, 4, 6, 7])
  }

  @Test func predicatesThatDoNotFitAreRefused() {
    let schema = FileSchema(columns: [
      .string("text"), ColumnDescriptor(name: "n", physicalType: .int64),
      ColumnDescriptor(
        name: "at", physicalType: .int64,
        logicalType: .timestamp(unit: .microseconds, isAdjustedToUTC: true)),
      ColumnDescriptor(name: "tags", physicalType: .byteArray, list: ListShape()),
      ColumnDescriptor(
        name: "span", physicalType: .fixedLengthByteArray, logicalType: .interval, fixedLength: 12),
    ])
    let refused: [(RowPredicate, String, String)] = [
      (column("nothing") == 1, "nothing", "text, n, at"),
      (column("text") == 1, "text", "a String or bytes"),
      (column("n") == "1", "n", "a number"),
      (column("at") > 5, "at", "a timestamp"),
      (column("at") > .date(daysSince1970: 5), "at", "a timestamp"),
      (column("n") > 1 && !(column("tags") == "x"), "tags", "isNull"),
      (column("span") == [UInt8](repeating: 0, count: 12), "span", "can be compared"),
      (column("n").isIn([true]), "n", "a number"),
    ]
    for (predicate, name, expected) in refused {
      do throws(ParquetError) {
        _ = try BoundPredicate(predicate, to: schema)
        Issue.record("\(predicate) was accepted")
      } catch {
        #expect(error.kind == .misuse && error.column == name)
        #expect(error.expected.contains(expected), "\(error)")
      }
    }
    #expect(throws: Never.self) {
      _ = try BoundPredicate(column("tags").isNull && column("span").isNull, to: schema)
    }
  }

  @Test func predicatesSayWhatTheyAre() {
    let predicate = column("id") >= 5 && !(column("s").isIn(["a", "b"]) || column("x").isNull)
    #expect(
      "\(predicate)"
        == #"(column("id") >= 5 && !(column("s").isIn(["a", "b"]) || column("x").isNull))"#)
  }

  // MARK: Statistics

  private static func match(
    _ predicate: RowPredicate, _ column: ColumnDescriptor, order: ColumnOrder? = .typeDefined,
    rows: Int = 10, _ set: (inout ColumnStatistics) -> Void
  ) throws -> RowMatch {
    var statistics = ColumnStatistics()
    set(&statistics)
    return try BoundPredicate(predicate, to: FileSchema(columns: [column])).outcomes { _ in
      ColumnFacts(statistics: statistics, rowCount: rows, order: order)
    }.match
  }

  private static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  @Test func onlySoundBoundsAreBelieved() throws {
    let number = ColumnDescriptor(name: "n", physicalType: .int32)
    let unsigned = ColumnDescriptor(
      name: "n", physicalType: .int32, logicalType: .integer(bitWidth: 32, isSigned: false))
    func bound(_ statistics: inout ColumnStatistics) {
      statistics.minValue = Self.bytes(Int32(5))
      statistics.maxValue = Self.bytes(Int32(9))
      statistics.nullCount = 0
    }
    #expect(try Self.match(column("n") > 9, number, bound) == .none)
    #expect(try Self.match(column("n") > 4, number, bound) == .all)
    #expect(try Self.match(column("n") > 8, number, bound) == .some)
    #expect(try Self.match(!(column("n") > 9), number, bound) == .all)
    // Nulls may be there where the file does not say otherwise.
    #expect(
      try Self.match(column("n") > 4, number) {
        bound(&$0)
        $0.nullCount = nil
      } == .some)
    // No order, or one of later times: nothing is known.
    #expect(try Self.match(column("n") > 9, number, order: nil, bound) == .some)
    #expect(try Self.match(column("n") > 9, number, order: .unknown, bound) == .some)
    // Legacy bounds are signed.
    func legacy(_ statistics: inout ColumnStatistics) {
      statistics.legacyMinValue = Self.bytes(Int32(-5))
      statistics.legacyMaxValue = Self.bytes(Int32(9))
    }
    #expect(try Self.match(column("n") > 9, number, order: nil, legacy) == .none)
    #expect(try Self.match(column("n") == 12, unsigned, order: nil, legacy) == .some)
    #expect(
      try Self.match(column("n") == "b", .string("n"), order: nil) {
        $0.legacyMinValue = Array("x".utf8)
        $0.legacyMaxValue = Array("z".utf8)
      } == .some)
    // Unsigned bounds are above those of signed numbers.
    #expect(
      try Self.match(column("n") < 4_000_000_000, unsigned) {
        $0.minValue = Self.bytes(UInt32(4_000_000_000))
        $0.maxValue = Self.bytes(UInt32.max)
      } == .none)
    // Bounds of another length, or the wrong way round.
    #expect(
      try Self.match(column("n") > 9, number) {
        $0.minValue = [5]
        $0.maxValue = [9]
      } == .some)
    #expect(
      try Self.match(column("n") > 9, number) {
        $0.minValue = Self.bytes(Int32(9))
        $0.maxValue = Self.bytes(Int32(5))
      } == .some)
    // Only nulls.
    #expect(try Self.match(column("n") != 1, number) { $0.nullCount = 10 } == .none)
    #expect(try Self.match(column("n").isNull, number) { $0.nullCount = 10 } == .all)
    #expect(try Self.match(column("n").isNull, number) { $0.nullCount = 0 } == .none)
    #expect(try Self.match(!column("n").isNull, number) { $0.nullCount = 0 } == .all)
  }

  @Test func numbersThatAreNoneAreNotInBounds() throws {
    let number = ColumnDescriptor(name: "x", physicalType: .double, isOptional: false)
    func bound(
      _ low: Double, _ high: Double, nans: Int64? = nil
    ) -> (inout ColumnStatistics) -> Void {
      {
        $0.minValue = Self.bytes(low)
        $0.maxValue = Self.bytes(high)
        $0.nanCount = nans
      }
    }
    #expect(try Self.match(column("x") > 9, number, bound(1, 9)) == .none)
    #expect(try Self.match(column("x") > 0, number, bound(1, 9)) == .some)  // there may be NaN
    #expect(try Self.match(column("x") > 0, number, bound(1, 9, nans: 0)) == .all)
    #expect(try Self.match(column("x") != 5, number, bound(5, 5)) == .some)
    #expect(try Self.match(column("x") != 5, number, bound(5, 5, nans: 0)) == .none)
    #expect(try Self.match(!(column("x") > 9), number, bound(1, 9)) == .all)
    #expect(try Self.match(column("x") > 9, number, bound(1, .nan)) == .some)
    #expect(try Self.match(column("x") < 0, number, bound(.nan, 9)) == .some)
    // Zeros of either sign are equal.
    #expect(try Self.match(column("x") == -0.0, number, bound(0, 9)) == .some)
    #expect(try Self.match(column("x") < 0.0, number, bound(-0.0, 9)) == .none)
    let order = ColumnOrder.ieee754Total
    #expect(try Self.match(column("x") > 9, number, order: order, bound(1, 9)) == .none)
    #expect(try Self.match(column("x") > 9, number, order: order, bound(.nan, .nan)) == .some)
  }

  @Test func truncatedAndSignedByteBounds() throws {
    // "abc…" cut off to "ab" below and "ac" above.
    func bound(_ statistics: inout ColumnStatistics) {
      statistics.minValue = Array("ab".utf8)
      statistics.maxValue = Array("ac".utf8)
      statistics.isMinValueExact = false
      statistics.nullCount = 0
    }
    let text = ColumnDescriptor.string("t")
    #expect(try Self.match(column("t") == "abc", text, bound) == .some)
    #expect(try Self.match(column("t") == "aa", text, bound) == .none)
    #expect(try Self.match(column("t") < "ab", text, bound) == .none)
    #expect(try Self.match(column("t") >= "ab", text, bound) == .all)
    #expect(try Self.match(column("t") > "ab", text, bound) == .some)
    #expect(try Self.match(column("t") > "ac", text, bound) == .none)
    #expect(try Self.match(column("t") == "ż", text, bound) == .none)
    let decimal = ColumnDescriptor(
      name: "d", physicalType: .byteArray, logicalType: .decimal(precision: 30, scale: 1))
    func signed(_ statistics: inout ColumnStatistics) {
      statistics.minValue = [0xFF]  // -0.1
      statistics.maxValue = [0x00, 0x80]  // 12.8
    }
    #expect(try Self.match(column("d") > 12.8, decimal, signed) == .none)
    #expect(try Self.match(column("d") >= 12.75, decimal, signed) == .some)
    #expect(try Self.match(column("d") < -0.1, decimal, signed) == .none)
    #expect(try Self.match(column("d") == -0.1, decimal, signed) == .some)
  }
}
