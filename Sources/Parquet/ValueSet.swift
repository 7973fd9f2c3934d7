/// A set of values of an ordered type, as intervals: what a comparison with a column is turned into, so
/// that rows and bounds are held against one thing only.
struct ValueSet<Value: Comparable & Sendable>: Sendable {
  /// The values between two bounds; a bound that is nil bounds nothing.
  struct Interval: Sendable {
    var lower: Value?
    var includesLower = true
    var upper: Value?
    var includesUpper = true
  }

  /// Ascending, without common values.
  private(set) var intervals: [Interval]

  private init(intervals: [Interval]) { self.intervals = intervals }

  /// Every value.
  static var everything: ValueSet { ValueSet(intervals: [Interval()]) }
  /// No value.
  static var nothing: ValueSet { ValueSet(intervals: []) }

  /// The values that compare so with `value`.
  init(_ comparison: RowPredicate.Comparison, _ value: Value) {
    let before = Interval(upper: value, includesUpper: false)
    let after = Interval(lower: value, includesLower: false)
    intervals =
      switch comparison {
      case .equal: [Interval(lower: value, upper: value)]
      case .notEqual: [before, after]
      case .less: [before]
      case .lessOrEqual: [Interval(upper: value)]
      case .greater: [after]
      case .greaterOrEqual: [Interval(lower: value)]
      }
  }

  /// The values given.
  init(points: [Value]) {
    intervals = []
    for value in points.sorted() where intervals.last?.upper.map({ $0 < value }) ?? true {
      intervals.append(Interval(lower: value, upper: value))
    }
  }

  /// The values themselves, if they are few enough to be given one by one.
  var points: [Value]? {
    var points: [Value] = []
    for interval in intervals {
      guard let lower = interval.lower, let upper = interval.upper, lower == upper else {
        return nil
      }
      points.append(lower)
    }
    return points
  }

  /// The first interval that does not end before the value or bound that `order` tells the place of:
  /// negative for one before its argument, positive for one after it.
  private func first(_ order: (Value) -> Int) -> Int {
    var low = 0
    var high = intervals.count
    while low < high {
      let middle = (low + high) / 2
      let interval = intervals[middle]
      let isBeyond =
        interval.upper.map { order($0) > 0 || order($0) == 0 && !interval.includesUpper } ?? false
      if isBeyond { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Whether the set has a value, of which `order` tells whether it is before (negative), equal to (0)
  /// or after (positive) its argument.
  func contains(_ order: (Value) -> Int) -> Bool {
    let index = first(order)
    guard index < intervals.count else { return false }
    let interval = intervals[index]
    guard let lower = interval.lower else { return true }
    let place = order(lower)
    return place > 0 || place == 0 && interval.includesLower
  }

  func contains(_ value: Value) -> Bool {
    contains { value < $0 ? -1 : value == $0 ? 0 : 1 }
  }

  /// Whether the set may have a value from `low` to `high`, both included; nil is no bound.
  func intersects(_ low: Value?, _ high: Value?) -> Bool {
    let index = low.map { low in first { low < $0 ? -1 : low == $0 ? 0 : 1 } } ?? 0
    guard index < intervals.count else { return false }
    guard let lower = intervals[index].lower, let high else { return true }
    return lower < high || lower == high && intervals[index].includesLower
  }

  /// Whether the set certainly has every value from `low` to `high`, both included; nil is no bound.
  func covers(_ low: Value?, _ high: Value?) -> Bool {
    let index = low.map { low in first { low < $0 ? -1 : low == $0 ? 0 : 1 } } ?? 0
    guard index < intervals.count else { return false }
    let interval = intervals[index]
    if let lower = interval.lower {
      guard let low, lower < low || lower == low && interval.includesLower else { return false }
    }
    if let upper = interval.upper {
      guard let high, high < upper || high == upper && interval.includesUpper else {
        return false
      }
    }
    return true
  }
}
