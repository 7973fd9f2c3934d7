/// Why a try had no answer that is of use, though another may have: what is retried.
public enum APIFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The server said that it has a problem of its own.
  case server(status: Int, message: String)
  /// There was no whole answer in time.
  case timeout(Duration)
  /// The connection could not be made, or broke.
  case network(String)
  /// The answer is not what it should be.
  case unreadable(String)
  /// The answer is larger than is taken.
  case tooLarge(limit: Int)

  /// What happened, in words.
  public var description: String {
    switch self {
    case .server(let status, let message):
      message.isEmpty ? "status \(status)" : "status \(status): \(message)"
    case .timeout(let time): "no answer within \(time.wholeNanoseconds / 1_000_000) ms"
    case .network(let message): message
    case .unreadable(let message): message
    case .tooLarge(let limit): "the answer has more than \(limit) bytes"
    }
  }

  /// Whether asking for less may help.
  public var isOverload: Bool {
    switch self {
    case .server(let status, _): status >= 500
    case .timeout, .tooLarge: true
    case .network, .unreadable: false
    }
  }
}

/// A try that is about to be made.
public struct APIAttempt: Sendable, Hashable {
  /// Its number, from 1.
  public var number: Int
  /// How the try before it failed; nil for the first, and after a wait for a limit.
  public var failure: APIFailure?
}

/// An answer that no other try will change: credentials above all.
public struct APIRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// The API's name, for people.
  public var service: String
  /// The status.
  public var status: Int
  /// What the API says.
  public var message: String
  /// The path that was asked for.
  public var path: String
  /// What to do.
  public var remedy: String

  /// What is wrong, and what to do.
  public var description: String {
    let text =
      "\(service) refuses \(path): status \(status)\(message.isEmpty ? "" : ": \(message)")"
    return remedy.isEmpty ? text : "\(text)\n\(remedy)"
  }
}
