#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tells new events as they are written, across rotation.
public struct EventFollower {
  private let path: String
  private let filter: EventFilter
  private var lines: LogLines?

  /// Follows the events in a folder from now on.
  ///
  /// - Throws: ``FileError``.
  public init(_ history: EventHistory, filter: EventFilter = EventFilter()) throws {
    path = FilePaths.join(history.folder, EventFiles.current)
    self.filter = filter
    lines = LogLines(path: path)
    try lines?.skipToEnd()
  }

  /// The events written before it followed, the last ones only, and those written since: each once.
  ///
  /// - Parameter limit: How many from before at most.
  /// - Throws: ``FileError``.
  public mutating func begin(in history: EventHistory, limit: Int) throws -> [Event] {
    let before = try history.events(filter, limit: limit)
    let since = try next()
    // What was written in between is in both.
    var twice = Dictionary(since.map { ($0, 1) }, uniquingKeysWith: +)
    let earlier = before.filter { event in
      guard let count = twice[event], count > 0 else { return true }
      twice[event] = count - 1
      return false
    }
    return earlier + since
  }

  /// The events written since the last call.
  ///
  /// - Throws: ``FileError``.
  public mutating func next() throws -> [Event] {
    var found: [Event] = []
    var failure: FileError?
    func take(_ lines: inout LogLines) {
      do {
        try lines.read { line in
          if let event = EventParser.event(line), filter.matches(event) { found.append(event) }
        }
      } catch {
        failure = error
      }
    }
    // Looked at before the old file is read to its end: what is written to it later is rotated away
    // by a writer that sees the new one.
    let current = LogLines(path: path)
    if var old = lines {
      take(&old)
      lines = old
    }
    if var current, current.identity != lines?.identity {
      take(&current)
      lines = current
    }
    if let failure { throw failure }
    return found
  }
}
