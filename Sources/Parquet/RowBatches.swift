/// Rows of one row group, chosen by a ``RowPredicate``.
public struct RowBatch: Sendable {
  /// The position of their row group in the file.
  public let rowGroup: Int
  /// How many rows there are; at least one.
  public let rowCount: Int
  /// The columns' names and types.
  public let schema: FileSchema
  /// The columns, in the order of `schema`.
  public let columns: [ColumnVector]

  /// The column called `name`; nil if it was not asked for.
  public subscript(name: String) -> ColumnVector? {
    schema.columns.firstIndex { $0.name == name }.map { columns[$0] }
  }
}

/// The rows of a file that a ``RowPredicate`` chooses, a row group at a time. Get them from
/// ``FileReader/rows(where:columns:rowGroups:options:scratch:)``.
///
/// ```swift
/// var rows = try reader.rows(where: column("id") >= 5, columns: ["id", "name"])
/// while let batch = try rows.next() { … }
/// ```
public struct RowBatches {
  private let reader: FileReader
  private let planner: ReadPlanner
  private let scratch: DecoderScratch
  private var nextGroup = 0

  init(_ reader: FileReader, _ planner: ReadPlanner, scratch: DecoderScratch) {
    self.reader = reader
    self.planner = planner
    self.scratch = scratch
  }

  /// Reads the next row group that has chosen rows; nil after the last.
  ///
  /// - Throws: ``ParquetError`` if something of the file cannot be read or is damaged.
  public mutating func next() throws(ParquetError) -> RowBatch? {
    while nextGroup < planner.rowGroups.count {
      let group = planner.rowGroups[nextGroup]
      nextGroup += 1
      if let plan = try reader.plan(planner, group),
        let batch = try reader.read(plan, planner, scratch)
      {
        return batch
      }
    }
    return nil
  }
}

extension FileReader {
  /// Reads the rows for which `predicate` is true.
  ///
  /// Row groups without such rows are passed over by their statistics and bloom filters, pages by the
  /// page index; then each row is tested. A dictionary-coded column stays so, and each of its distinct
  /// values is tested once.
  ///
  /// - Parameters:
  ///   - predicate: Which rows; nil for all.
  ///   - columns: Names of the columns wanted, in the order wanted; nil for all. Columns that are only
  ///     tested need not be among them.
  ///   - rowGroups: Positions of the row groups to look into, in the order wanted; nil for all.
  ///   - options: What to use for skipping, and whether to hold pages against their CRC-32.
  ///   - scratch: Working memory to use; one call at a time may use it.
  /// - Throws: ``ParquetError`` of kind `misuse` if predicate, columns or row groups do not fit the file.
  public func rows(
    where predicate: RowPredicate? = nil, columns: [String]? = nil, rowGroups: [Int]? = nil,
    options: RowReadOptions = RowReadOptions(), scratch: DecoderScratch = DecoderScratch()
  ) throws(ParquetError) -> RowBatches {
    RowBatches(
      self,
      try ReadPlanner(
        metadata, where: predicate, columns: columns, rowGroups: rowGroups, options: options),
      scratch: scratch)
  }

  /// Finds what must be read for the rows for which `predicate` is true, and reads for that no more than
  /// page indexes and bloom filters. The parameters are those of
  /// ``rows(where:columns:rowGroups:options:scratch:)``.
  ///
  /// - Throws: ``ParquetError`` of kind `misuse` if predicate, columns or row groups do not fit the
  ///   file, or if a page index or bloom filter is damaged.
  public func plan(
    where predicate: RowPredicate? = nil, columns: [String]? = nil, rowGroups: [Int]? = nil,
    options: RowReadOptions = RowReadOptions()
  ) throws(ParquetError) -> ReadPlan {
    let planner = try ReadPlanner(
      metadata, where: predicate, columns: columns, rowGroups: rowGroups, options: options)
    var groups: [ReadPlan.RowGroup] = []
    for group in planner.rowGroups {
      if let plan = try plan(planner, group) { groups.append(plan) }
    }
    return ReadPlan(rowGroups: groups)
  }

  /// Plans the reading of a row group; nil if none of its rows is chosen.
  func plan(_ planner: ReadPlanner, _ group: Int) throws(ParquetError) -> ReadPlan.RowGroup? {
    var match = planner.match(group)
    var hints = ReadPlanner.Hints()
    if match == .some {
      for column in planner.filterColumns(group) {
        hints.filters[column] = try bloomFilter(column: column, rowGroup: group)
      }
      if !hints.filters.isEmpty { match = planner.match(group, filters: hints.filters) }
    }
    if match == .some {
      for column in planner.indexColumns(group) {
        hints.indexes[column] = try pageIndex(column: column, rowGroup: group)
      }
    }
    return planner.plan(group, match: match, hints)
  }

  /// Reads the chosen rows of a row group; nil if there are none.
  func read(
    _ plan: ReadPlan.RowGroup, _ planner: ReadPlanner, _ scratch: DecoderScratch
  ) throws(ParquetError) -> RowBatch? {
    guard let chosen = try choose(plan, planner, scratch) else { return nil }
    var columns: [ColumnVector] = []
    for column in planner.columns {
      columns.append(try read(column, of: chosen, planner.options, scratch))
    }
    return RowBatch(
      rowGroup: plan.index, rowCount: chosen.rows.count,
      schema: FileSchema(columns: planner.columns.map { metadata.schema.columns[$0] }),
      columns: columns)
  }
}
