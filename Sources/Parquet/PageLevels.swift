/// The rows of a data page, and the elements of the column that they have: in a flat column one each.
struct PageRows {
  var rows: Range<Int>
  var elements: Range<Int>
}

/// What precedes a data page's values, and which those are.
struct PageLevels {
  /// Levels of each kind: the page's values, with nulls and lists that have no elements.
  var count: Int
  /// Bytes of repetition levels, with their length if that is stated.
  var repetitionByteCount = 0
  /// Bytes of definition levels, with their length if that is stated.
  var definitionByteCount = 0
  /// The values.
  var selection: ValueSelection

  /// Levels without a value.
  var nullCount: Int { count - selection.count }
}

/// Writes repetition and definition levels (README.md of the format, "Nested Encoding"), each as
/// RLE: in a page of the first version with its length before, in one of the second without.
struct LevelWriter {
  let column: ColumnDescriptor
  let version: DataPageVersion
  let scratch: EncoderScratch

  /// Appends the levels of a page to the scratch page, and finds the rows that have values.
  func write(_ rows: ColumnRows, of page: PageRows) -> PageLevels {
    if let lists = rows.lists { return writeLists(lists, rows, of: page) }
    let start = page.elements.lowerBound
    let count = page.elements.count
    var levels = PageLevels(count: count, selection: rows.selection(of: page.elements))
    guard column.isOptional else { return levels }
    levels.definitionByteCount = appendLevels {
      if scratch.usage.nullCount == 0 {
        RunLengthBitPackedWriter.run(of: 1, count: count, width: 1, to: &scratch.page)
      } else if let indices = rows.indices {
        let presence = scratch.presence.room(for: count / 8 + 1)
        levels.selection = dropNulls(indices + start, count: count, presence: presence)
        RunLengthBitPackedWriter.write(bits: presence, count: count, to: &scratch.page)
      }
    }
    return levels
  }

  /// The values among `elements`.
  func values(_ rows: ColumnRows, of elements: Range<Int>) -> ValueSelection {
    guard scratch.usage.nullCount > 0, let indices = rows.indices else {
      return rows.selection(of: elements)
    }
    return dropNulls(
      indices + elements.lowerBound, count: elements.count,
      presence: scratch.presence.room(for: elements.count / 8 + 1))
  }

  /// Copies the indices that are not null, and notes a bit for each row.
  private func dropNulls(
    _ indices: UnsafePointer<UInt32>, count: Int, presence: UnsafeMutablePointer<UInt8>
  ) -> ValueSelection {
    let positions = scratch.positions.room(for: count + 8)
    let kept = Self.dropNulls(indices, count: count, presence: presence, positions: positions)
    return ValueSelection(positions: UnsafePointer(positions), count: kept)
  }

  private static func dropNulls(
    _ indices: UnsafePointer<UInt32>, count: Int, presence: UnsafeMutablePointer<UInt8>,
    positions: UnsafeMutablePointer<UInt32>
  ) -> Int {
    var kept = 0
    var row = 0
    while row < count {
      var bits: UInt8 = 0
      for bit in 0..<min(8, count &- row) {
        let index = indices[row &+ bit]
        let isPresent = index != ColumnVector.null
        positions[kept] = index
        kept &+= isPresent ? 1 : 0
        bits |= (isPresent ? 1 : 0) &<< UInt8(truncatingIfNeeded: bit)
      }
      presence[row &>> 3] = bits
      row &+= 8
    }
    return kept
  }

  /// Lets `write` append levels, and puts their length before them where it belongs.
  private func appendLevels(_ write: () -> Void) -> Int {
    let start = scratch.page.count
    if version == .v1 { scratch.page.append(littleEndian: UInt32(0)) }
    write()
    let count = scratch.page.count - start
    if version == .v1 {
      scratch.page.overwrite(at: start, littleEndian: UInt32(truncatingIfNeeded: count - 4))
    }
    return count
  }

  // MARK: Lists

  private func writeLists(
    _ lists: ListPlaces, _ rows: ColumnRows, of page: PageRows
  ) -> PageLevels {
    let target = scratch.levels.room(for: page.elements.count + page.rows.count)
    var count = 0
    for row in page.rows {
      target[count] = 0  // a row begins
      count &+= 1
      let length = lists.length(of: row)
      if length > 1 {
        (target + count).update(repeating: 1, count: length &- 1)
        count &+= length &- 1
      }
    }
    let repetitionByteCount = appendLevels {
      RunLengthBitPackedWriter.write(target, count: count, width: 1, to: &scratch.page)
    }
    writeDefinitions(lists, rows, of: page, to: target)
    let most = column.maxDefinitionLevel
    let definitionByteCount = appendLevels {
      RunLengthBitPackedWriter.write(
        target, count: count, width: BitPacking.width(of: UInt32(most)), to: &scratch.page)
    }
    return PageLevels(
      count: count, repetitionByteCount: repetitionByteCount,
      definitionByteCount: definitionByteCount, selection: values(rows, of: page.elements))
  }

  /// Notes for each level how much of the path from the root to the value is there.
  private func writeDefinitions(
    _ lists: ListPlaces, _ rows: ColumnRows, of page: PageRows,
    to target: UnsafeMutablePointer<UInt32>
  ) {
    let value = UInt32(column.maxDefinitionLevel)
    let nullElement = value &- 1
    let emptyList: UInt32 = column.list?.isOptional == true ? 1 : 0
    let indices = scratch.usage.nullCount > 0 ? rows.indices : nil
    var place = 0
    for row in page.rows {
      let length = lists.length(of: row)
      guard length > 0 else {
        target[place] = lists.isNull?[row] == true ? 0 : emptyList
        place &+= 1
        continue
      }
      if let indices {
        let first = indices + Int(lists.offsets[row])
        for element in 0..<length {
          target[place &+ element] = first[element] == ColumnVector.null ? nullElement : value
        }
      } else {
        (target + place).update(repeating: value, count: length)
      }
      place &+= length
    }
  }
}

extension ColumnDescriptor {
  /// The definition level of a value, as the schema is written.
  var maxDefinitionLevel: Int {
    let element = isOptional ? 1 : 0
    guard let list else { return element }
    return (list.isOptional ? 1 : 0) + 1 + element
  }
}

/// Where the elements of each row are, as bare memory.
struct ListPlaces {
  var offsets: UnsafePointer<UInt32>
  var isNull: UnsafePointer<Bool>?

  @inline(__always)
  func length(of row: Int) -> Int { Int(offsets[row &+ 1]) &- Int(offsets[row]) }

  /// The last row after `start` whose elements all come before `end`, plus one; at least `start + 1`.
  func rowEnd(from start: Int, elementEnd: Int, rowCount: Int) -> Int {
    var low = start + 1
    var high = rowCount
    // The largest row number in low...high whose offset is at most elementEnd.
    while low < high {
      let middle = (low + high + 1) / 2
      if Int(offsets[middle]) <= elementEnd { low = middle } else { high = middle - 1 }
    }
    return low
  }
}
