/// Finds what is secret in a sink's URL, so that it can be shown without.
public enum URLSecrets {
  /// Parameters whose values are secret; their names are PostgreSQL's.
  private static let parameters: Set<String> = ["password", "sslpassword", "oauth_client_secret"]

  /// The URL without its secrets: `postgres://user@host/db` for `postgres://user:word@host/db`. Also
  /// takes PostgreSQL's `key=value` form.
  public static func redacted(_ url: String) -> String {
    var text = url
    for secret in secrets(in: url).reversed() { text.removeSubrange(secret.whole) }
    // A parameter that went may leave its separators behind.
    guard text != url, let query = text.firstIndex(of: "?") else { return text }
    let rest = text[text.index(after: query)...].split(separator: "&").joined(separator: "&")
    return text[..<query] + (rest.isEmpty ? "" : "?" + rest)
  }

  /// Where the secrets are in a text, ascending.
  package static func ranges(in text: String) -> [Range<String.Index>] {
    secrets(in: text).map(\.value)
  }

  private struct Secret {
    /// The secret itself.
    var value: Range<String.Index>
    /// What goes with it when it is left out: the colon, or the parameter's name.
    var whole: Range<String.Index>
  }

  private static func secrets(in text: String) -> [Secret] {
    guard let scheme = text.firstRange(of: "://") else { return settings(in: text) }
    let rest = text[scheme.upperBound...]
    var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    // A password with a slash that should have been encoded is one still; a port is none.
    if !authority.contains("@"), let colon = authority.firstIndex(of: ":"),
      !authority[colon...].dropFirst().allSatisfy(\.isNumber), let at = rest.lastIndex(of: "@")
    {
      authority = rest[...at]
    }
    var found: [Secret] = []
    if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
      found.append(Secret(value: text.index(after: colon)..<at, whole: colon..<at))
    }
    guard let query = text[authority.endIndex...].firstIndex(of: "?") else { return found }
    for parameter in text[text.index(after: query)...].split(separator: "&") {
      guard let equals = parameter.firstIndex(of: "="),
        parameters.contains(parameter[..<equals].lowercased())
      else { continue }
      found.append(
        Secret(
          value: text.index(after: equals)..<parameter.endIndex,
          whole: parameter.startIndex..<parameter.endIndex))
    }
    return found
  }

  /// Secrets of `key=value` text, whose values may be in quotes.
  private static func settings(in text: String) -> [Secret] {
    var found: [Secret] = []
    var rest = text[...]
    while let equals = rest.firstIndex(of: "=") {
      let name = rest[..<equals].split(separator: " ").last ?? ""
      var end = text.index(after: equals)
      while end < text.endIndex, text[end] == " " { end = text.index(after: end) }
      let start = end
      let isQuoted = end < text.endIndex && text[end] == "'"
      if isQuoted { end = text.index(after: end) }
      while end < text.endIndex, text[end] != (isQuoted ? "'" : " ") {
        // What follows a backslash is no end.
        if text[end] == "\\" { end = text.index(after: end) }
        if end < text.endIndex { end = text.index(after: end) }
      }
      if isQuoted, end < text.endIndex { end = text.index(after: end) }
      if parameters.contains(name.lowercased()) {
        found.append(Secret(value: start..<end, whole: name.startIndex..<end))
      }
      rest = text[end...]
    }
    return found
  }
}
