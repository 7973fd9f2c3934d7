/// Where an API is: scheme, host and the path that all its paths begin with.
public struct APIAddress: Sendable, Hashable, CustomStringConvertible {
  /// `https://host:port`, in lower case.
  public let origin: String
  /// What comes before every path: `/api/v3`, or nothing. Without a slash at its end.
  public let prefix: String

  /// The whole address.
  public var description: String { origin + prefix }

  /// Reads an address such as `https://api.github.com` or `https://git.example.com/api/v3/`.
  ///
  /// - Throws: ``APIAddressError`` when it is not one, or holds what does not belong there: a user, a
  ///   password, a query.
  public init(_ text: String) throws(APIAddressError) {
    guard let end = text.firstRange(of: "://") else { throw .unreadable(text) }
    let scheme = text[..<end.lowerBound].lowercased()
    let rest = text[end.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    // What stands before an @ may be a password, and is not repeated.
    guard !rest.contains("@") else { throw .hasCredentials }
    guard scheme == "https" || scheme == "http", !authority.isEmpty,
      rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw .unreadable(text) }
    guard !rest.contains("?"), !rest.contains("#") else { throw .hasQuery }
    if let port = Self.port(of: authority), UInt16(port) == nil { throw .unreadable(text) }
    origin = scheme + "://" + authority.lowercased()
    var path = rest[authority.endIndex...]
    while path.last == "/" { path.removeLast() }
    prefix = String(path)
  }

  init(origin: String, prefix: String) {
    self.origin = origin
    self.prefix = prefix
  }

  private static func port(of authority: Substring) -> Substring? {
    // Colons in brackets belong to an IPv6 address.
    let tail = authority.lastIndex(of: "]").map { authority[$0...] } ?? authority
    return tail.lastIndex(of: ":").map { tail[tail.index(after: $0)...] }
  }

  /// The URL of a path with a query.
  func url(_ path: String, query: [(name: String, value: String)]) -> String {
    var url = origin + prefix + path
    for (position, item) in query.enumerated() {
      url += (position == 0 ? "?" : "&") + Self.encoded(item.name) + "=" + Self.encoded(item.value)
    }
    return url
  }

  /// A text in percent encoding (RFC 3986, 2.1): everything but unreserved characters is encoded, so
  /// that it can be a part of a path, or of a query.
  public static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        encoded += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
      }
    }
    return encoded
  }
}

/// Why a text is no address of an API.
public enum APIAddressError: Error, Equatable, CustomStringConvertible {
  /// It is not an `http` or `https` URL.
  case unreadable(String)
  /// It holds a user or a password.
  case hasCredentials
  /// It holds a query or a fragment.
  case hasQuery

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .unreadable(let text):
      "'\(text)' is not the address of an API; expected something like https://api.github.com"
    case .hasCredentials:
      "the address of an API must not hold a user or a password; give them as credentials"
    case .hasQuery:
      "the address of an API must end with its path; found a '?' or '#'"
    }
  }
}
