import Cairn
import Testing

@testable import CairnAlerts

/// What is worth an alert, and what it may say.
@Suite struct AlertTests {
  private let run = "sync_20250129_143000_a3f4b2c1"

  private func syncID() throws -> SyncID { try #require(SyncID(run)) }

  private func receipt(_ status: String) throws -> Receipt {
    var receipt = Receipt(
      syncID: try syncID(), job: "j", source: "s.csv", table: "t", sink: "sqlite:t.db",
      status: status, attempt: 3)
    receipt.counts.rows = 10
    receipt.failedChunks = [4]
    return receipt
  }

  private func holder() -> LeaseHolder {
    LeaseHolder(owner: .current(), fence: 1, expiresAt: "2025-01-29T14:30:22Z")
  }

  private func told(_ error: any Error) -> Alert? {
    Alert(error, job: "j", source: "s.csv", table: "t", sink: "sqlite:t.db")
  }

  @Test func `an outcome is told as what it is`() throws {
    let done = try #require(Alert(.done(try receipt("SUCCESS"))))
    #expect(done.occasion == .success && done.problem == nil)
    #expect(done.attempt == 3 && done.counts?.rows == 10 && done.failedChunks == [4])
    let partial = try #require(Alert(.partial(try receipt("PARTIAL_SUCCESS"))))
    #expect(partial.occasion == .partialSuccess)
    // A run that was partly successful before is no success because it is looked at again.
    let before = try #require(Alert(.done(try receipt("PARTIAL_SUCCESS"))))
    #expect(before.occasion == .partialSuccess)
  }

  @Test func `a stop that was asked for is no failure, a sink that is away is one`() throws {
    let receipt = try receipt("STOPPED")
    #expect(Alert(.stopped(receipt, .deadline)) == nil)
    #expect(Alert(.stopped(receipt, .signal("SIGTERM"))) == nil)
    #expect(Alert(.stopped(receipt, .cancelled)) == nil)
    let away = try #require(Alert(.stopped(receipt, .sinkAway("database is locked"))))
    #expect(away.occasion == .failed)
    #expect(
      away.problem
        == .init(errorClass: .transient, summary: "the sink is away: database is locked"))
  }

  @Test func `another owner is no failure`() throws {
    let owned = LoadError.ownedElsewhere(try syncID(), holder())
    #expect(told(owned) == nil)
    #expect(told(LoadError.overtaken(try syncID(), holder())) == nil)
    #expect(told(SinkError.fenced(holder())) == nil)
    #expect(told(LoadError.inputKept(try syncID(), folder: "/f", owned)) == nil)
    #expect(told(CancellationError()) == nil)
  }

  @Test func `errors are told by their class`() throws {
    #expect(told(SinkError.unavailable("away"))?.problem?.errorClass == .transient)
    #expect(
      told(LoadError.inputKept(try syncID(), folder: "/f", SinkError.transient("busy")))?.problem?
        .errorClass == .transient)
    #expect(told(SourceError.missing(path: "s.csv"))?.problem?.errorClass == .fatal)
    #expect(told(LoadError.emptySource(try syncID(), name: "s"))?.problem?.errorClass == .data)
  }

  @Test func `rejects are counted, not shown`() throws {
    let reject = Reject(
      row: 1, line: 2, byteOffset: 3, column: "c", rule: "type",
      reason: "'Jane Doe' is no integer", raw: Array("1,Jane Doe".utf8))
    let error = LoadError.tooManyRejects(
      try syncID(), chunk: 0, found: 9, allowed: 1, sample: [reject])
    let alert = try #require(told(error))
    #expect(alert.problem?.summary == "chunk 0: 9 rejected rows where 1 are allowed")
    #expect(alert.problem?.errorClass == .data)
    #expect(!SlackMessage(alert).text.contains("Jane"))
  }

  @Test func `a rate of rejects is not rounded to none`() {
    var alert = Alert.successSample
    alert.counts = RowCounts()
    alert.counts?.rows = 1_234_567
    alert.counts?.rejected = 1
    #expect(
      AlertText(alert: alert).facts.contains {
        $0.name == "rows" && $0.value == "1,234,567 = 1 rejected (0.01 %)"
      })
  }

  @Test func `a long problem is cut`() {
    var alert = Alert.failedSample
    alert.problem?.summary = String(repeating: "a", count: 5000)
    #expect(SlackMessage(alert).text.utf8.count < 3000)
    #expect(SlackMessage(alert).text.contains("a … (data)"))
  }

  @Test func `waits double, less up to half`() {
    let limits = DeliveryLimits(minimumBackoff: .seconds(1))
    #expect(limits.wait(afterFailures: 1, random: 0) == .seconds(1))
    #expect(limits.wait(afterFailures: 2, random: 0) == .seconds(2))
    let least = limits.wait(afterFailures: 1, random: .max)
    #expect(least >= .milliseconds(500) && least < .milliseconds(501))
  }

  @Test func `dates as RFC 5322 has them`() {
    #expect(MailDate.header(ofNanoseconds: 0) == "Thu, 1 Jan 1970 00:00:00 +0000")
    #expect(
      MailDate.header(ofNanoseconds: 1_709_251_199_999_999_999) == "Thu, 29 Feb 2024 23:59:59 +0000"
    )
  }
}
