extension AlertOptions {
  /// The most addresses: each gets a connection of its own.
  static let mostAddresses = 20

  /// Everything that is wrong with the options. Secrets are in none of the messages.
  public func problems() -> [JobProblem] {
    var problems: [JobProblem] = []
    func expect(_ holds: Bool, _ path: String, _ message: @autoclosure () -> String) {
      if !holds { problems.append(JobProblem(path: path, message: message())) }
    }
    for address in email where !MailAddress.isValid(address) {
      problems.append(
        JobProblem(path: "alerts.email", message: "'\(address)' is no mail address"))
    }
    expect(
      email.count <= Self.mostAddresses, "alerts.email",
      "\(email.count) addresses are more than \(Self.mostAddresses); give that of a list instead")
    for (key, address) in [("webhook", webhook), ("heartbeat", heartbeat)] {
      if let address {
        expect(
          Self.isWebAddress(address), "alerts.\(key)",
          "it is no address that starts with https:// or http://")
      }
    }
    expect(
      !email.isEmpty || webhook != nil || heartbeat != nil, "alerts",
      "neither email, webhook nor heartbeat says whom to tell")
    expect(!on.isEmpty, "alerts.on", "it is empty")
    if let smtp, !email.isEmpty {
      problems += smtp.problems()
    } else if smtp != nil {
      expect(false, "alerts.smtp", "alerts.email has nobody who would get a mail")
    } else {
      expect(email.isEmpty, "alerts.email", Self.serverNeeded)
    }
    return problems
  }

  fileprivate static let serverNeeded =
    "mails need a server: set alerts.smtp.url, or the environment variable CAIRN_SMTP_URL, to "
    + "smtp://HOST:587 or smtps://HOST:465"

  private static func isWebAddress(_ text: String) -> Bool {
    for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
      let rest = text.dropFirst(scheme.count)
      return rest.utf8.first != 0x2F && !rest.isEmpty
        && rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
    return false
  }
}

extension SMTPOptions {
  fileprivate func problems() -> [JobProblem] {
    var problems: [JobProblem] = []
    func expect(_ holds: Bool, _ key: String, _ message: String) {
      if !holds { problems.append(JobProblem(path: "alerts.smtp.\(key)", message: message)) }
    }
    guard let server = SMTPServer(url) else {
      expect(
        false, "url",
        url.isEmpty
          ? AlertOptions.serverNeeded
          : "expected smtp://HOST:587 or smtps://HOST:465, without user, password or path: user "
            + "and password are keys of their own")
      return problems
    }
    if user != nil {
      expect(
        password != nil, "password",
        "the user needs one: set it, or the environment variable CAIRN_SMTP_PASSWORD")
    } else {
      expect(password == nil, "user", "there is a password and nobody it belongs to")
    }
    for text in [user, password].compactMap({ $0 }) {
      expect(
        !text.isEmpty && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "user",
        "user and password are neither empty nor have control characters")
    }
    if let from {
      expect(MailAddress.isValid(from), "from", "'\(from)' is no mail address")
    } else {
      expect(
        sender != nil, "from",
        "the sender's address is needed: set it, or the environment variable CAIRN_SMTP_FROM")
    }
    if server.usesTLS {
      expect(startTLS == nil, "starttls", "smtps:// is TLS from the start; leave the key out")
    } else if password != nil, !server.isLoopback {
      expect(
        startTLS(with: server) == .required, "starttls",
        "a password is sent to another host by TLS only: 'required', or smtps://")
    }
    expect(caFile != "", "ca_file", "it is empty")
    return problems
  }
}

/// Addresses of mails.
enum MailAddress {
  /// Whether a text is an address as a mail server takes it: ASCII, one `@`, nothing that would need
  /// quotes.
  static func isValid(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: 0x40, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].first != 0x2D, text.utf8.count <= 254 else { return false }
    let special = Set("()<>[]:;,\\\"".utf8)
    return parts.allSatisfy { part in
      !part.isEmpty && part.allSatisfy { $0 > 0x20 && $0 < 0x7F && !special.contains($0) }
    }
  }
}
