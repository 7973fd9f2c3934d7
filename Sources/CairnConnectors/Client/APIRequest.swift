/// A request to an API. What is asked must change nothing there, since it is sent again when no answer
/// comes.
public struct APIRequest: Sendable {
  /// `GET` or `POST`.
  public var method: Method
  /// The path after the API's address, with a slash at its begin; percent-encoded.
  public var path: String
  /// The query's names and values, not encoded yet.
  public var query: [(name: String, value: String)]
  /// Headers besides those that every request has.
  public var headers: [(name: String, value: String)]
  /// The body: a JSON text.
  public var body: [UInt8]?
  /// How much of the budget it probably takes: requests, or the points that the API counts.
  public var cost: Int

  /// How something is asked for.
  public enum Method: String, Sendable {
    /// By its address.
    case get = "GET"
    /// By a body.
    case post = "POST"
  }

  /// Makes a request.
  public init(
    _ method: Method = .get, _ path: String, query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], body: [UInt8]? = nil, cost: Int = 1
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.cost = cost
  }
}
