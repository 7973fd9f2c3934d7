internal import Cairn

/// Instants as headers have them, in nanoseconds since 1970-01-01 UTC.
enum HTTPDate {
  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// Reads `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7; the two obsolete forms are not understood).
  static func nanoseconds(_ text: String) -> Int64? {
    let words = text.split(separator: " ")
    guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), let year = Int(words[3]),
      let month = months.firstIndex(of: words[2].lowercased()),
      let date = LocalDate(year: year, month: month + 1, day: day),
      let time = LocalTime(String(words[4]))
    else { return nil }
    return nanoseconds(
      Instant(microseconds: Int64(date.days) * 86_400_000_000 + time.microseconds))
  }

  /// The last second that is taken for one: the end of the year 2200. What is sent for later is no
  /// instant, and would not fit the sums that are made of it.
  private static let lastSecond: Int64 = 7_289_654_399

  /// An instant of the years 1970 to 2200, in nanoseconds; nil for any other.
  static func nanoseconds(_ instant: Instant) -> Int64? {
    (0..<(lastSecond + 1) * 1_000_000).contains(instant.microseconds)
      ? instant.microseconds * 1000 : nil
  }

  /// Reads an instant as `X-RateLimit-Reset` has it: seconds since 1970 (GitHub) or ISO 8601 (Jira).
  static func reset(_ text: String) -> Int64? {
    if let seconds = Int64(text) {
      return (0...lastSecond).contains(seconds) ? seconds * 1_000_000_000 : nil
    }
    // Jira leaves the seconds out: 2025-01-16T11:00Z.
    return (Instant(text) ?? Instant(text.replacing("Z", with: ":00Z"))).flatMap(nanoseconds)
  }
}
