/// Who is told how a run ended.
public struct AlertOptions: Sendable, Hashable, Codable {
  /// Addresses that get a mail.
  public var email: [String]
  /// An `https:` or `http:` address that gets a POST. May hold a secret: never printed.
  public var webhook: String?
  /// The endings that are told.
  public var on: [AlertOccasion]

  /// Makes options; the default is to tell of failures, partial ones too.
  public init(
    email: [String] = [], webhook: String? = nil, on: [AlertOccasion] = [.failed, .partialSuccess]
  ) {
    self.email = email
    self.webhook = webhook
    self.on = on
  }
}

/// How a run can end, as far as alerts are concerned.
public enum AlertOccasion: String, Sendable, Hashable, Codable, CaseIterable {
  /// As SUCCESS.
  case success
  /// As PARTIAL_SUCCESS.
  case partialSuccess = "partial_success"
  /// As FAILED.
  case failed
}
