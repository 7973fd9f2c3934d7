/// The server that sends mails, and how it is talked to.
public struct SMTPOptions: Sendable, Hashable, Codable {
  /// `smtp://HOST:PORT` or `smtps://HOST:PORT`; see ``SMTPServer``.
  public var url: String
  /// Who logs in, or nil for nobody.
  public var user: String?
  /// The password of `user`. A secret: never printed.
  public var password: String?
  /// The sender's address, or nil for `user` where that is an address.
  public var from: String?
  /// Whether an `smtp:` connection turns to TLS; nil means `required`, or `never` for a server on
  /// this host.
  public var startTLS: StartTLSRule?
  /// A PEM file of the authorities that may vouch for the server, or nil for the system's.
  public var caFile: String?

  /// Makes options.
  public init(
    url: String, user: String? = nil, password: String? = nil, from: String? = nil,
    startTLS: StartTLSRule? = nil, caFile: String? = nil
  ) {
    self.url = url
    self.user = user
    self.password = password
    self.from = from
    self.startTLS = startTLS
    self.caFile = caFile
  }

  /// The sender's address: `from`, or `user` where that is an address.
  public var sender: String? { from ?? user.flatMap { MailAddress.isValid($0) ? $0 : nil } }

  /// Whether a connection to `server` turns to TLS.
  public func startTLS(with server: SMTPServer) -> StartTLSRule {
    startTLS ?? (server.isLoopback ? .never : .required)
  }
}

/// Whether a connection that starts plain turns to TLS.
public enum StartTLSRule: String, Sendable, Hashable, Codable, CaseIterable {
  /// It must; no mail is sent otherwise.
  case required
  /// If the server offers it.
  case optional
  /// It stays plain.
  case never
}

/// The address of a mail server.
public struct SMTPServer: Sendable, Hashable {
  /// Whether the connection is TLS from its first byte.
  public let usesTLS: Bool
  /// The host's name or address; IPv6 without brackets.
  public let host: String
  /// The port.
  public let port: UInt16

  /// Reads `smtp://HOST:PORT` or `smtps://HOST:PORT`; without a port it is 587 or 465. Nil for
  /// anything else, also for an address with a user, a password or a path.
  public init?(_ url: String) {
    var rest: Substring
    if url.hasPrefix("smtp://") {
      usesTLS = false
      rest = url.dropFirst("smtp://".count)
    } else if url.hasPrefix("smtps://") {
      usesTLS = true
      rest = url.dropFirst("smtps://".count)
    } else {
      return nil
    }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    let name: Substring
    if rest.hasPrefix("[") {
      guard let end = rest.firstIndex(of: "]") else { return nil }
      name = rest[..<end].dropFirst()
      rest = rest[rest.index(after: end)...]
      guard name.utf8.allSatisfy({ $0.isHexadecimalDigit || $0 == 0x3A || $0 == 0x2E }) else {
        return nil
      }
    } else {
      name = rest.prefix { $0 != ":" }
      rest = rest[name.endIndex...]
      guard name.utf8.allSatisfy({ $0.isWordByte || $0 == 0x2D || $0 == 0x2E }) else { return nil }
    }
    guard !name.isEmpty else { return nil }
    host = String(name)
    if rest.isEmpty {
      port = usesTLS ? 465 : 587
    } else {
      guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()), number > 0 else {
        return nil
      }
      port = number
    }
  }

  /// Whether the server runs on this host, so that nobody listens in between.
  public var isLoopback: Bool {
    let name = host.lowercased()
    return name == "localhost" || name.hasSuffix(".localhost") || name == "::1"
      || (name.hasPrefix("127.") && name.utf8.allSatisfy { $0.digitValue < 10 || $0 == 0x2E })
  }
}

extension UInt8 {
  fileprivate var isHexadecimalDigit: Bool { digitValue < 10 || (asciiLowercased &- 0x61) < 6 }

  /// Whether it is an ASCII letter, a digit or `_`.
  fileprivate var isWordByte: Bool {
    digitValue < 10 || (asciiLowercased &- 0x61) < 26 || self == 0x5F
  }
}
