/// Where a column's pages end.
extension ColumnChunkWriter {
  /// The rows of the page that starts at `row`: whole ones, which a page index and pages of the
  /// second version need.
  func pageRows(from row: Int, _ rows: ColumnRows, _ encoding: Encoding) -> PageRows {
    let limit = min(max(options.pageByteLimit, 1), 1 << 30)
    guard let lists = rows.lists else {
      let end = pageEnd(from: row, rows, encoding, limit: limit)
      return PageRows(rows: row..<end, elements: row..<end)
    }
    let start = Int(lists.offsets[row])
    let end = lists.rowEnd(
      from: row, elementEnd: pageEnd(from: start, rows, encoding, limit: limit),
      rowCount: min(rows.rowCount, row + Self.mostRowsPerPage))
    return PageRows(rows: row..<end, elements: start..<Int(lists.offsets[end]))
  }

  /// The element after the last one of the page that starts at `start`.
  func pageEnd(
    from start: Int, _ rows: ColumnRows, _ encoding: Encoding, limit: Int
  ) -> Int {
    let most = min(rows.elementCount, start + Self.mostRowsPerPage)
    switch encoding {
    case .rleDictionary:
      return min(most, start + max(1, limit * 8 / codeWidth))
    case .rle:
      return min(most, start + limit * 8)
    case .plain, .plainDictionary, .bitPacked, .deltaBinaryPacked, .byteStreamSplit:
      switch column.physicalType {
      case .boolean: return min(most, start + limit * 8)
      case .int32, .float: return min(most, start + max(1, limit / 4))
      case .int64, .double: return min(most, start + max(1, limit / 8))
      case .fixedLengthByteArray, .int96:
        return min(most, start + max(1, limit / (column.fixedLength ?? 12)))
      case .byteArray: return pageEnd(from: start, most: most, limit: limit, rows)
      }
    case .deltaLengthByteArray, .deltaByteArray:
      return pageEnd(from: start, most: most, limit: limit, rows)
    }
  }

  private func pageEnd(from start: Int, most: Int, limit: Int, _ rows: ColumnRows) -> Int {
    guard let slices = rows.values.slices else { return most }
    var row = start
    var size = 0
    if let indices = rows.indices {
      while row < most {
        let index = indices[row]
        if index != ColumnVector.null { size &+= 4 &+ Int(slices[Int(index)].length) }
        if size > limit, row > start { return row }
        row &+= 1
      }
    } else {
      while row < most {
        size &+= 4 &+ Int(slices[row].length)
        if size > limit, row > start { return row }
        row &+= 1
      }
    }
    return most
  }

  private static let mostRowsPerPage = 1 << 20
}
