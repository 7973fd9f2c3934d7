extension RecordBatch {
  /// The rows in an order in which a newer state of a record never comes before an older one; those of
  /// one age stay as they were. A row without a version is older than any with one.
  ///
  /// So the last row of a key is the one to write, which is what merges do.
  ///
  /// - Parameter version: The column that tells the age; the batch is as it is where it has none.
  package func newestLast(by version: String?) -> RecordBatch {
    guard let version, let column = column(named: version) else { return self }
    let ranks = column.values.ranks()
    func rank(_ row: Int) -> Int { column.valueIndex(atRow: row).map { ranks[$0] + 1 } ?? 0 }
    let rows = (0..<rowCount).map { (row: $0, rank: rank($0)) }
    guard zip(rows, rows.dropFirst()).contains(where: { $0.rank > $1.rank }) else { return self }
    // By the row too, since sorting need not be stable.
    let sorted = rows.sorted { ($0.rank, $0.row) < ($1.rank, $1.row) }
    return selecting(rows: sorted.map { UInt32($0.row) })
  }
}

extension RecordBatch {
  /// The batch without those columns that no row has a value in, if a condition holds: where the target
  /// has no such column there is nothing to write.
  package func withoutEmpty(
    where isMissing: (String) -> Bool
  ) throws(RecordBatchError) -> RecordBatch {
    let kept = columns.filter { column in
      let hasValue = column.indices.map { $0.contains { $0 != Column.null } } ?? (rowCount > 0)
      return hasValue || !isMissing(column.name)
    }
    return kept.count == columns.count ? self : try RecordBatch(columns: kept)
  }
}

extension ColumnValues {
  /// For each value its place among all of them in ascending order; equal values share it. Text is
  /// compared byte by byte.
  fileprivate func ranks() -> [Int] {
    switch self {
    case .text(let values):
      Self.ranks((0..<values.count).map { Array(values[$0].utf8) }) {
        $0.lexicographicallyPrecedes($1)
      }
    case .boolean(let values): Self.ranks(values) { !$0 && $1 }
    case .integer(let values), .date(let values): Self.ranks(values, by: <)
    case .bigint(let values), .time(let values), .timestamp(let values):
      Self.ranks(values, by: <)
    case .double(let values): Self.ranks(values, by: <)
    case .numeric(let values): Self.ranks(values, by: <)
    case .uuid(let values): Self.ranks(values, by: <)
    }
  }

  private static func ranks<Value>(
    _ values: [Value], by isLess: (Value, Value) -> Bool
  ) -> [Int] {
    let order = values.indices.sorted { isLess(values[$0], values[$1]) }
    var ranks = [Int](repeating: 0, count: values.count)
    var rank = 0
    for (position, index) in order.enumerated() {
      if position > 0, isLess(values[order[position - 1]], values[index]) { rank += 1 }
      ranks[index] = rank
    }
    return ranks
  }
}
