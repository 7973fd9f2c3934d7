/// A condition that rows are chosen by: comparisons of columns with values, joined by `&&`, `||`, `!`.
///
/// ```swift
/// column("id") >= 5 && column("status").isIn(["open", "late"]) && !column("closed_at").isNull
/// ```
///
/// Logic has three values, as in SQL: a comparison with a null is neither true nor false but unknown, as
/// is its negation, and a row is chosen only when the whole condition is true. NaN is unequal to every
/// number, itself included, and neither before nor after any (IEEE 754); -0.0 equals 0.0.
public struct RowPredicate: Sendable, Hashable {
  indirect enum Node: Sendable, Hashable {
    case compare(String, Comparison, PredicateValue)
    case isIn(String, [PredicateValue])
    case isNull(String)
    case and(Node, Node)
    case or(Node, Node)
    case not(Node)
  }

  enum Comparison: String, Sendable, Hashable, CaseIterable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
  }

  let node: Node

  init(_ node: Node) { self.node = node }

  /// True where both are.
  public static func && (left: RowPredicate, right: RowPredicate) -> RowPredicate {
    RowPredicate(.and(left.node, right.node))
  }

  /// True where one is.
  public static func || (left: RowPredicate, right: RowPredicate) -> RowPredicate {
    RowPredicate(.or(left.node, right.node))
  }

  /// True where `predicate` is false; unknown where that is.
  public static prefix func ! (predicate: RowPredicate) -> RowPredicate {
    RowPredicate(.not(predicate.node))
  }
}

/// A column of a file, by name, to be compared in a ``RowPredicate``. Make one with ``column(_:)``.
public struct PredicateColumn: Sendable {
  /// The column's name in the file's schema.
  public let name: String

  /// Where the column has no value; in a list column, where a row has no list. Never unknown.
  public var isNull: RowPredicate { RowPredicate(.isNull(name)) }

  /// Where the column has one of these values; unknown where it has none.
  public func isIn<Value: PredicateLiteral>(_ values: some Sequence<Value>) -> RowPredicate {
    RowPredicate(.isIn(name, values.map(\.predicateValue)))
  }

  /// Where the values are equal.
  public static func == (
    column: PredicateColumn, value: some PredicateLiteral
  ) -> RowPredicate {
    RowPredicate(.compare(column.name, .equal, value.predicateValue))
  }

  /// Where the values are different.
  public static func != (
    column: PredicateColumn, value: some PredicateLiteral
  ) -> RowPredicate {
    RowPredicate(.compare(column.name, .notEqual, value.predicateValue))
  }

  /// Where the column comes before the value.
  public static func < (column: PredicateColumn, value: some PredicateLiteral) -> RowPredicate {
    RowPredicate(.compare(column.name, .less, value.predicateValue))
  }

  /// Where the column comes before the value or is equal to it.
  public static func <= (column: PredicateColumn, value: some PredicateLiteral) -> RowPredicate {
    RowPredicate(.compare(column.name, .lessOrEqual, value.predicateValue))
  }

  /// Where the column comes after the value.
  public static func > (column: PredicateColumn, value: some PredicateLiteral) -> RowPredicate {
    RowPredicate(.compare(column.name, .greater, value.predicateValue))
  }

  /// Where the column comes after the value or is equal to it.
  public static func >= (column: PredicateColumn, value: some PredicateLiteral) -> RowPredicate {
    RowPredicate(.compare(column.name, .greaterOrEqual, value.predicateValue))
  }
}

/// A column to be compared, for example `column("id") >= 5`.
///
/// - Parameter name: Its name in the file's schema; one inside groups by its path, joined with dots.
public func column(_ name: String) -> PredicateColumn {
  PredicateColumn(name: name)
}

extension RowPredicate: CustomStringConvertible {
  /// The condition as it would be written in a program.
  public var description: String { node.description }
}

extension RowPredicate.Node: CustomStringConvertible {
  var description: String {
    switch self {
    case .compare(let name, let comparison, let value):
      "column(\(name.debugDescription)) \(comparison.rawValue) \(value)"
    case .isIn(let name, let values): "column(\(name.debugDescription)).isIn(\(values))"
    case .isNull(let name): "column(\(name.debugDescription)).isNull"
    case .and(let left, let right): "(\(left) && \(right))"
    case .or(let left, let right): "(\(left) || \(right))"
    case .not(let node): "!\(node)"
    }
  }
}
