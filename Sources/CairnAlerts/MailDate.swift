#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Instants as mails write them.
enum MailDate {
  /// `Thu, 29 Jan 2025 14:30:22 +0000`, as RFC 5322 has it.
  static func header(ofNanoseconds nanoseconds: Int64) -> String {
    let time = utc(nanoseconds)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    return "\(days[Int(time.tm_wday) % 7]), \(time.tm_mday) \(months[Int(time.tm_mon) % 12])"
      + " \(time.tm_year + 1900)"
      + " \(two(time.tm_hour)):\(two(time.tm_min)):\(two(time.tm_sec)) +0000"
  }

  /// `2025-01-29T14:30:22Z`.
  static func timestamp(ofNanoseconds nanoseconds: Int64) -> String {
    let time = utc(nanoseconds)
    return "\(time.tm_year + 1900)-\(two(time.tm_mon + 1))-\(two(time.tm_mday))"
      + "T\(two(time.tm_hour)):\(two(time.tm_min)):\(two(time.tm_sec))Z"
  }

  private static func utc(_ nanoseconds: Int64) -> tm {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var fields = tm()
    gmtime_r(&seconds, &fields)
    return fields
  }

  private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
