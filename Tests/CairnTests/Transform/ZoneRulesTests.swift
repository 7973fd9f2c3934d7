import Testing

@testable import Cairn

@Suite("Local times become instants as Python's zoneinfo has it")
struct ZoneRulesTests {
  private struct Question: Encodable {
    var zone: String
    var locals: [Int64]
  }

  @Test(
    "Around every change of the clocks, and far away", .enabled(if: ValueOracle.isAvailable),
    arguments: [
      "Asia/Jakarta", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata",
      "America/Sao_Paulo", "Pacific/Apia", "UTC",
    ])
  func everyTransition(zone: String) async throws {
    // Every quarter of an hour that some clock change could touch is probed: two days around each
    // change, which Python finds by itself.
    let answers = try await ValueOracle.run(
      """
      import datetime, zoneinfo
      zone = zoneinfo.ZoneInfo(data)
      epoch = datetime.datetime(1970, 1, 1)
      utc = datetime.timezone.utc
      def instant(local):
          t = epoch + datetime.timedelta(seconds=local)
          return local - int(t.replace(tzinfo=zone, fold=0).utcoffset().total_seconds())
      def offset(s):
          return (epoch.replace(tzinfo=utc) + datetime.timedelta(seconds=s)).astimezone(zone).utcoffset()
      locals_, step, s = set(), 86400 * 6, -1577923200
      while s < 4102444800:
          if offset(s) != offset(s + step):
              low, high = s, s + step
              while high - low > 1:
                  mid = (low + high) // 2
                  if offset(mid) == offset(low): low = mid
                  else: high = mid
              base = high + int(offset(low).total_seconds())
              for d in range(-8, 9): locals_.update((base + d * 900 + e) for e in (-1, 0, 1))
              locals_.update((base - 86400 + 1, base + 86400 + 1))
          s += step
      locals_.update((-60000000000, -3000000000, 0, 4500000000, 17000000000, 30000000000, 253402300799))
      locals_.update(17000000000 + 86400 * 10 * k for k in range(400))
      print(json.dumps([[l, instant(l)] for l in sorted(locals_)]))
      """, input: zone, as: [[Int64]].self)
    let rules = try #require(ZoneRules.named(zone))
    #expect(answers.count > 400)
    let wrong = answers.filter {
      rules.instant(ofLocal: $0[0] * 1_000_000 + 250_000) != $0[1] * 1_000_000 + 250_000
    }
    #expect(wrong == [], "local seconds and instants in \(zone)")
  }

  @Test("A skipped time moves forward by the gap, a repeated one is the first")
  func statedRule() {
    let parser = DateTimeParser(
      pattern: nil, zone: ZoneRules.named("Europe/Berlin"), rounds: false)
    let texts = [
      ("2025-03-30 02:30:00", "2025-03-30T01:30:00Z"),  // 03:30 summer time
      ("2025-10-26 02:30:00", "2025-10-26T00:30:00Z"),  // the first, summer time
      ("2025-10-26 03:00:00", "2025-10-26T02:00:00Z"),
      ("2025-01-01 00:00:00", "2024-12-31T23:00:00Z"),
      ("2025-01-01 00:00:00-05:00", "2025-01-01T05:00:00Z"),
    ]
    for (text, expected) in texts {
      let (value, _) = text.parsed(Int64(0)) { parser.parseInstant($0, into: &$1) }
      #expect(Instant(microseconds: value).description == expected)
    }
  }

  @Test("Only real zones have rules")
  func unknownZone() {
    #expect(ZoneRules.named("Mars/Phobos") == nil)
    #expect(ZoneRules.named("") == nil)
  }
}
