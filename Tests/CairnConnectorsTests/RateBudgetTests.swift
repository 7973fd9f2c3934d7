import Testing

@testable import CairnConnectors

@Suite struct RateBudgetTests {
  private let second: Int64 = 1_000_000_000

  @Test func countsWhatIsUnderWay() {
    let budget = RateBudget()
    budget.told(ToldLimit(limit: 100, remaining: 10, reset: 60 * second), reset: 60 * second)
    #expect(budget.claim(6, reserve: 0, now: 0) == .granted)
    #expect(budget.claim(6, reserve: 0, now: 0) == .wait(until: 60 * second, remaining: 10))
    #expect(budget.claim(4, reserve: 0, now: 0) == .granted)
    budget.settle(6)
    budget.told(ToldLimit(limit: 100, remaining: 4, reset: 60 * second), reset: 60 * second)
    #expect(budget.claim(1, reserve: 0, now: 0) != .granted)
    // The window ended: who knows.
    #expect(budget.claim(50, reserve: 0, now: 60 * second) == .granted)
  }

  @Test func answersMayOvertakeEachOther() {
    let budget = RateBudget()
    budget.told(ToldLimit(limit: 100, remaining: 1, reset: 60 * second), reset: 60 * second)
    budget.told(ToldLimit(limit: 100, remaining: 5, reset: 61 * second), reset: 61 * second)
    #expect(budget.claim(2, reserve: 0, now: 0) != .granted)
    // The next window.
    budget.told(ToldLimit(limit: 100, remaining: 99, reset: 120 * second), reset: 120 * second)
    #expect(budget.claim(2, reserve: 0, now: 61 * second) == .granted)
  }

  /// Instants that are further apart than a number can tell are not of the same window.
  @Test func windowsMayBeFarApart() {
    let budget = RateBudget()
    budget.told(ToldLimit(limit: 100, remaining: 1, reset: .min + 1), reset: .min + 1)
    budget.told(ToldLimit(limit: 100, remaining: 50, reset: .max), reset: .max)
    #expect(budget.claim(2, reserve: 0, now: 0) == .granted)
  }

  @Test func aWholeWindowMustDo() {
    let budget = RateBudget()
    budget.told(ToldLimit(limit: 5, remaining: 5, reset: 60 * second), reset: 60 * second)
    #expect(budget.claim(8, reserve: 3, now: 0) == .granted)
  }

  @Test func requestsUnderWayAreOneStrike() {
    let budget = RateBudget()
    for _ in 0..<4 { budget.block(for: nil, now: 0) }
    #expect(budget.claim(1, reserve: 0, now: 0) == .wait(until: 60 * second, remaining: nil))
    budget.block(for: nil, now: 60 * second)
    #expect(
      budget.claim(1, reserve: 0, now: 60 * second) == .wait(until: 180 * second, remaining: nil))
  }

  @Test func isOneForAToken() throws {
    let address = try APIAddress("https://api.example.com")
    let other = try APIAddress("https://api.example.org")
    #expect(RateBudget.shared(of: "one", at: address) === RateBudget.shared(of: "one", at: address))
    #expect(RateBudget.shared(of: "one", at: address) !== RateBudget.shared(of: "two", at: address))
    #expect(RateBudget.shared(of: "one", at: address) !== RateBudget.shared(of: "one", at: other))
  }
}
