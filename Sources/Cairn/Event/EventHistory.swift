#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a log's files of events hold: the current one and the older ones beside it.
///
/// Lines that are torn or that are no events are passed over. What is read while others write is what
/// was whole when it was read.
public struct EventHistory: Sendable, Hashable {
  /// The folder of `events.log`.
  public var folder: String

  /// Looks into a folder: that of `events.log`.
  public init(folder: String) { self.folder = FilePaths.absolute(folder) }

  /// Calls `body` with every event that satisfies a filter, file by file, oldest file first; within a
  /// file in the order in which they were written.
  ///
  /// - Returns: How many lines were passed over because they are torn or no events.
  /// - Throws: ``FileError``, or what `body` throws.
  @discardableResult
  public func forEach(
    _ filter: EventFilter = EventFilter(), _ body: (Event) throws -> Void
  ) throws -> Int {
    var skipped = 0
    var failure: (any Error)?
    let prepared = PreparedFilter(filter)
    for var lines in EventFiles.open(folder, since: filter.since) {
      try lines.read { line in
        guard failure == nil, prepared.mayMatch(line) else { return }
        guard let event = EventParser.event(line) else {
          skipped += line.isEmpty ? 0 : 1
          return
        }
        guard filter.matches(event) else { return }
        do { try body(event) } catch { failure = error }
      }
      if let failure { throw failure }
    }
    return skipped
  }

  /// The events that satisfy a filter, oldest first; only the last `limit` of them, if it is given.
  ///
  /// - Throws: ``FileError``.
  public func events(_ filter: EventFilter = EventFilter(), limit: Int? = nil) throws -> [Event] {
    var found: [Event] = []
    try forEach(filter) { event in
      found.append(event)
      // The last ones by the clock may be a little before the last ones by place.
      if let limit, found.count > 2 * limit + 1_000 { found.keepLast(limit) }
    }
    found.keepLast(limit ?? found.count)
    return found
  }

  /// The events of the last hours; the seeds' query.
  ///
  /// - Parameter now: Nanoseconds since 1970-01-01 UTC.
  /// - Throws: ``FileError``.
  public func recent(
    pipelineID: String? = nil, type: EventType? = nil, hours: Double = 24,
    now: Int64 = RunEnvironment.live.now()
  ) throws -> [Event] {
    try events(
      EventFilter(pipelineID: pipelineID, type: type, since: EventFilter.time(hours, before: now)))
  }
}

extension [Event] {
  /// Sorts by time, and drops all but the last ones.
  fileprivate mutating func keepLast(_ limit: Int) {
    // By place where times are equal: sorting need not be stable.
    self = enumerated().sorted {
      ($0.element.time ?? 0, $0.offset) < ($1.element.time ?? 0, $1.offset)
    }.suffix(Swift.max(0, limit)).map(\.element)
  }
}

/// Which events to look for.
public struct EventFilter: Sendable, Hashable {
  /// Only of this pipeline.
  public var pipelineID: String?
  /// Only of this stage.
  public var stage: String?
  /// Only of this type.
  public var type: EventType?
  /// Only with this status.
  public var status: EventStatus?
  /// Only from this moment on: nanoseconds since 1970-01-01 UTC.
  public var since: Int64?

  /// Makes a filter.
  public init(
    pipelineID: String? = nil, stage: String? = nil, type: EventType? = nil,
    status: EventStatus? = nil, since: Int64? = nil
  ) {
    self.pipelineID = pipelineID
    self.stage = stage
    self.type = type
    self.status = status
    self.since = since
  }

  /// The moment that lies so many hours before another one.
  public static func time(_ hours: Double, before now: Int64) -> Int64 {
    let nanoseconds = hours * 3.6e12
    return nanoseconds < Double(now) ? now - Int64(nanoseconds) : 0
  }

  func matches(_ event: Event) -> Bool {
    (pipelineID.map { $0 == event.pipelineID } ?? true) && (stage.map { $0 == event.stage } ?? true)
      && (type.map { $0 == event.type } ?? true) && (status.map { $0 == event.status } ?? true)
      && (since.map { $0 <= event.time ?? 0 } ?? true)
  }
}

/// Tells most lines that do not match by their bytes alone.
private struct PreparedFilter {
  private let since: [UInt8]?
  private let words: [[UInt8]]
  private static let start = Array("{\"timestamp\":\"".utf8)

  init(_ filter: EventFilter) {
    since = filter.since.map { Array(EventTime.text(ofNanoseconds: $0).utf8) }
    words = [filter.pipelineID, filter.type?.rawValue, filter.stage].compactMap { $0 }
      // One that needs an escape may be written in several ways.
      .filter {
        $0.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C && $0 != 0x2F }
      }
      .map { Array("\"\($0)\"".utf8) }
  }

  func mayMatch(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    let time = Self.start.count
    if let since, line.count > time + EventTime.width, line.starts(with: Self.start),
      // Only our own form sorts as times do.
      line[time + EventTime.width - 1] == UInt8(ascii: "Z"),
      line[time + EventTime.width] == UInt8(ascii: "\""),
      line[time..<time + EventTime.width].lexicographicallyPrecedes(since)
    {
      return false
    }
    return words.allSatisfy { Self.contains($0, in: line) }
  }

  private static func contains(_ word: [UInt8], in line: UnsafeBufferPointer<UInt8>) -> Bool {
    guard var start = line.baseAddress, let first = word.first else { return word.isEmpty }
    let end = start + line.count
    while end - start >= word.count {
      guard let found = memchr(start, Int32(first), end - start - word.count + 1) else {
        return false
      }
      if memcmp(found, word, word.count) == 0 { return true }
      start = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) + 1
    }
    return false
  }
}
