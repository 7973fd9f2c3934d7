#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

import Cairn
import Foundation
import Logging
import Synchronization

/// Standard output for results, standard error for people.
enum Terminal {
  /// Writes a result.
  static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

  /// Writes a message for people.
  static func note(_ text: String, level: Logger.Level = .notice) {
    if let log = shown.withLock({ $0 }) {
      Logger(label: "cairn", factory: { EventLogHandler(label: $0, log: log) })
        .log(level: level, "\(text)")
    } else {
      write(text + "\n", to: STDERR_FILENO)
    }
  }

  /// Writes without a line end, for people.
  static func draw(_ text: String) {
    if !isForPrograms { write(text, to: STDERR_FILENO) }
  }

  /// From here on messages are records of a log, which programs read.
  static func show(as log: EventLog) { shown.withLock { $0 = log } }

  private static let shown = Mutex<EventLog?>(nil)

  /// Whether programs read standard error.
  static var isForPrograms: Bool { shown.withLock { $0 != nil } }

  /// Whether people see standard error as it is written.
  static var isInteractive: Bool { !isForPrograms && isatty(STDERR_FILENO) != 0 }

  /// Whether colours are wanted there (https://no-color.org).
  static var hasColour: Bool {
    let environment = ProcessInfo.processInfo.environment
    return isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
      && environment["TERM"] != "dumb"
  }

  static func bold(_ text: String) -> String { hasColour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
  static func red(_ text: String) -> String { hasColour ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
  static func green(_ text: String) -> String { hasColour ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
  static func yellow(_ text: String) -> String { hasColour ? "\u{1B}[33m\(text)\u{1B}[0m" : text }

  /// Columns of the terminal, or 80.
  static var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      // A reader that went away (`cairn runs | head`) is no reason to fail.
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }
}

/// Numbers as people read them.
enum Readable {
  /// `1,234,567`.
  static func count(_ number: some BinaryInteger) -> String {
    var digits = String(number)
    var groups: [String] = []
    let sign = digits.hasPrefix("-") ? String(digits.removeFirst()) : ""
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return sign + ([digits] + groups).joined(separator: ",")
  }

  /// `141.3 MB`, in powers of ten.
  static func bytes(_ number: some BinaryInteger) -> String {
    var value = Double(number)
    for unit in ["B", "kB", "MB", "GB"] {
      if value < 1000 { return unit == "B" ? "\(Int(value)) B" : fixed(value, 1) + " " + unit }
      value /= 1000
    }
    return fixed(value, 1) + " TB"
  }

  /// `3.2 s`, `4m05s`, `1h02m`.
  static func seconds(_ seconds: Double) -> String {
    if seconds < 60 { return fixed(seconds, seconds < 10 ? 2 : 1) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60)m" + two(whole % 60) + "s" }
    return "\(whole / 3600)h" + two(whole / 60 % 60) + "m"
  }

  /// `12.3 %`.
  static func percent(_ share: Double) -> String { fixed(share * 100, 1) + " %" }

  /// A number with so many digits after the point.
  static func fixed(_ number: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", number)
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
