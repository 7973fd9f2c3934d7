/// The rows of a column chunk: each element's value by index, or value `i` for element `i`. In a flat
/// column a row is an element.
struct ColumnRows {
  var values: ColumnValues
  var indices: UnsafePointer<UInt32>?
  /// Values, nulls included, of all rows.
  var elementCount: Int
  /// Where each row's elements are; nil in a flat column.
  var lists: ListPlaces?
  var rowCount: Int

  init(
    values: ColumnValues, indices: UnsafeBufferPointer<UInt32>?, elementCount: Int,
    lists: ListPlaces?, rowCount: Int
  ) {
    self.values = values
    // A vector of no elements may have no address; none is ever read.
    self.indices = indices.map {
      $0.baseAddress ?? UnsafePointer(bitPattern: 64).unsafelyUnwrapped
    }
    self.elementCount = elementCount
    self.lists = lists
    self.rowCount = rowCount
  }

  /// The values of some elements, of which none is null.
  func selection(of elements: Range<Int>) -> ValueSelection {
    if let indices {
      ValueSelection(positions: indices + elements.lowerBound, count: elements.count)
    } else {
      ValueSelection(first: elements.lowerBound, count: elements.count)
    }
  }
}
