#if os(Linux) && canImport(Runtime)
  internal import Runtime
#endif

/// What `errors.log` says below the line of an error.
enum ErrorTrace {
  /// The error's type: `Cairn.SinkError`.
  static func type(_ error: any Error) -> String { String(reflecting: Swift.type(of: error)) }

  /// The error's type, where it was recorded, and the calls that led there, where Swift tells.
  ///
  /// A Swift error carries no stack of its own: these are the calls at the place that caught it.
  static func lines(_ error: any Error, file: StaticString, line: UInt) -> [String] {
    ["\(type(error)) recorded at \(file):\(line)"] + stack()
  }

  private static func stack() -> [String] {
    #if os(Linux) && canImport(Runtime)
      guard let trace = try? Backtrace.capture(limit: 24) else { return [] }
      return trace.frames.map { "at \($0)" }
    #else
      return []
    #endif
  }
}
