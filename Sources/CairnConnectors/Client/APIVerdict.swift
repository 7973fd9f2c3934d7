internal import Cairn

/// What an answer means for the request.
public enum APIVerdict: Sendable {
  /// It is one, for the caller to read; also an error's that is the caller's to judge.
  case answer
  /// The API wants no more requests until later.
  case limited(Limit)
  /// It failed, and may not if tried again.
  case failed(APIFailure)

  /// Which limit was hit.
  public enum Limit: Sendable, Hashable {
    /// The budget of a window is used up; it is refilled when the headers say.
    case primary
    /// Too much at once; the API may say for how long to stay away.
    case secondary
  }

  /// What a status and its headers mean, as GitHub, Jira and most others use them. Pure.
  public static func standard(_ response: APIResponse) -> APIVerdict {
    let message = response.message
    switch response.status {
    case 429, 403:
      // 403 is mostly a matter of permission, which no wait mends.
      if response.headers["x-ratelimit-remaining"] == "0" { return .limited(.primary) }
      let words = message.lowercased()
      if response.status == 429 || response.headers["retry-after"] != nil
        || words.contains("secondary rate limit") || words.contains("abuse detection")
      {
        return .limited(.secondary)
      }
      return .answer
    case 503 where response.headers["retry-after"] != nil: return .limited(.secondary)
    case 408, 500...: return .failed(.server(status: response.status, message: message))
    case 200..<300 where response.json == nil && response.status != 204:
      return .failed(.unreadable("status \(response.status), but the answer is not JSON"))
    default: return .answer
    }
  }
}

/// What headers tell of the budget.
struct ToldLimit: Sendable, Hashable {
  /// How much the window has in all, if told.
  var limit: Int?
  /// How much is left.
  var remaining: Int
  /// When it is refilled, by the API's clock, in nanoseconds since 1970-01-01 UTC.
  var reset: Int64

  /// `X-RateLimit-…` as GitHub and Jira have them; nil where they are not told.
  init?(_ headers: APIHeaders) {
    guard let remaining = headers["x-ratelimit-remaining"].flatMap({ Int($0) }),
      let reset = headers["x-ratelimit-reset"].flatMap(HTTPDate.reset)
    else { return nil }
    // Less than nothing cannot be left.
    self.remaining = max(0, remaining)
    self.reset = reset
    limit = headers["x-ratelimit-limit"].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
  }

  init(limit: Int?, remaining: Int, reset: Int64) {
    self.limit = limit
    self.remaining = remaining
    self.reset = reset
  }

  /// `rateLimit { limit remaining resetAt }`, as GitHub's GraphQL has it; nil where it is not told.
  init?(graphQL told: JSONValue) {
    guard let remaining = told["remaining"].integer.flatMap({ Int(exactly: $0) }),
      let reset = told["resetAt"].string.flatMap(HTTPDate.reset)
    else { return nil }
    self.remaining = max(0, remaining)
    self.reset = reset
    limit = told["limit"].integer.flatMap { Int(exactly: $0) }.flatMap { $0 > 0 ? $0 : nil }
  }

  /// It, with no later reset than is believed.
  func believed(at serverTime: Int64) -> ToldLimit {
    ToldLimit(limit: limit, remaining: remaining, reset: min(reset, serverTime + longestWait))
  }
}

/// The longest that is waited for, whatever an API asks: eleven days, in nanoseconds.
private let longestWait: Int64 = 1_000_000_000_000_000

/// `Retry-After`: how long to stay away, in nanoseconds.
func retryAfter(_ headers: APIHeaders, serverTime: Int64) -> Int64? {
  guard let text = headers["retry-after"] else { return nil }
  if let seconds = Double(text), seconds >= 0 {
    return Int64(min(seconds * 1e9, Double(longestWait)))
  }
  return HTTPDate.nanoseconds(text).map { min(longestWait, max(0, $0 - serverTime)) }
}
