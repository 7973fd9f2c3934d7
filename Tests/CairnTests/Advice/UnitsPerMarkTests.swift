import Testing

@testable import Cairn

@Suite struct UnitsPerMarkTests {
  @Test(arguments: [
    (60.0, 25...50), (299, 25...50), (300, 50...100), (599, 50...100), (600, 100...200),
    (1_800, 100...200), (1_801, 200...500), (86_400, 200...500),
  ])
  func `the table of batch sizes`(_ duration: Double, _ bounds: ClosedRange<Int>) {
    #expect(UnitsPerMark.entityBounds(duration: duration) == bounds)
  }

  /// One completed attempt over `units`, a unit a second, and failures every so often.
  private func history(
    units: Int, secondsPerUnit: Double = 1, secondsPerMark: Double, failures: Int = 0
  ) -> History {
    var attempts = [
      PastAttempt(
        run: "a", ending: .completed, unitsAfter: units, unitsTotal: units,
        seconds: Double(units) * secondsPerUnit, marks: 10, markSeconds: 10 * secondsPerMark,
        startedAt: 0)
    ]
    for number in 0..<failures {
      attempts.append(
        PastAttempt(
          run: "f\(number)", ending: .failed, unitsAfter: 0, unitsTotal: units, seconds: 0,
          startedAt: 0))
    }
    return History(attempts)
  }

  @Test func `without a history it is 50, or all there are`() {
    #expect(UnitsPerMark.entities(in: History([]), total: 450) == 50)
    #expect(UnitsPerMark.entities(in: History([]), total: 7) == 7)
    #expect(UnitsPerMark.entities(in: History([]), total: 0) == 1)
  }

  @Test func `without failures it is the most the table allows`() {
    // 450 s are 7.5 minutes.
    #expect(
      UnitsPerMark.entities(in: history(units: 450, secondsPerMark: 0.001), total: 450) == 100)
    // The entities of today count: 5,000 s.
    #expect(
      UnitsPerMark.entities(in: history(units: 450, secondsPerMark: 0.001), total: 5_000) == 500)
  }

  @Test func `with failures it is the best interval within the table`() {
    // 900 s of work and 2 failures: 450 s between two. A mark of 4 s: √(2 · 4 · 450) = 60 s by Young,
    // 57.4 by Daly, which the table (15 minutes: 100 to 200) raises to 100.
    let past = history(units: 900, secondsPerMark: 4, failures: 2)
    #expect(UnitsPerMark.entities(in: past, total: 900) == 100)
    // Marks of 9 s: Daly says √(2 · 9 · 450) · (1 + 0.1/3 + 0.01/9) − 9 = 84.1; but 5 % of the time
    // are 180 s of work for each.
    let dear = history(units: 900, secondsPerMark: 9, failures: 2)
    #expect(UnitsPerMark.entities(in: dear, total: 900) == 180)
  }

  @Test func `marks never cost more than a twentieth, whatever the table says`() {
    // An entity takes 10 ms, a mark 100 ms: 200 entities between two.
    let past = history(units: 1_000, secondsPerUnit: 0.01, secondsPerMark: 0.1)
    #expect(UnitsPerMark.entities(in: past, total: 1_000) == 200)
  }

  @Test func `preferred, within bounds, without costs`() {
    #expect(UnitsPerMark.units(preferred: 5, within: 10...20) == 10)
    #expect(UnitsPerMark.units(preferred: 15, within: 10...20) == 15)
    #expect(UnitsPerMark.units(preferred: 25, within: 10...20) == 20)
  }
}
