import Cairn
import Testing

@testable import CairnConnectors

@Suite struct APIClientTests {
  @Test func triesAgainWithBackoff() async throws {
    let script = ScriptedTransport(
      .answer(502, [], "{}"), .failure(.network("reset")), .failure(.timeout(.seconds(60))),
      .answer(200, [], #"{"a":1}"#))
    let client = try script.client(token: "backoff")
    let json = try await client.json(
      APIRequest(.get, "/x", query: [("q", "a b&c")]), context: script)
    #expect(json["a"].integer == 1)
    #expect(script.waitedUntil == [1, 3, 7])
    #expect(
      script.reasons.map { reason in
        if case .retry(let attempt, _) = reason { attempt } else { 0 }
      } == [2, 3, 4])
    #expect(script.requests.first?.url == "https://api.example.com/x?q=a%20b%26c")
    #expect(
      script.requests.allSatisfy {
        $0.headers.contains { $0 == ("Authorization", "Bearer backoff") }
      })
  }

  @Test func givesUpAfterItsTries() async throws {
    let script = ScriptedTransport(
      .answer(500, [], "<html>"), .answer(200, [], "<html>"), .answer(200, [], #"{"a":"#),
      .answer(503, [], ""))
    let client = try script.client(token: "tries")
    let error = await #expect(throws: CursorSourceError.self) {
      _ = try await client.json(APIRequest(.get, "/x"), context: script)
    }
    guard case .transient(let message)? = error else {
      return #expect(Bool(false), "\(error as Any)")
    }
    #expect(message.contains("4 times") && message.contains("503"))
    #expect(script.requests.count == 4)
  }

  /// The request is made anew for each try, and is told what went wrong.
  @Test func asksForLessAfterAnOverload() async throws {
    let script = ScriptedTransport(
      .answer(502, [], "{}"), .failure(.tooLarge(limit: 5)), .answer(200, [], "{}"))
    let client = try script.client(token: "less")
    var size = 50
    _ = try await client.send(context: script) { attempt in
      if attempt.failure?.isOverload == true { size /= 2 }
      return APIRequest(.get, "/x", query: [("first", "\(size)")])
    }
    #expect(script.requests.map { $0.url.suffix(2) } == ["50", "25", "12"])
  }

  @Test func waitsUntilTheWindowEnds() async throws {
    let headers = [
      ("X-RateLimit-Limit", "10"), ("X-RateLimit-Remaining", "1"),
      ("X-RateLimit-Reset", "\(ScriptedTransport.begin / 1_000_000_000 + 600)"),
    ]
    let script = ScriptedTransport(
      .answer(200, headers, "{}"), .answer(200, [], "{}"), .answer(200, [], "{}"))
    let client = try script.client(token: "window")
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    _ = try await client.json(APIRequest(.get, "/2"), context: script)
    #expect(script.waitedUntil == [])
    // Another client of the same token, as of another job.
    let other = try script.client(token: "window")
    #expect(other.isLimited(2))
    _ = try await other.send(context: script) { _ in APIRequest(.get, "/3", cost: 2) }
    #expect(script.waitedUntil == [600])
    #expect(script.reasons == [.rateLimit(remaining: 1)])
    // And of another token.
    #expect(!(try script.client(token: "elsewhere").isLimited(2)))
  }

  /// What another process was told holds for one that begins, until the API tells it more.
  @Test func recallsWhatACheckpointSays() async throws {
    let begin = ScriptedTransport.begin
    let script = ScriptedTransport(
      .answer(
        200,
        [
          ("X-RateLimit-Limit", "10"), ("X-RateLimit-Remaining", "9"),
          ("X-RateLimit-Reset", "\(begin / 1_000_000_000 + 7_200)"),
        ], "{}"))
    let client = try script.client(token: "recalled")
    client.recall(RateLimit(remaining: 3, reset: begin + 600 * 1_000_000_000))
    #expect(!client.isLimited(3))
    #expect(client.isLimited(4))
    _ = try await client.send(context: script) { _ in APIRequest(.get, "/1", cost: 4) }
    #expect(script.waitedUntil == [600])
    #expect(script.reasons == [.rateLimit(remaining: 3)])
    #expect(!client.isLimited(9))
    // Now it knows better.
    client.recall(RateLimit(remaining: 0, reset: begin + 7_000 * 1_000_000_000))
    #expect(!client.isLimited(9))
  }

  /// No reset is believed that is further away than the longest wait: eleven days and a half.
  @Test(arguments: [200, 403])
  func aResetFarAwayIsNotBelieved(_ status: Int) async throws {
    let headers = [
      ("X-RateLimit-Limit", "10"), ("X-RateLimit-Remaining", "0"),
      ("X-RateLimit-Reset", "7000000000"),
    ]
    let script = ScriptedTransport(.answer(status, headers, "{}"), .answer(200, [], "{}"))
    let client = try script.client(token: "far \(status)")
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    if status == 200 { _ = try await client.json(APIRequest(.get, "/2"), context: script) }
    #expect(script.waitedUntil == [1_000_000])
  }

  /// A header that was good before an hour's wait may not be after it.
  @Test func credentialsAreTakenAfterTheWait() async throws {
    struct Hourly: CredentialSource {
      let identity = "hourly"
      let script: ScriptedTransport

      func authorization(_ context: any PageContext) async throws -> Secret? {
        Secret("Bearer \((script.now - ScriptedTransport.begin) / 3_600_000_000_000)")
      }

      func refused(_ header: Secret?) async -> Bool { true }
    }
    let limited: ScriptedTransport.Step = .answer(
      403, [("Retry-After", "3600")], #"{"message":"secondary rate limit"}"#)
    let script = ScriptedTransport(
      limited, .answer(401, [], "{}"), limited, .answer(401, [], "{}"), .answer(200, [], "{}"))
    let client = APIClient(
      address: try APIAddress("https://api.example.com"), source: Hourly(script: script),
      options: APIClientOptions(service: "Example"), environment: script.environment,
      transport: script)
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    let sent = script.requests.compactMap { request in
      request.headers.first { $0.0 == "Authorization" }?.1
    }
    // And after each wait it may turn out to be refused once more.
    #expect(sent == ["Bearer 0", "Bearer 1", "Bearer 1", "Bearer 2", "Bearer 2"])
  }

  @Test func leavesAReserve() async throws {
    let headers = [
      ("X-RateLimit-Limit", "10"), ("X-RateLimit-Remaining", "5"),
      ("X-RateLimit-Reset", "2025-01-16T10:10Z"),
    ]
    let script = ScriptedTransport(.answer(200, headers, "{}"), .answer(200, [], "{}"))
    let client = try script.client(token: "reserve") { $0.reserve = 5 }
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    _ = try await client.json(APIRequest(.get, "/2"), context: script)
    #expect(script.waitedUntil == [600])
  }

  /// The API's clock is an hour ahead: its reset is an hour earlier here.
  @Test func readsTheAPIsClock() async throws {
    let reset = ScriptedTransport.begin / 1_000_000_000 + 3600 + 60
    let script = ScriptedTransport(
      .answer(
        403,
        [
          ("Date", "Thu, 16 Jan 2025 11:00:00 GMT"), ("X-RateLimit-Remaining", "0"),
          ("X-RateLimit-Reset", "\(reset)"),
        ], #"{"message":"API rate limit exceeded"}"#), .answer(200, [], "{}"))
    let client = try script.client(token: "clock")
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    #expect(script.waitedUntil == [60])
    #expect(script.reasons == [.rateLimit(remaining: 0)])
    #expect(client.serverTime == ScriptedTransport.begin + (3600 + 60) * 1_000_000_000)
  }

  @Test(
    arguments: [
      (429, [("Retry-After", "30")], 30), (403, [("Retry-After", "30")], 30),
      (503, [("Retry-After", "30")], 30),
      (429, [("Retry-After", "Thu, 16 Jan 2025 10:00:30 GMT")], 30), (429, [], 60),
    ] as [(Int, [(String, String)], Int64)])
  func staysAway(status: Int, headers: [(String, String)], seconds: Int64) async throws {
    let script = ScriptedTransport(
      .answer(status, headers, "{}"), .answer(200, [], "{}"))
    let client = try script.client(token: "away \(status) \(headers)")
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    #expect(script.waitedUntil == [seconds])
    #expect(script.reasons == [.retryAfter])
  }

  @Test func staysAwayLongerEachTime() async throws {
    let body = #"{"message":"You have exceeded a secondary rate limit."}"#
    let script = ScriptedTransport(
      .answer(403, [], body), .answer(403, [], body), .answer(403, [], body),
      .answer(200, [], "{}"))
    let client = try script.client(token: "longer")
    _ = try await client.json(APIRequest(.get, "/1"), context: script)
    #expect(script.waitedUntil == [60, 180, 420])
  }

  @Test func whatNoWaitMendsIsRefusedAtOnce() async throws {
    for status in [401, 403, 404, 400] {
      let script = ScriptedTransport(
        .answer(status, [], #"{"message":"no, secret-word"}"#))
      let client = try script.client(token: "secret-word") { $0.remedies = [401: "Ask Bob."] }
      let error = await #expect(throws: APIRefusal.self) {
        _ = try await client.json(APIRequest(.get, "/x"), context: script)
      }
      let text = "\(error as Any)"
      #expect(text.contains("\(status)"))
      #expect(!text.contains("secret-word"))
      #expect(text.contains("Ask Bob.") == (status == 401))
      #expect(script.reasons.isEmpty)
    }
  }

  @Test func credentialsGoToNoOtherHost() async throws {
    for place in [
      "https://evil.example.com/x", "//evil.example.com/x", "http://api.example.com/x",
      "https://api.example.com.evil.com/x", "https://api.example.com@evil.com/x", "ftp://x/",
    ] {
      let script = ScriptedTransport(.answer(302, [("Location", place)], ""))
      let client = try script.client(token: "redirect")
      await #expect(throws: APIRefusal.self) {
        _ = try await client.json(APIRequest(.get, "/x"), context: script)
      }
      #expect(script.requests.count == 1)
    }
    let script = ScriptedTransport(
      .answer(301, [("Location", "https://api.example.com/y")], ""),
      .answer(302, [("Location", "/z")], ""), .answer(200, [], "{}"))
    _ = try await script.client(token: "redirect").json(APIRequest(.get, "/x"), context: script)
    #expect(
      script.requests.map(\.url) == [
        "https://api.example.com/x", "https://api.example.com/y", "https://api.example.com/z",
      ])
  }

  @Test func aLimitThatNeverEndsIsGivenUp() async throws {
    let script = ScriptedTransport(
      .answer(429, [("Retry-After", "0")], "{}"), .answer(429, [("Retry-After", "0")], "{}"))
    let client = try script.client(token: "never")
    // The script ends before the client's patience does: it asks again each time.
    await #expect(throws: ScriptedTransport.Exhausted.self) {
      _ = try await client.json(APIRequest(.get, "/x"), context: script)
    }
    #expect(script.requests.count == 3)
  }

  @Test(arguments: [
    "https://user:s3cret@api.example.com", "https://api.example.com?token=x", "api.example.com",
    "ftp://api.example.com", "https://", "https://a b", "https://host:99999",
    "https://api.example.com/#x",
  ]) func refusesAddresses(text: String) {
    let error = #expect(throws: APIAddressError.self) { try APIAddress(text) }
    #expect(!"\(error as Any)".contains("s3cret"))
  }

  @Test func readsAddresses() throws {
    #expect(
      "\(try APIAddress("HTTPS://Git.Example.com:8443/api/v3/"))"
        == "https://git.example.com:8443/api/v3")
    #expect("\(try APIAddress("http://[::1]:80"))" == "http://[::1]:80")
    #expect(
      "\(try APIAddress("https://git.example.com/api/v3").graphQL)" == "https://git.example.com/api"
    )
    #expect("\(APIAddress.gitHub.graphQL)" == "https://api.github.com")
  }

  @Test func readsDates() {
    #expect(HTTPDate.nanoseconds("Thu, 01 Jan 1970 00:00:10 GMT") == 10_000_000_000)
    #expect(HTTPDate.nanoseconds("Thursday, 01-Jan-70 00:00:10 GMT") == nil)
    #expect(HTTPDate.reset("10") == 10_000_000_000)
    #expect(HTTPDate.reset("1970-01-01T00:01Z") == 60_000_000_000)
    #expect(HTTPDate.reset("1970-01-01T00:01:05Z") == 65_000_000_000)
    #expect(HTTPDate.reset("soon") == nil)
  }

  /// What is no instant of these times is none: sums of it would not fit.
  @Test func absurdDatesAreNone() {
    #expect(HTTPDate.nanoseconds("Fri, 31 Dec 9999 23:59:59 GMT") == nil)
    #expect(HTTPDate.nanoseconds("Wed, 31 Dec 1969 23:59:59 GMT") == nil)
    #expect(HTTPDate.nanoseconds("Thu, 01 Jan 2201 00:00:00 GMT") == nil)
    #expect(HTTPDate.nanoseconds("Wed, 31 Dec 2200 23:59:59 GMT") == 7_289_654_399_000_000_000)
    #expect(HTTPDate.reset("7289654399") == 7_289_654_399_000_000_000)
    for text in [
      "7289654400", "-1", "9223372036854775807", "-9223372036854775808", "9999-12-31T23:59Z",
      "0001-01-01T00:00:00Z", "2201-01-01T00:00Z",
    ] { #expect(HTTPDate.reset(text) == nil, "\(text)") }
  }

  @Test func absurdHeadersAreOutlasted() async throws {
    func headers(
      _ date: String, _ remaining: String, _ reset: String, _ limit: String
    ) -> [(String, String)] {
      [
        ("Date", date), ("X-RateLimit-Remaining", remaining), ("X-RateLimit-Reset", reset),
        ("X-RateLimit-Limit", limit),
      ]
    }
    let last = "Wed, 31 Dec 2200 23:59:59 GMT"
    let first = "Thu, 01 Jan 1970 00:00:00 GMT"
    let script = ScriptedTransport(
      .answer(200, headers(last, "9223372036854775807", "0", "-5"), "{}"),
      .answer(200, headers(first, "9223372036854775807", "7289654399", "1"), "{}"),
      .answer(200, headers(last, "5", "9999-12-31T23:59Z", "10"), "{}"),
      .answer(200, headers("Thu, 16 Jan 2025 10:00:00 GMT", "5", "0", "0"), "{}"),
      .answer(
        429, [("Date", first), ("Retry-After", "Wed, 31 Dec 2200 23:59:59 GMT")], "{}"),
      .answer(200, [], "{}"))
    let client = try script.client(token: "absurd")
    for _ in 0..<5 { _ = try await client.json(APIRequest(.get, "/x"), context: script) }
    #expect(script.waitedUntil == [1_000_000])
  }

  @Test func lessThanNothingIsNothing() throws {
    let told = try #require(
      ToldLimit([
        "X-RateLimit-Remaining": "-9223372036854775808", "X-RateLimit-Reset": "60",
        "X-RateLimit-Limit": "-1",
      ]))
    #expect(told == ToldLimit(limit: nil, remaining: 0, reset: 60_000_000_000))
    let budget = RateBudget()
    budget.told(told, reset: told.reset)
    #expect(budget.claim(1, reserve: 5, now: 0) == .wait(until: 60_000_000_000, remaining: 0))
  }
}
