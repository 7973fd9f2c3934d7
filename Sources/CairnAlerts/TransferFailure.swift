import CCurl
import Cairn

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why something was not sent. Names neither addresses that may be secret nor what the server wrote.
struct TransferFailure: Sendable, Hashable {
  var reason: String
  /// Whether another try may help.
  var isTransient: Bool
}

extension TransferFailure {
  /// The failure of a GET or POST, or nil when it was answered with 2xx.
  static func ofWeb(_ answer: CurlAnswer, timeout: Duration) -> TransferFailure? {
    // The status is the answer, whatever became of the body that follows it.
    switch answer.status {
    case 200..<300: return nil
    case 300..<400:
      return TransferFailure(
        reason: "the server answered \(answer.status): it redirects, which is not followed; set the"
          + " address that it redirects to", isTransient: false)
    case 400...:
      let isTransient = [408, 425, 429].contains(answer.status) || answer.status >= 500
      return TransferFailure(
        reason: "the server answered \(answer.status)", isTransient: isTransient)
    default:
      if answer.code == CURLE_OK { return TransferFailure(reason: "no answer", isTransient: true) }
      return ofConnection(answer, timeout: timeout)
    }
  }

  /// The failure of a mail, or nil when the server took it.
  static func ofMail(_ answer: CurlAnswer, server: String, timeout: Duration) -> TransferFailure? {
    if answer.code == CURLE_OK { return nil }
    var failure: TransferFailure
    switch answer.code {
    case CURLE_LOGIN_DENIED:
      failure = TransferFailure(
        reason: "the login was refused (\(answer.status)): check alerts.smtp.user and password",
        isTransient: (400..<500).contains(answer.status))
    case CURLE_USE_SSL_FAILED:
      failure = TransferFailure(
        reason: "the server offers no STARTTLS, which alerts.smtp.starttls requires",
        isTransient: false)
    case _ where answer.status >= 400:
      failure = TransferFailure(
        reason: "the server answered \(answer.status)", isTransient: answer.status < 500)
    default: failure = ofConnection(answer, timeout: timeout)
    }
    failure.reason += " (\(server))"
    return failure
  }

  private static func ofConnection(_ answer: CurlAnswer, timeout: Duration) -> TransferFailure {
    let system =
      answer.systemError == 0 ? "" : ": " + String(cString: strerror(answer.systemError))
    switch answer.code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
      return TransferFailure(reason: "the host's address was not found", isTransient: true)
    case CURLE_COULDNT_CONNECT:
      return TransferFailure(reason: "no connection\(system)", isTransient: true)
    case CURLE_OPERATION_TIMEDOUT:
      let time = DurationText.describe(timeout)
      return TransferFailure(reason: "no answer within \(time)", isTransient: true)
    case CURLE_PEER_FAILED_VERIFICATION:
      return TransferFailure(
        reason: "the server's certificate is not to be trusted, or is another host's",
        isTransient: false)
    case CURLE_SSL_CACERT_BADFILE:
      return TransferFailure(
        reason: "the authorities' certificates cannot be read: alerts.smtp.ca_file, or the system's"
          + " (package ca-certificates)", isTransient: false)
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
      return TransferFailure(reason: "the address is none", isTransient: false)
    default:
      let words = String(cString: curl_easy_strerror(answer.code))
      return TransferFailure(reason: "\(words)\(system)", isTransient: true)
    }
  }
}
