import Testing

@testable import Cairn

/// Advice on made-up histories whose right answer is worked out by hand, one for each leaf of the
/// decision tree.
@Suite struct AdviceTests {
  private static let week = 7.0 * 86_400
  private static let start = 1_700_000_000.0
  /// Eight weeks after the first attempt.
  private static let now = start + 8 * week

  /// Runs of 450 entities at `seconds`, of which the first `failing` fail at the share `at` of their
  /// work once and are then done again.
  private func history(
    runs: Int, failing: Int, at share: Double = 0.5, seconds: Double, markSeconds: Double = 0.1
  ) -> History {
    var attempts: [PastAttempt] = []
    for run in 0..<runs {
      let began = Self.start + Double(run) * 8 * Self.week / Double(runs)
      var before = 0
      if run < failing {
        before = Int(450 * share)
        attempts.append(
          PastAttempt(
            run: "r\(run)", ending: .failed, unitsAfter: before, unitsTotal: 450,
            seconds: seconds * share, marks: before / 50,
            markSeconds: Double(before / 50) * markSeconds, startedAt: began))
      }
      attempts.append(
        PastAttempt(
          run: "r\(run)", ending: .completed, unitsBefore: before, unitsAfter: 450,
          unitsTotal: 450, seconds: seconds * Double(450 - before) / 450,
          marks: (450 - before) / 50, markSeconds: Double((450 - before) / 50) * markSeconds,
          startedAt: began + 1))
    }
    return History(attempts)
  }

  private func advice(_ history: History) -> Advice {
    Advice(.processor("stats"), history: history, now: Self.now)
  }

  // MARK: The leaves

  @Test func `too little history to tell`() {
    // 18 attempts, half of which failed: still too few.
    let advice = advice(history(runs: 9, failing: 9, seconds: 1_800))
    #expect(advice.figures.attempts == 18)
    #expect(advice.verdict == .tooLittleHistory)
    #expect(advice.worthwhile == nil)
    #expect(advice.savings == nil)
    #expect(self.advice(History([])).verdict == .tooLittleHistory)
  }

  @Test func `failures are rare`() {
    // 1 of 41 is 2.4 %, though a run takes half an hour.
    let advice = advice(history(runs: 40, failing: 1, seconds: 1_800))
    #expect(advice.figures.failureRate == 1.0 / 41)
    #expect(advice.verdict == .failuresAreRare)
    #expect(advice.worthwhile == false)
  }

  @Test(arguments: [0.0, 0.04, 0.96])
  func `only total failures`(_ share: Double) {
    // 4 of 44 is 9 %, but each at the very start or end.
    let advice = advice(history(runs: 40, failing: 4, at: share, seconds: 1_800))
    #expect(advice.figures.midRunFailures == 0)
    #expect(advice.verdict == .onlyTotalFailures)
    #expect(advice.worthwhile == false)
  }

  @Test func `a run is too short`() {
    // 9 % fail in the middle of 90 seconds.
    let advice = advice(history(runs: 40, failing: 4, seconds: 90))
    #expect(advice.figures.midRunFailures == 4)
    #expect(advice.figures.duration == 90)
    #expect(advice.verdict == .tooShort)
    #expect(advice.worthwhile == false)
  }

  @Test func `two to five minutes depend on how often it fails`() {
    // 4 of 40 runs fail, 10 %: below the break-even of 15 %.
    let rarely = advice(history(runs: 40, failing: 4, seconds: 200))
    #expect(rarely.verdict == .considerIfFrequent)
    #expect(rarely.worthwhile == false)
    // 12 of 40 runs fail, 30 %.
    let often = advice(history(runs: 40, failing: 12, seconds: 200))
    #expect(often.verdict == .considerIfFrequent)
    #expect(often.worthwhile == true)
  }

  @Test func `a long run that fails midway wants checkpoints`() {
    let advice = advice(history(runs: 40, failing: 4, seconds: 1_800))
    #expect(advice.verdict == .checkpoint)
    #expect(advice.worthwhile == true)
    // 40 runs in 8 weeks; each failure throws away half of 1,800 s; 4 failures of 40 runs.
    #expect(advice.figures.runsPerWeek == 5)
    #expect(advice.figures.lostPerFailure == 900)
    #expect(advice.savings?.wastedWithout == 5 * 0.1 * 900)
    // 40 × 1,800 s of work in 4 failures.
    #expect(advice.figures.secondsBetweenFailures == 18_000)
    // √(2 · 0.1 · 18,000) = 60 s by Young.
    #expect(isClose(advice.young, 60))
    #expect(isClose(advice.daly, 60 * (1 + (0.1 / 36_000).squareRoot() / 3 + 0.1 / 324_000) - 0.1))
    // An entity takes 4 s, so an interval is 15 entities; the table says 100 to 200 for half an hour.
    #expect(advice.units == 100)
    #expect(isClose(advice.overhead, 0.1 / 400.1))
  }

  @Test func `the edges of the tree`() {
    #expect(advice(history(runs: 38, failing: 2, seconds: 1_800)).verdict == .checkpoint)
    #expect(advice(history(runs: 39, failing: 2, seconds: 1_800)).verdict == .failuresAreRare)
    #expect(advice(history(runs: 40, failing: 4, seconds: 119)).verdict == .tooShort)
    #expect(advice(history(runs: 40, failing: 4, seconds: 120)).verdict == .considerIfFrequent)
    #expect(advice(history(runs: 40, failing: 4, seconds: 300)).verdict == .considerIfFrequent)
    #expect(advice(history(runs: 40, failing: 4, seconds: 301)).verdict == .checkpoint)
    #expect(advice(history(runs: 18, failing: 2, seconds: 1_800)).verdict == .checkpoint)
    #expect(advice(history(runs: 17, failing: 2, seconds: 1_800)).verdict == .tooLittleHistory)
  }

  @Test func `a retry that saves nothing never breaks even`() {
    // It fails before anything is done.
    let advice = advice(history(runs: 40, failing: 4, at: 0, seconds: 1_800))
    #expect(advice.breakEvenRate == nil)
    // Nothing fails: the usual figure.
    #expect(self.advice(history(runs: 40, failing: 0, seconds: 1_800)).breakEvenRate == 0.15)
  }

  @Test func `stops are no failures`() {
    var past = history(runs: 40, failing: 0, seconds: 1_800)
    for number in 0..<20 {
      past.attempts.append(
        PastAttempt(
          run: "s\(number)", ending: .stopped, unitsAfter: 200, unitsTotal: 450, seconds: 600,
          startedAt: Self.start))
    }
    let advice = advice(past)
    #expect(advice.figures.stops == 20)
    #expect(advice.figures.failureRate == 0)
    #expect(advice.verdict == .failuresAreRare)
  }

  @Test func `prerequisites say what is met`() {
    let good = advice(history(runs: 400, failing: 40, seconds: 3_600))
    #expect(good.prerequisites.count == 8)
    #expect(good.prerequisites.allSatisfy { $0.isMet == true }, "\(good.prerequisites)")
    let poor = advice(history(runs: 10, failing: 0, seconds: 60))
    #expect(
      poor.prerequisites.map(\.isMet) == [false, false, false, false, true, nil, nil, true])
  }

  // MARK: The formulas

  @Test func `intervals by Young and Daly`() {
    // Worked examples: a mark of 50 s, a failure every 10,000 s: √1,000,000 = 1,000 s.
    #expect(CheckpointInterval.young(cost: 50, betweenFailures: 10_000) == 1_000)
    // 1,000 · (1 + √0.0025 / 3 + 0.0025 / 9) − 50 = 966.944…
    #expect(
      isClose(CheckpointInterval.daly(cost: 50, betweenFailures: 10_000), 966.944_444_444_444_4))
    // A mark that costs more than two failures apart: once a failure.
    #expect(CheckpointInterval.daly(cost: 20_000, betweenFailures: 10_000) == 10_000)
    #expect(CheckpointInterval.daly(cost: 1, betweenFailures: 0) == 0)
  }

  @Test func `the break-even of the converted load`() {
    // One minute more for each load, 6 min 40 s saved by a retry.
    #expect(BreakEven.rate(overheadPerRun: 60, savedPerRetry: 400) == 0.15)
    #expect(BreakEven.rate(overheadPerRun: 60, savedPerRetry: 0) == .infinity)
    #expect(BreakEven.rate(overheadPerRun: 0, savedPerRetry: 0) == 0)
  }

  @Test func `what training a model saves a week`() {
    // 50 runs a week; 10 % fail at minute 20; 15 s of overhead a run.
    let savings = WeeklySavings(
      runs: 50, failuresPerRun: 0.1, lostPerFailure: 20 * 60, overheadPerRun: 15)
    #expect(savings.wastedWithout == 100 * 60)
    #expect(savings.wastedWith == 12.5 * 60)
    #expect(savings.saved == 87.5 * 60)
  }

  private func isClose(_ found: Double?, _ expected: Double) -> Bool {
    found.map { abs($0 - expected) < 1e-9 * max(abs(expected), 1) } == true
  }
}
