/// The proof, from the ledger alone, that a run accounts for every row of its source.
public enum LedgerProof {
  /// What is missing or wrong for the run to be complete, or nil when it is: every chunk up to the
  /// end mark is committed, the extents tile the source from its start to its end without a gap, and
  /// the rows of each add up.
  ///
  /// - Parameters:
  ///   - ledger: The run's entries, ascending by chunk.
  ///   - end: The end mark, or nil when none was recorded.
  public static func gap(in ledger: [LedgerEntry], end: SourceEnd?) -> String? {
    guard let end = end?.position else { return "the end of the source is not marked" }
    if let wrong = inconsistency(in: ledger) { return wrong }
    var position = SourcePosition.start
    for entry in ledger {
      let extent = entry.source.extent
      if extent.chunk != position.chunk {
        return "chunk \(position.chunk) of \(end.chunk) is not committed"
      }
      // The header and skipped lines belong to chunk 0, whose first row is on a later line.
      let starts = extent.start
      guard starts.offset == position.offset, starts.row == position.row,
        extent.chunk == 0 || starts.line == position.line
      else {
        return "chunk \(extent.chunk) starts at byte \(starts.offset), row \(starts.row) where the "
          + "one before ends at byte \(position.offset), row \(position.row)"
      }
      position = extent.end
    }
    if position.chunk < end.chunk {
      return "chunk \(position.chunk) of \(end.chunk) is not committed"
    }
    if position.chunk > end.chunk {
      return "chunk \(end.chunk) is committed, but the source ends after \(end.chunk) chunks"
    }
    // A source without any row has no chunk.
    guard end.chunk == 0 ? end.row == 0 : position == end else {
      return "the last chunk ends at byte \(position.offset), row \(position.row) where the source "
        + "ends at byte \(end.offset), row \(end.row)"
    }
    return nil
  }

  /// What contradicts itself among the entries there are, or nil: counts that do not add up to the
  /// rows of the extent, or extents out of order.
  ///
  /// - Parameter ledger: The run's entries, ascending by chunk.
  public static func inconsistency(in ledger: [LedgerEntry]) -> String? {
    var previous: ChunkExtent?
    for entry in ledger {
      let extent = entry.source.extent
      guard entry.counts.addsUp, entry.counts.rows == extent.rows else {
        return "the counts of chunk \(extent.chunk) do not add up to its \(extent.rows) rows"
      }
      guard extent.end.chunk == extent.chunk + 1, extent.end.offset >= extent.start.offset else {
        return "chunk \(extent.chunk) does not end where chunk \(extent.chunk + 1) starts"
      }
      if let previous {
        guard extent.start.offset >= previous.end.offset, extent.start.row >= previous.end.row
        else { return "chunks \(previous.chunk) and \(extent.chunk) overlap" }
      }
      previous = extent
    }
    return nil
  }
}
