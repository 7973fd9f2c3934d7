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
    return (Int64(date.days) * 86_400_000_000 + time.microseconds) * 1000
  }

  /// Reads an instant as `X-RateLimit-Reset` has it: seconds since 1970 (GitHub) or ISO 8601 (Jira).
  static func reset(_ text: String) -> Int64? {
    if let seconds = Int64(text) {
      let (nanoseconds, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      return isOver ? nil : nanoseconds
    }
    // Jira leaves the seconds out: 2025-01-16T11:00Z.
    return (Instant(text) ?? Instant(text.replacing("Z", with: ":00Z"))).map {
      $0.microseconds * 1000
    }
  }
}
