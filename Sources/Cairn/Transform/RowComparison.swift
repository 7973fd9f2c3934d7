internal import Parquet

/// A rule across two columns, compiled.
struct RowComparison: Sendable {
  let rule: RowRule
  /// Positions of the two columns.
  let left: Int
  let right: Int

  /// Compiles a rule for columns of these names and types.
  ///
  /// - Throws: ``ColumnPlan/Problem`` when a column is unknown or the two do not compare.
  init(
    _ rule: RowRule, columns: [(name: String, type: ColumnType)]
  ) throws(ColumnPlan.Problem) {
    func position(of name: String) throws(ColumnPlan.Problem) -> Int {
      guard let position = columns.firstIndex(where: { $0.name == name }) else {
        throw ColumnPlan.Problem(
          key: "check",
          message: "no column '\(name)' is loaded"
            + NearestName.hint(for: name, among: columns.map(\.name)))
      }
      return position
    }
    self.rule = rule
    left = try position(of: rule.left)
    right = try position(of: rule.right)
    let types = (columns[left].type, columns[right].type)
    guard Self.canCompare(types.0, types.1) else {
      throw ColumnPlan.Problem(
        key: "check",
        message: "'\(rule.left)' (\(types.0)) and '\(rule.right)' (\(types.1)) do not compare; "
          + "give them one type")
    }
    if !Self.hasOrder(types.0), rule.comparison != .equal, rule.comparison != .notEqual {
      throw ColumnPlan.Problem(
        key: "check",
        message: "\(types.0) has no order: '\(rule.comparison.rawValue)' can only be '==' or '!='")
    }
  }

  private static func canCompare(_ left: ColumnType, _ right: ColumnType) -> Bool {
    left == right || (isExactNumber(left) && isExactNumber(right))
  }

  private static func isExactNumber(_ type: ColumnType) -> Bool {
    switch type {
    case .integer, .bigint, .numeric: true
    default: false
    }
  }

  private static func hasOrder(_ type: ColumnType) -> Bool {
    switch type {
    case .boolean, .uuid, .json: false
    default: true
    }
  }

  /// The rows that break the rule, ascending. A row where either side has no value keeps it.
  ///
  /// - Parameter skipped: For each row whether one of its values could not be read; such rows are
  ///   not compared. Nil when there are none.
  func broken(left: Column, right: Column, skipped: [Bool]?) -> [UInt32] {
    switch (left.values, right.values) {
    case (.text(let first), .text(let second)):
      return rows(left, right, skipped) {
        let (a, b) = (first.unsafeBytes(at: $0), second.unsafeBytes(at: $1))
        return a.lexicographicallyPrecedes(b) ? -1 : b.lexicographicallyPrecedes(a) ? 1 : 0
      }
    case (.boolean(let first), .boolean(let second)):
      return rows(left, right, skipped) { first[$0] == second[$1] ? 0 : 1 }
    case (.double(let first), .double(let second)):
      return rows(left, right, skipped) { Self.order(first[$0], second[$1]) }
    case (.integer(let first), .integer(let second)), (.date(let first), .date(let second)):
      return rows(left, right, skipped) { Self.order(first[$0], second[$1]) }
    case (.bigint(let first), .bigint(let second)), (.time(let first), .time(let second)),
      (.timestamp(let first), .timestamp(let second)):
      return rows(left, right, skipped) { Self.order(first[$0], second[$1]) }
    case (.uuid(let first), .uuid(let second)):
      return rows(left, right, skipped) { Self.order(first[$0], second[$1]) }
    default:
      let scale = max(Self.scale(of: left.type), Self.scale(of: right.type))
      let first = Self.exactNumbers(left, scale: scale)
      let second = Self.exactNumbers(right, scale: scale)
      return rows(left, right, skipped) { Self.order(first[$0], second[$1]) }
    }
  }

  @inline(__always)
  private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Int {
    left < right ? -1 : left == right ? 0 : 1
  }

  @inline(__always)
  private func rows(
    _ left: Column, _ right: Column, _ skipped: [Bool]?, _ order: (Int, Int) -> Int
  ) -> [UInt32] {
    let accepted: (less: Bool, equal: Bool, greater: Bool)
    switch rule.comparison {
    case .less: accepted = (true, false, false)
    case .lessOrEqual: accepted = (true, true, false)
    case .equal: accepted = (false, true, false)
    case .notEqual: accepted = (true, false, true)
    case .greaterOrEqual: accepted = (false, true, true)
    case .greater: accepted = (false, false, true)
    }
    var broken: [UInt32] = []
    for row in 0..<left.rowCount {
      guard skipped?[row] != true, let first = left.valueIndex(atRow: row),
        let second = right.valueIndex(atRow: row)
      else { continue }
      let order = order(first, second)
      let holds = order < 0 ? accepted.less : order == 0 ? accepted.equal : accepted.greater
      if !holds { broken.append(UInt32(row)) }
    }
    return broken
  }

  private static func scale(of type: ColumnType) -> Int {
    if case .numeric(_, let scale) = type { return scale }
    return 0
  }

  /// The column's values times 10^`scale`, as large as fits: only one side can be too large, and is
  /// larger than the other then.
  private static func exactNumbers(_ column: Column, scale: Int) -> [Int128] {
    let factor = Powers.ofTen[scale - Self.scale(of: column.type)]
    func scaled(_ value: Int128) -> Int128 {
      let (product, overflow) = value.multipliedReportingOverflow(by: factor)
      return overflow ? (value < 0 ? .min : .max) : product
    }
    switch column.values {
    case .integer(let values): return values.map { scaled(Int128($0)) }
    case .bigint(let values): return values.map { scaled(Int128($0)) }
    case .numeric(let values): return values.map(scaled)
    default: return []
    }
  }
}
