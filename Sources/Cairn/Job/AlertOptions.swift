/// Who is told how a run ended, and how.
///
/// The library's ``load(_:from:into:deadline:options:transform:progress:)`` tells nobody: it reads no
/// environment and opens no sockets. The `cairn` command sends alerts once a load has ended; a program
/// does the same with `send(_:by:)` of `CairnAlerts`. None of this is kept with a run: a resume reads
/// it from the job again.
public struct AlertOptions: Sendable, Hashable, Codable {
  /// Addresses that get a mail.
  public var email: [String]
  /// An `https:` or `http:` address that gets a POST of JSON. May hold a secret: never printed.
  public var webhook: String?
  /// An `https:` or `http:` address that gets a GET when the load succeeded, also when an earlier one
  /// had. May hold a secret: never printed.
  public var heartbeat: String?
  /// The server that sends the mails.
  public var smtp: SMTPOptions?
  /// The endings that webhook and mails are about.
  public var on: [AlertOccasion]

  /// Makes options; the default is to tell of failures, partial ones too.
  public init(
    email: [String] = [], webhook: String? = nil, heartbeat: String? = nil,
    smtp: SMTPOptions? = nil, on: [AlertOccasion] = [.failed, .partialSuccess]
  ) {
    self.email = email
    self.webhook = webhook
    self.heartbeat = heartbeat
    self.smtp = smtp
    self.on = on
  }
}

/// How a run can end, as far as alerts are concerned.
public enum AlertOccasion: String, Sendable, Hashable, Codable, CaseIterable {
  /// As SUCCESS.
  case success
  /// As PARTIAL_SUCCESS.
  case partialSuccess = "partial_success"
  /// As FAILED, or stopped because the sink is away.
  case failed
}
