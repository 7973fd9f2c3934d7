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

extension ListShape {
  /// What a written file calls the repeated group inside a list.
  static let groupName = "list"
  /// What a written file calls the elements inside that group.
  static let elementName = "element"
}

extension ColumnDescriptor {
  /// Names from the root of the schema to the values, as a file is written.
  var path: [String] {
    list == nil ? [name] : [name, ListShape.groupName, ListShape.elementName]
  }
}

extension ListRows? {
  /// Calls `body` with the places of the elements, if there are lists.
  func withPlaces<Result>(_ body: (ListPlaces?) throws -> Result) rethrows -> Result {
    guard let lists = self else { return try body(nil) }
    return try lists.offsets.withUnsafeBufferPointer { offsets in
      guard let offsets = offsets.baseAddress else { return try body(nil) }
      guard let isNull = lists.isNull else { return try body(ListPlaces(offsets: offsets)) }
      return try isNull.withUnsafeBufferPointer { isNull in
        try body(ListPlaces(offsets: offsets, isNull: isNull.baseAddress))
      }
    }
  }
}

extension ColumnVector {
  /// Throws unless the vector's rows can be taken apart as those of `column`.
  func check(as column: ColumnDescriptor) throws(ParquetError) {
    guard values.physicalType == column.physicalType else {
      throw ParquetError(
        .invalidValues, expected: "values of type \(column.physicalType)",
        found: "\(values.physicalType)")
    }
    try checkLists(as: column)
    guard let indices else { return }
    let count = values.count
    for element in indices.indices
    where indices[element] != Self.null && Int(indices[element]) >= count {
      throw ParquetError(
        .invalidValues, expected: "indices below the \(count) values, or null",
        found: "\(indices[element]) in row \(element)")
    }
  }

  /// Throws unless the vector has lists exactly when `column` has, and their rows and elements fit.
  func checkLists(as column: ColumnDescriptor) throws(ParquetError) {
    guard let lists else {
      if column.list == nil { return }
      throw ParquetError(.invalidValues, expected: "lists", found: "single values")
    }
    guard let shape = column.list else {
      throw ParquetError(.invalidValues, expected: "single values", found: "lists")
    }
    guard lists.offsets.first == 0, Int(lists.offsets.last ?? 0) == elementCount else {
      throw ParquetError(
        .invalidValues, expected: "offsets from 0 to the \(elementCount) elements",
        found: "\(lists.offsets.first.map { "\($0)" } ?? "none") to \(lists.elementCount)")
    }
    for row in 0..<lists.rowCount where lists.offsets[row] > lists.offsets[row + 1] {
      throw ParquetError(
        .invalidValues, expected: "ascending offsets",
        found: "\(lists.offsets[row + 1]) after \(lists.offsets[row]) in row \(row)")
    }
    guard let isNull = lists.isNull else { return }
    guard isNull.count == lists.rowCount else {
      throw ParquetError(
        .invalidValues, expected: "\(lists.rowCount) rows, as the offsets say",
        found: "\(isNull.count) that may be null")
    }
    for row in isNull.indices where isNull[row] {
      guard shape.isOptional else {
        throw ParquetError(
          .invalidValues, expected: "a list in every row of a REQUIRED column",
          found: "none in row \(row)")
      }
      guard lists.offsets[row] == lists.offsets[row + 1] else {
        throw ParquetError(
          .invalidValues, expected: "no elements in a row without a list",
          found: "\(lists.offsets[row + 1] - lists.offsets[row]) in row \(row)")
      }
    }
  }
}
