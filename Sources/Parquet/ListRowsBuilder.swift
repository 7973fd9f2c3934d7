/// Finds the rows of a list column in its levels.
///
/// Of a column whose definition levels say from `e` on that there is an element, `e - 1` is an empty
/// list, and less no list at all. A row begins at repetition level 0; it may begin on one page of
/// version 1 and go on on the next.
struct ListRowsBuilder: ~Copyable {
  private let elementLevel: UInt32
  private let maxLevel: UInt32
  private var offsets = GrowingArray<UInt32>()
  private var isNull = GrowingArray<Bool>()
  private var hasNull = false
  private var elementCount: UInt32 = 0

  init(_ leaf: SchemaLeaf) {
    elementLevel = UInt32(leaf.elementDefinitionLevel)
    maxLevel = UInt32(leaf.maxDefinitionLevel)
  }

  /// Adds the rows of a page.
  ///
  /// - Parameters:
  ///   - repetitions: A level for each value.
  ///   - definitions: A level for each value. Those of elements are moved to the front.
  /// - Returns: Which of the page's elements have a value.
  /// - Throws: ``ParquetError`` if the levels are no lists.
  mutating func append(
    repetitions: UnsafePointer<UInt32>, definitions: UnsafeMutablePointer<UInt32>, count: Int,
    of page: PageBytes
  ) throws(ParquetError) -> RowPresence {
    let starts = offsets.room(for: count)
    let absences = isNull.room(for: count)
    var rows = 0
    var elements = 0
    var values = 0
    // Whether the row so far has only elements, so that another may follow.
    var isOpen = offsets.count > 0 && elementCount > offsets.base[offsets.count - 1]
    for index in 0..<count {
      let level = definitions[index]
      guard level <= maxLevel else {
        throw page.malformed("definition levels up to \(maxLevel)", "\(level)")
      }
      if repetitions[index] == 0 {
        starts[rows] = elementCount &+ UInt32(truncatingIfNeeded: elements)
        let isAbsent = level &+ 1 < elementLevel
        absences[rows] = isAbsent
        hasNull = hasNull || isAbsent
        rows &+= 1
        isOpen = level >= elementLevel
      } else if repetitions[index] > 1 || !isOpen || level < elementLevel {
        throw page.malformed(
          "rows that begin at repetition level 0 and go on at 1, with an element each",
          "level \(repetitions[index]) of value \(index)")
      }
      definitions[elements] = level
      elements &+= level >= elementLevel ? 1 : 0
      values &+= level == maxLevel ? 1 : 0
    }
    offsets.advance(rows)
    isNull.advance(rows)
    elementCount += UInt32(elements)
    guard values < elements else { return RowPresence(rowCount: elements, valueCount: values) }
    return RowPresence(
      rowCount: elements, valueCount: values, levels: UnsafePointer(definitions),
      present: maxLevel)
  }

  /// The rows; nil unless there are `rowCount`.
  consuming func finish(rowCount: Int) throws(ParquetError) -> ListRows {
    let found = offsets.count
    guard found == rowCount else {
      throw ParquetError(
        .malformed, expected: "\(rowCount) rows, as the row group has", found: "\(found)")
    }
    offsets.room(for: 1)[0] = elementCount
    offsets.advance(1)
    return ListRows(offsets: offsets.takeArray(), isNull: hasNull ? isNull.takeArray() : nil)
  }
}
