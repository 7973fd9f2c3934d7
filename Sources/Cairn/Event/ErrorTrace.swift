/// What `errors.log` says below the line of an error.
///
/// No calls: a Swift error carries no stack, and to take one at the place that caught it
/// (`Runtime.Backtrace`) reads the head of every file that is mapped into memory, which crashes the
/// process when another thread unmaps one meanwhile, as SQLite does.
struct ErrorTrace: Sendable {
  private let head: [String]

  /// Lines that are known as they are.
  init(_ lines: [String]) { head = lines }

  /// The error's type, and where it was recorded.
  init(_ error: any Error, file: StaticString, line: UInt) {
    head = ["\(Self.type(error)) recorded at \(file):\(line)"]
  }

  /// The error's type: `Cairn.SinkError`.
  static func type(_ error: any Error) -> String { String(reflecting: Swift.type(of: error)) }

  /// The lines.
  func lines() -> [String] { head }
}
