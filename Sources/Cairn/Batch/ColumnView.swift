/// The values of a column as Swift values, row by row; nil where a row has none.
///
/// Distinct values are converted once, when the view is made.
public struct ColumnView<Element: ColumnElement>: RandomAccessCollection, Sendable {
  private let values: [Element]
  private let rowIndices: [UInt32]?

  init(values: [Element], indices: [UInt32]?) {
    self.values = values
    rowIndices = indices
  }

  /// The first row, 0.
  public var startIndex: Int { 0 }
  /// How many rows there are.
  public var endIndex: Int { rowIndices?.count ?? values.count }

  /// The value of a row, or nil when it has none.
  public subscript(row: Int) -> Element? {
    guard let rowIndices else { return values[row] }
    let index = rowIndices[row]
    return index == Column.null ? nil : values[Int(index)]
  }
}

extension RecordBatch {
  /// A column's values as Swift values.
  ///
  /// - Throws: ``RecordBatchError`` when there is no such column or it does not hold the type.
  public func column<Element: ColumnElement>(
    _ name: String, as type: Element.Type = Element.self
  ) throws(RecordBatchError) -> ColumnView<Element> {
    let column = try requiredColumn(name)
    guard let values = Element.read(column.values, type: column.type) else {
      throw .typeMismatch(column: name, holds: column.type, asked: "\(Element.self)")
    }
    return ColumnView(values: values, indices: column.indices)
  }

  /// Changes each distinct text of a column; the closure is called once for each, not for each row.
  ///
  /// - Throws: ``RecordBatchError`` when there is no such column or it is not of text, or what the
  ///   closure throws.
  public mutating func mapDistinct(
    _ name: String, _ transform: (String) throws -> String
  ) throws {
    try mapDistinct(name, as: String.self, transform)
  }

  /// Changes each distinct value of a column; the closure is called once for each, not for each
  /// row. The column keeps its type.
  ///
  /// - Throws: ``RecordBatchError`` when there is no such column, it does not hold the type, or
  ///   cannot hold the results; or what the closure throws.
  public mutating func mapDistinct<Element: ColumnElement>(
    _ name: String, as type: Element.Type, _ transform: (Element) throws -> Element
  ) throws {
    var column = try requiredColumn(name)
    guard let values = Element.read(column.values, type: column.type) else {
      throw RecordBatchError.typeMismatch(
        column: name, holds: column.type, asked: "\(Element.self)")
    }
    guard let results = Element.write(try values.map(transform), type: column.type) else {
      throw RecordBatchError.typeMismatch(
        column: name, holds: column.type, asked: "\(Element.self)")
    }
    column.values = results
    try replaceColumn(column)
  }

  /// The column of that name.
  func requiredColumn(_ name: String) throws(RecordBatchError) -> Column {
    guard let column = column(named: name) else {
      throw .unknownColumn(name, available: columns.map(\.name))
    }
    return column
  }
}
