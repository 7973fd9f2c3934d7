/// How many rejects a chunk may have, given what was read and rejected before it. Pure.
///
/// The rate holds per full chunk and in all, each counted from 1,000 rows on; the number holds in
/// all. A chunk that would break a limit is not committed.
enum ErrorBudget {
  /// Rows from which on a rate says something.
  static let rateFrom = 1_000

  /// - Parameters:
  ///   - rows: Rows of the chunk.
  ///   - isFull: Whether the chunk was cut by its limits, not by the end of the source.
  ///   - before: What the run committed so far.
  static func allowance(
    rows: Int, isFull: Bool, before: RowCounts, policy: ErrorPolicy
  ) -> Int {
    var allowance = policy.maximumRows - before.rejected
    if isFull, rows >= rateFrom {
      allowance = min(allowance, Int(policy.maximumRate * Double(rows)))
    }
    let total = before.rows + rows
    if total >= rateFrom {
      allowance = min(allowance, Int(policy.maximumRate * Double(total)) - before.rejected)
    }
    return max(0, min(allowance, rows))
  }
}
