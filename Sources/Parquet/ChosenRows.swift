/// The rows of a row group for which a predicate is true.
struct ChosenRows {
  let plan: ReadPlan.RowGroup
  /// The chosen rows, counted from the start of the row group; at least one.
  fileprivate(set) var rows: RowRanges
  /// What was read to test it, by position in the schema: the rows of the plan.
  fileprivate var tested: [Int: ColumnVector] = [:]
  /// Where among the rows of the plan the chosen ones are; nil if they are all of them.
  fileprivate var matches: [UInt32]?
}

extension FileReader {
  /// Tests the rows of a row group that may be chosen; nil if none is.
  func choose(
    _ plan: ReadPlan.RowGroup, _ planner: ReadPlanner, _ scratch: DecoderScratch
  ) throws(ParquetError) -> ChosenRows? {
    var chosen = ChosenRows(plan: plan, rows: plan.rows)
    guard plan.match != .all, let predicate = planner.predicate else { return chosen }
    for column in predicate.columns {
      guard let part = plan.parts[column] else { continue }
      chosen.tested[column] = try read(
        plan.rows, part, column, plan.index, plan.indexes[column], planner.options, scratch)
    }
    let found = predicate.truths(chosen.tested).matches
    if found.isEmpty { return nil }
    if found.count < plan.rows.count {
      chosen.rows = plan.rows.rows(at: found)
      chosen.matches = found
    }
    return chosen
  }

  /// Reads the chosen rows of a column.
  func read(
    _ column: Int, of chosen: ChosenRows, _ options: RowReadOptions, _ scratch: DecoderScratch
  ) throws(ParquetError) -> ColumnVector {
    if let vector = chosen.tested[column] {
      return chosen.matches.map { vector.taking($0) } ?? vector
    }
    let plan = chosen.plan
    let rowGroup = metadata.rowGroups[plan.index]
    let rowCount = Int(rowGroup.rowCount)
    var index = plan.indexes[column]
    if let part = plan.parts[column], chosen.matches == nil {
      return try read(chosen.rows, part, column, plan.index, index, options, scratch)
    }
    if plan.parts[column] == nil, options.usesPageIndex, chosen.rows.count < rowCount {
      index = try pageIndex(column: column, rowGroup: plan.index)
    }
    // Perhaps fewer pages than planned are needed.
    let part = ColumnPart(
      of: rowGroup.columns[column], index, wanted: chosen.rows, rowCount: rowCount)
    return try read(chosen.rows, part, column, plan.index, index, options, scratch)
  }

  /// Reads some rows of a column, which `part` has all of.
  private func read(
    _ rows: RowRanges, _ part: ColumnPart, _ column: Int, _ rowGroup: Int, _ index: PageIndex?,
    _ options: RowReadOptions, _ scratch: DecoderScratch
  ) throws(ParquetError) -> ColumnVector {
    let vector = try read(
      part, column: column, rowGroup: rowGroup, index,
      verifyChecksums: options.verifiesChecksums, scratch: scratch)
    return part.rows == rows ? vector : vector.taking(rows.positions(in: part.rows))
  }
}
