/// Decides what must be read for a predicate and some columns: first which row groups, by the footer alone,
/// then which of their pages, by what the page index and bloom filters say.
struct ReadPlanner: Sendable {
  let metadata: FileMetadata
  let predicate: BoundPredicate?
  /// The columns wanted, by position in the schema.
  let columns: [Int]
  /// The row groups that are considered, by position in the file.
  let rowGroups: [Int]
  let options: RowReadOptions

  /// What was read of a row group's page index and bloom filters, by column.
  struct Hints {
    var indexes: [Int: PageIndex] = [:]
    var filters: [Int: BloomFilter] = [:]
  }

  /// Binds predicate and columns to a file.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` if they do not fit it.
  init(
    _ metadata: FileMetadata, where predicate: RowPredicate?, columns names: [String]?,
    rowGroups: [Int]?, options: RowReadOptions
  ) throws(ParquetError) {
    self.metadata = metadata
    self.options = options
    if let predicate {
      self.predicate = try BoundPredicate(predicate, to: metadata.schema)
    } else {
      self.predicate = nil
    }
    if let names {
      var positions: [Int] = []
      for name in names { positions.append(try metadata.schema.position(of: name)) }
      columns = positions
    } else {
      columns = Array(metadata.schema.columns.indices)
    }
    for group in rowGroups ?? [] where !metadata.rowGroups.indices.contains(group) {
      throw ParquetError(
        .misuse, expected: "row groups from 0 to \(metadata.rowGroups.count - 1)",
        found: "\(group)")
    }
    self.rowGroups = rowGroups ?? Array(metadata.rowGroups.indices)
  }

  /// Which rows of a row group are chosen, as far as its statistics and `filters` tell.
  func match(_ group: Int, filters: [Int: BloomFilter] = [:]) -> RowMatch {
    let rowGroup = metadata.rowGroups[group]
    guard rowGroup.rowCount > 0 else { return .none }
    guard let predicate else { return .all }
    return predicate.outcomes { column in
      ColumnFacts(
        statistics: rowGroup.columns[column].statistics, rowCount: Int(rowGroup.rowCount),
        order: order(of: column), bloomFilter: filters[column])
    }.match
  }

  private func order(of column: Int) -> ColumnOrder? {
    metadata.columnOrders.indices.contains(column) ? metadata.columnOrders[column] : nil
  }

  /// The columns whose bloom filters could tell more of a row group.
  func filterColumns(_ group: Int) -> [Int] {
    guard options.usesBloomFilters, let predicate else { return [] }
    let columns = Set(predicate.tests.filter(\.canUseBloomFilter).map(\.column))
    return columns.filter { metadata.rowGroups[group].columns[$0].hasBloomFilter }.sorted()
  }

  /// The columns whose page indexes could spare pages of a row group.
  func indexColumns(_ group: Int) -> [Int] {
    guard options.usesPageIndex, let predicate else { return [] }
    return Set(predicate.columns + columns).filter {
      metadata.rowGroups[group].columns[$0].hasPageIndex
    }.sorted()
  }

  /// Plans the reading of a row group; nil if none of its rows is chosen.
  ///
  /// - Parameter match: What statistics and bloom filters said.
  func plan(_ group: Int, match: RowMatch, _ hints: Hints) -> ReadPlan.RowGroup? {
    if match == .none { return nil }
    let rowGroup = metadata.rowGroups[group]
    let rowCount = Int(rowGroup.rowCount)
    let rows = match == .all ? RowRanges(0..<rowCount) : candidates(group, hints.indexes)
    if rows.isEmpty { return nil }
    var parts: [Int: ColumnPart] = [:]
    let tested = match == .all ? [] : predicate?.columns ?? []
    for column in tested + columns where parts[column] == nil {
      parts[column] = ColumnPart(
        of: rowGroup.columns[column], hints.indexes[column], wanted: rows, rowCount: rowCount)
    }
    return ReadPlan.RowGroup(
      index: group, match: match, byteRanges: parts.values.flatMap(\.byteRanges).coalesced(gap: 0),
      rows: rows, parts: parts, indexes: hints.indexes)
  }

  /// The rows that pages' statistics leave.
  private func candidates(_ group: Int, _ indexes: [Int: PageIndex]) -> RowRanges {
    let rowGroup = metadata.rowGroups[group]
    let rowCount = Int(rowGroup.rowCount)
    guard let predicate else { return RowRanges(0..<rowCount) }
    var pages: [Int: [PageIndex.Page]] = [:]
    for column in predicate.columns {
      guard let index = indexes[column], index.pages.first?.statistics != nil else { continue }
      pages[column] = index.pages.filter { !$0.rows.isEmpty }
    }
    if pages.isEmpty { return RowRanges(0..<rowCount) }
    // Between two of these rows no tested column goes on to another page.
    var cuts = Set(pages.values.joined().map(\.rows.lowerBound)).sorted()
    cuts.append(rowCount)
    var current = pages.mapValues { _ in 0 }
    var rows = RowRanges()
    for (start, end) in zip(cuts, cuts.dropFirst()) {
      for (column, list) in pages {
        var page = current[column] ?? 0
        while list[page].rows.upperBound <= start { page += 1 }
        current[column] = page
      }
      let match = predicate.outcomes { column in
        guard let list = pages[column], let page = current[column] else {
          return ColumnFacts(
            statistics: rowGroup.columns[column].statistics, rowCount: rowCount,
            order: order(of: column))
        }
        return ColumnFacts(
          statistics: list[page].statistics, rowCount: list[page].rows.count,
          order: order(of: column))
      }.match
      if match != .none { rows.append(start..<end) }
    }
    return rows
  }
}
