/// Writes `ColumnIndex` and `OffsetIndex` (parquet.thrift).
struct PageIndexWriter: ~Copyable {
  private var thrift = ThriftCompactWriter()

  init() {}

  /// The bytes of the structure last written; valid until the next one.
  var bytes: UnsafeRawBufferPointer { thrift.buffer.bytes }

  mutating func writeOffsets(of index: PageIndex) {
    thrift.removeAll()
    thrift.list(1, of: .structure, count: index.pages.count)
    for page in index.pages {
      thrift.beginElement()
      thrift.int64(1, page.offset)
      thrift.int32(2, Int32(clamping: page.byteCount))
      thrift.int64(3, Int64(page.rows.lowerBound))
      thrift.end()
    }
    thrift.end()
  }

  /// Writes the bounds of all pages.
  ///
  /// - Returns: Whether it could: a page with values but without bounds (only NaN, say) allows none.
  mutating func writeBounds(of index: PageIndex, column: ColumnDescriptor) -> Bool {
    var pages: [ColumnStatistics] = []
    pages.reserveCapacity(index.pages.count)
    for page in index.pages {
      guard let statistics = page.statistics, statistics.nullCount != nil,
        page.isEmpty || statistics.minValue != nil && statistics.maxValue != nil
      else { return false }
      pages.append(statistics)
    }
    thrift.removeAll()
    thrift.list(1, of: .boolTrue, count: pages.count)
    for page in index.pages { thrift.element(bool: page.isEmpty) }
    thrift.list(2, of: .binary, count: pages.count)
    for page in pages { thrift.element(binary: page.minValue ?? []) }
    thrift.list(3, of: .binary, count: pages.count)
    for page in pages { thrift.element(binary: page.maxValue ?? []) }
    thrift.int32(4, Self.order(of: pages, in: column).rawValue)
    thrift.list(5, of: .int64, count: pages.count)
    for page in pages { thrift.element(int64: page.nullCount ?? 0) }
    if pages.allSatisfy({ $0.nanCount != nil }) {
      thrift.list(8, of: .int64, count: pages.count)
      for page in pages { thrift.element(int64: page.nanCount ?? 0) }
    }
    thrift.end()
    return true
  }

  /// `BoundaryOrder` of the Parquet format.
  private enum BoundaryOrder: Int32 { case unordered = 0, ascending = 1, descending = 2 }

  private static func order(
    of pages: [ColumnStatistics], in column: ColumnDescriptor
  ) -> BoundaryOrder {
    guard let kind = StoredKind(column) else { return .unordered }
    var isAscending = true
    var isDescending = true
    var before: (StoredValue, StoredValue)?
    for page in pages {
      guard let smallest = page.minValue, let largest = page.maxValue else { continue }
      guard let low = kind.value(smallest), let high = kind.value(largest) else {
        return .unordered
      }
      if let before {
        if low < before.0 || high < before.1 { isAscending = false }
        if before.0 < low || before.1 < high { isDescending = false }
      }
      before = (low, high)
    }
    return isAscending ? .ascending : isDescending ? .descending : .unordered
  }
}
