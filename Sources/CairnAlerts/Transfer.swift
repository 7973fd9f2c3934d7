import CCurl
import Cairn

/// What is sent, and where.
enum Transfer: Sendable {
  case post(url: String, SlackMessage)
  /// A GET whose answer does not matter but for its status.
  case get(url: String)
  case mail(Mail)

  /// A mail to one address.
  struct Mail: Sendable {
    var server: SMTPServer
    var options: SMTPOptions
    var from: String
    var to: String
    var message: String
  }

  /// Sends, and blocks until it is sent or `timeout` is over.
  ///
  /// - Returns: Why it was not sent, or nil.
  func perform(timeout: Duration) -> TransferFailure? {
    guard let handle = CurlHandle() else {
      return TransferFailure(reason: "libcurl cannot be used here", isTransient: false)
    }
    switch self {
    case .post(let url, let message):
      guard let text = try? message.json() else {
        return TransferFailure(reason: "it cannot be written as JSON", isTransient: false)
      }
      return Self.web(handle, url: url, json: text, timeout: timeout)
    case .get(let url):
      return Self.web(handle, url: url, json: nil, timeout: timeout)
    case .mail(let mail):
      return mail.send(handle, timeout: timeout)
    }
  }

  private static func web(
    _ handle: consuming CurlHandle, url: String, json: String?, timeout: Duration
  ) -> TransferFailure? {
    handle.allowHTTP()
    handle.set(CURLOPT_URL, url)
    handle.set(CURLOPT_USERAGENT, "cairn")
    if let json {
      handle.set(
        CURLOPT_HTTPHEADER, list: ["Content-Type: application/json; charset=utf-8", "Expect:"])
      handle.set(CURLOPT_POSTFIELDSIZE, json.utf8.count)
      handle.set(CURLOPT_COPYPOSTFIELDS, json)
    }
    return .ofWeb(handle.perform(timeout: timeout), timeout: timeout)
  }
}

extension Transfer.Mail {
  fileprivate func send(_ handle: consuming CurlHandle, timeout: Duration) -> TransferFailure? {
    handle.allowSMTP()
    let host = server.host.contains(":") ? "[\(server.host)]" : server.host
    let scheme = server.usesTLS ? "smtps" : "smtp"
    // The path is the name that this host greets with.
    handle.set(CURLOPT_URL, "\(scheme)://\(host):\(server.port)/\(Self.greeting)")
    let rule: curl_usessl =
      switch options.startTLS(with: server) {
      case .required: CURLUSESSL_ALL
      case .optional: CURLUSESSL_TRY
      case .never: CURLUSESSL_NONE
      }
    if !server.usesTLS { handle.set(CURLOPT_USE_SSL, Int(rule.rawValue)) }
    if let file = options.caFile { handle.set(CURLOPT_CAINFO, file) }
    if let user = options.user, let password = options.password {
      handle.set(CURLOPT_USERNAME, user)
      handle.set(CURLOPT_PASSWORD, password)
    }
    handle.set(CURLOPT_MAIL_FROM, "<\(from)>")
    handle.set(CURLOPT_MAIL_RCPT, list: ["<\(to)>"])
    let answer = handle.perform(upload: message, timeout: timeout)
    return .ofMail(answer, server: "\(host):\(server.port)", timeout: timeout)
  }

  /// The host's name, as far as mail servers take it.
  private static var greeting: String {
    let name = LeaseOwner.current().host
    let isName = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D || $0 == 0x2E
    }
    return isName && !name.isEmpty ? name : "localhost"
  }
}
