/// What became of one alert on one way.
public struct AlertDelivery: Sendable, Hashable, CustomStringConvertible {
  /// The way it took.
  public var channel: AlertChannel
  /// How often it was tried.
  public var attempts: Int
  /// Why it did not arrive, without secrets; nil when it did.
  public var failure: String?

  /// Makes an account of a delivery.
  public init(channel: AlertChannel, attempts: Int, failure: String? = nil) {
    self.channel = channel
    self.attempts = attempts
    self.failure = failure
  }

  /// `webhook: the server answered 404`, or `webhook: sent`.
  public var description: String { "\(channel): \(failure ?? "sent")" }
}

/// A way that an alert can take.
public enum AlertChannel: Sendable, Hashable, CustomStringConvertible {
  /// A POST of JSON.
  case webhook
  /// A GET that says that all is well.
  case heartbeat
  /// A mail to an address.
  case mail(to: String)
  /// None: the job's alerts make no sense.
  case none

  /// `webhook`, `mail to ops@example.com`.
  public var description: String {
    switch self {
    case .webhook: "webhook"
    case .heartbeat: "heartbeat"
    case .mail(let address): "mail to \(address)"
    case .none: "alerts"
    }
  }
}
