/// How the elements of a list column make one list a row.
///
/// Elements of all rows follow each other. Row `i` has those from `offsets[i]` up to, not including,
/// `offsets[i + 1]`.
public struct ListRows: Sendable, Hashable {
  /// Where each row's list begins, and after the last the number of all elements: one more than rows,
  /// ascending, the first 0.
  public var offsets: [UInt32]
  /// For each row whether it has no list at all, which is something else than an empty one; nil when
  /// each has one. A row without a list has no elements.
  public var isNull: [Bool]?

  /// Makes rows from the places of their elements.
  public init(offsets: [UInt32] = [0], isNull: [Bool]? = nil) {
    self.offsets = offsets
    self.isNull = isNull
  }

  /// How many rows there are.
  public var rowCount: Int { max(offsets.count - 1, 0) }

  /// How many elements all rows have together.
  public var elementCount: Int { Int(offsets.last ?? 0) }
}

/// What makes a column one of lists.
public struct ListShape: Sendable, Hashable {
  /// Whether a row may have no list.
  public var isOptional: Bool

  /// Makes a shape; whether an element may be null is said by the column.
  public init(isOptional: Bool = true) {
    self.isOptional = isOptional
  }
}
