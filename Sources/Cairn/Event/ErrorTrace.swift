#if os(Linux) && canImport(Runtime)
  internal import Runtime
#endif

/// What `errors.log` says below the line of an error.
struct ErrorTrace: Sendable {
  private let head: [String]
  #if os(Linux) && canImport(Runtime)
    private let stack: Backtrace?
  #endif

  /// Lines that are known as they are.
  init(_ lines: [String]) {
    head = lines
    #if os(Linux) && canImport(Runtime)
      stack = nil
    #endif
  }

  /// The error's type, where it was recorded, and the calls that led there, where Swift tells.
  ///
  /// A Swift error carries no stack of its own: these are the calls at the place that caught it.
  init(_ error: any Error, file: StaticString, line: UInt) {
    head = ["\(Self.type(error)) recorded at \(file):\(line)"]
    #if os(Linux) && canImport(Runtime)
      stack = try? Backtrace.capture(limit: 24)
    #endif
  }

  /// The error's type: `Cairn.SinkError`.
  static func type(_ error: any Error) -> String { String(reflecting: Swift.type(of: error)) }

  /// The lines. Looking up the names of calls takes a while: not in the caller.
  func lines() -> [String] {
    #if os(Linux) && canImport(Runtime)
      // Without lines of source: reading debug information takes a second and much memory.
      guard let named = stack?.symbolicated(options: [.useSymbolCache]) else { return head }
      return head + named.frames.compactMap { $0.symbol.map { "at \($0.name)" } }
    #else
      return head
    #endif
  }
}
