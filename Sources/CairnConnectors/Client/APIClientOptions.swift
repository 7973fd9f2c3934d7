public import Cairn

/// How an ``APIClient`` asks.
public struct APIClientOptions: Sendable {
  /// The API's name in messages: `GitHub`.
  public var service: String
  /// The longest time from a request to the end of its answer.
  public var timeout: Duration
  /// The most bytes an answer may have, unpacked.
  public var maximumAnswer: Int
  /// How errors of the server and the network are retried. ``Cairn/RetryPolicy/giveUpAfter`` is not
  /// used here.
  public var retry: RetryPolicy
  /// What of the API's budget is left to others who use the same credentials.
  public var reserve: Int
  /// Headers that every request has.
  public var headers: [(name: String, value: String)]
  /// What to do when the API refuses with 401 or 403, beside what the client says itself.
  public var remedies: [Int: String]

  /// Makes options.
  public init(
    service: String, timeout: Duration = .seconds(60), maximumAnswer: Int = 32 << 20,
    retry: RetryPolicy = RetryPolicy(), reserve: Int = 0,
    headers: [(name: String, value: String)] = [], remedies: [Int: String] = [:]
  ) {
    self.service = service
    self.timeout = timeout
    self.maximumAnswer = maximumAnswer
    self.retry = retry
    self.reserve = reserve
    self.headers = headers
    self.remedies = remedies
  }
}
