import Testing

@testable import Cairn

@Suite struct ErrorBudgetTests {
  private func counts(rows: Int, rejected: Int) -> RowCounts {
    var counts = RowCounts()
    counts.rows = rows
    counts.rejected = rejected
    return counts
  }

  @Test(
    "allowance",
    arguments: [
      // rows, full, rows before, rejected before, rate, most, allowed
      (10_000, true, 0, 0, 0.10, 10_000, 1_000),
      (10_000, true, 90_000, 8_990, 0.10, 10_000, 1_000),
      (10_000, true, 90_000, 9_500, 0.10, 10_000, 500),
      (10_000, true, 900_000, 9_900, 0.10, 10_000, 100),
      // Not full: only the whole counts.
      (10, false, 90_000, 0, 0.10, 10_000, 10),
      (10, false, 990, 95, 0.10, 10_000, 5),
      // Below 1,000 rows a rate says nothing.
      (999, false, 0, 0, 0.0, 10_000, 999),
      (500, true, 499, 0, 0.0, 10_000, 500),
      (500, true, 500, 0, 0.0, 10_000, 0),
      // Over a limit already.
      (10, false, 2_000, 300, 0.10, 10_000, 0),
      (10, false, 10, 5, 0.10, 5, 0),
    ])
  func allowance(
    _ test: (
      rows: Int, full: Bool, before: Int, rejected: Int, rate: Double, most: Int, allowed: Int
    )
  ) {
    let allowance = ErrorBudget.allowance(
      rows: test.rows, isFull: test.full,
      before: counts(rows: test.before, rejected: test.rejected),
      policy: ErrorPolicy(maximumRate: test.rate, maximumRows: test.most))
    #expect(allowance == test.allowed)
  }

  @Test func backoffDoublesUpToItsLimit() {
    let policy = RetryPolicy(minimumBackoff: .seconds(1), maximumBackoff: .seconds(5))
    let waits = (1...6).map {
      Backoff.wait(afterFailures: $0, policy: policy, random: 0)
    }
    #expect(waits == [1, 2, 4, 5, 5, 5].map { Duration.seconds($0) })
    let jittered = Backoff.wait(afterFailures: 3, policy: policy, random: .max)
    #expect(jittered >= .seconds(2) && jittered < .milliseconds(2_001))
  }
}
