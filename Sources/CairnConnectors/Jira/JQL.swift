internal import Cairn

/// Queries in Jira's language, JQL.
enum JQL {
  /// A text in quotation marks; project keys need them too, since some are words of the language.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    // Not by characters: a mark that combines with a quotation mark does not keep it from ending the
    // text.
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// The issues of a project in the order of their numbers.
  ///
  /// - Parameters:
  ///   - filter: A query of the user's. In parentheses, so that an `OR` in it does not reach out of the
  ///     project.
  ///   - since: A clause of ``JiraDates``.
  ///   - from: The key of the first issue that is wanted.
  static func issues(
    ofProject key: String, filter: String?, since: String?, from: String?
  ) -> String {
    var clauses = ["project = \(quoted(key))"]
    if let filter { clauses.append("(\(filter))") }
    if let since { clauses.append(since) }
    if let from { clauses.append("key >= \(quoted(from))") }
    return clauses.joined(separator: " AND ") + " ORDER BY key ASC"
  }
}

/// How an instant is written in a query.
///
/// A date in quotation marks is of the time zone in the profile of the account that asks, to the minute;
/// one that is written in UTC is hours off for most accounts, and records are missed without a word.
public enum JiraDates: String, Sendable, Hashable, CaseIterable {
  /// As milliseconds since 1970, which is the same everywhere. Jira Cloud and Data Center take it.
  case milliseconds
  /// As a date of some hours before, so that it is early enough in every time zone. What changed in
  /// those hours is read again.
  case quoted

  /// How far local clocks are behind UTC at most: 12 hours. In nanoseconds.
  private static let farthestWest: Int64 = 12 * 3600 * 1_000_000_000
  private static let minute: Int64 = 60 * 1_000_000_000

  /// A clause for what changed at an instant or after it, in nanoseconds since 1970-01-01 UTC. It begins
  /// with a whole minute, since some servers know no less.
  func updated(since instant: Int64) -> String {
    switch self {
    case .milliseconds:
      return "updated >= \(Self.floor(instant) / 1_000_000)"
    case .quoted:
      let local = Self.floor(instant - Self.farthestWest)
      let text = LocalDateTime(microseconds: local / 1000).description
      return "updated >= \"\(text.prefix(16).replacing("T", with: " "))\""
    }
  }

  private static func floor(_ instant: Int64) -> Int64 {
    let rest = instant % minute
    return instant - (rest < 0 ? rest + minute : rest)
  }
}
