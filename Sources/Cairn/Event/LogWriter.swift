internal import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Makes lines of entries and writes them to where they belong. Used from the log's own queue only.
struct LogWriter {
  private let destination: LogDestination
  private let now: @Sendable () -> Int64
  /// Told once what keeps the log from being written.
  private let report: @Sendable (String) -> Void

  private var pipeline: LogFile?
  private var events: LogFile?
  private var errors: LogFile?
  private var stages: [String: LogFile] = [:]
  private let lock: LogFolderLock?
  private let console: Int32

  private var line = JSONLine()
  private var times = EventTime.Writer()
  /// The day of what is pending in `events`.
  private var day: Int32 = .min
  private var lost = 0
  private var hasReported = false
  /// After a failure nothing is tried before this moment.
  private var pause: ContinuousClock.Instant?

  /// Lines are written when so many bytes of them have gathered.
  private static let batchBytes = 1 << 18
  /// Lines of one file that cannot be written are kept up to so many bytes.
  private static let keptBytes = 4 << 20
  private static let openStages = 32

  init(
    _ destination: LogDestination, console: Int32, now: @escaping @Sendable () -> Int64,
    report: @escaping @Sendable (String) -> Void
  ) {
    self.destination = destination
    self.console = console
    self.now = now
    self.report = report
    guard let files = destination.files else {
      lock = nil
      return
    }
    lock = LogFolderLock(folder: files.folder)
    let bySize = LogRotation.size(files.maximumBytes, keep: files.backupCount)
    pipeline = LogFile(path: files.pipelineLog, rotation: bySize)
    events = LogFile(path: files.eventLog, rotation: .daily)
    errors = LogFile(path: files.errorLog, rotation: bySize)
  }

  /// Writes entries, after saying how many others were lost before them.
  mutating func write(_ entries: [LogEntry], lost dropped: Int) {
    lost += dropped
    for entry in entries {
      append(entry)
      if (events?.pending.count ?? 0) + (pipeline?.pending.count ?? 0) > Self.batchBytes {
        writeFiles(isUrgent: false)
      }
    }
    writeFiles(isUrgent: false)
  }

  /// Tries what could not be written before, whether its time has come or not.
  mutating func flush() { writeFiles(isUrgent: true) }

  /// Deletes older files past their retention.
  ///
  /// - Returns: How many.
  mutating func cleanUp() -> Int {
    guard let files = destination.files, let lock else { return 0 }
    writeFiles(isUrgent: true)
    guard lock.acquire() else { return 0 }
    defer { lock.release() }
    return LogRetention.cleanUp(files, now: now())
  }

  // MARK: Lines

  private mutating func append(_ entry: LogEntry) {
    switch entry {
    case .event(let event, let trace, let time):
      let timestamp = times.bytes(ofNanoseconds: time)
      if events != nil || destination.console?.format == .json {
        line.bytes.removeAll(keepingCapacity: true)
        line.append(event, timestamp: timestamp)
        toEvents(day: EventTime.day(ofNanoseconds: time))
        if destination.console?.format == .json { toConsole() }
      }
      let level = event.level
      guard isText(level) else { return }
      line.bytes.removeAll(keepingCapacity: true)
      LogText.append(event, level: level, timestamp: timestamp, to: &line)
      toText(level: level, stage: event.stage, trace)
    case .record(let record):
      let timestamp = times.bytes(ofNanoseconds: record.time)
      if let shown = destination.console, shown.format == .json, record.level >= shown.level {
        line.bytes.removeAll(keepingCapacity: true)
        LogText.appendJSON(record, timestamp: timestamp, to: &line)
        toConsole()
      }
      guard isText(record.level) else { return }
      line.bytes.removeAll(keepingCapacity: true)
      LogText.append(record, timestamp: timestamp, to: &line)
      toText(level: record.level, stage: record.stage, record.trace)
    }
  }

  /// Whether a level is shown as text anywhere.
  private func isText(_ level: Logger.Level) -> Bool {
    if let files = destination.files, level >= files.level || level >= .error { return true }
    if let shown = destination.console, shown.format == .text { return level >= shown.level }
    return false
  }

  private mutating func toEvents(day: Int32) {
    guard events != nil else { return }
    // An event may say of itself that it is of a time to come; the log's day it does not change.
    let day = self.day < day ? min(day, EventTime.day(ofNanoseconds: now())) : day
    if self.day < day {
      // Yesterday's lines belong into yesterday's file.
      if events?.pending.isEmpty == false { writeFiles(isUrgent: true) }
      self.day = day
    }
    events?.pending.append(contentsOf: line.bytes)
  }

  private mutating func toText(level: Logger.Level, stage: String?, _ trace: ErrorTrace?) {
    if let shown = destination.console, shown.format == .text, level >= shown.level { toConsole() }
    guard let files = destination.files else { return }
    if level >= files.level {
      pipeline?.pending.append(contentsOf: line.bytes)
      if let stage, let folder = files.stageFolder {
        let path = FilePaths.join(folder, StageFileName.of(stage))
        stages[path, default: Self.newStage(path, files)].pending.append(contentsOf: line.bytes)
      }
    }
    if level >= .error {
      for detail in trace?.lines() ?? [] {
        // A text of several lines stays below its entry.
        for part in detail.split(separator: "\n") {
          line.literal("    ")
          line.bytes.append(contentsOf: part.utf8)
          line.literal("\n")
        }
      }
      errors?.pending.append(contentsOf: line.bytes)
    }
  }

  private static func newStage(_ path: String, _ files: LogFiles) -> LogFile {
    LogFile(path: path, rotation: .size(files.maximumBytes, keep: files.backupCount))
  }

  private func toConsole() {
    line.bytes.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let count = Self.systemWrite(
          console, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        if count < 0, errno == EINTR { continue }
        // A console that went away is no reason to fail.
        if count <= 0 { return }
        written += count
      }
    }
  }

  private static func systemWrite(
    _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int
  ) -> Int {
    #if canImport(Glibc)
      Glibc.write(descriptor, bytes, count)
    #elseif canImport(Musl)
      Musl.write(descriptor, bytes, count)
    #else
      Darwin.write(descriptor, bytes, count)
    #endif
  }

  // MARK: Files

  private mutating func writeFiles(isUrgent: Bool) {
    guard let lock else {
      if lost > 0 { announceLost() }
      return
    }
    if let pause, !isUrgent, ContinuousClock.now < pause {
      dropExcess()
      return
    }
    if lost > 0 { announceLost() }
    let isLocked = lock.acquire()
    defer { if isLocked { lock.release() } }
    var failure: FileError?
    Self.write(&pipeline, day, isLocked, &failure)
    Self.write(&events, day, isLocked, &failure)
    Self.write(&errors, day, isLocked, &failure)
    for path in stages.keys {
      var file = stages[path]
      if file?.pending.isEmpty == false, (DurableFile.size(path) ?? 0) == 0 {
        do {
          try StageLogList(folder: FilePaths.parent(of: path)).add(FilePaths.name(of: path))
        } catch {
          failure = error
        }
      }
      Self.write(&file, day, isLocked, &failure)
      stages[path] = file
    }
    if stages.count > Self.openStages { stages = stages.filter { !$0.value.pending.isEmpty } }
    guard let failure else {
      pause = nil
      return
    }
    pause = ContinuousClock.now + .seconds(1)
    dropExcess()
    if !hasReported {
      hasReported = true
      report("the log cannot be written, and the work goes on without: \(failure)")
    }
  }

  private static func write(
    _ file: inout LogFile?, _ day: Int32, _ isLocked: Bool, _ failure: inout FileError?
  ) {
    do {
      try file?.write(day: day, isLocked: isLocked)
    } catch {
      failure = error
    }
  }

  /// Bounds what waits for a disk that takes nothing.
  private mutating func dropExcess() {
    if let waiting = events, waiting.pending.count > Self.keptBytes {
      lost += waiting.pending.count { $0 == 0x0A }
      events?.pending.removeAll()
    }
    if let waiting = pipeline, waiting.pending.count > Self.keptBytes {
      pipeline?.pending.removeAll()
    }
    if let waiting = errors, waiting.pending.count > Self.keptBytes { errors?.pending.removeAll() }
    stages = stages.filter { $0.value.pending.count <= Self.keptBytes }
  }

  private mutating func announceLost() {
    let event = Event(
      .eventsLost, pipelineID: "cairn", status: .warning, metadata: ["count": EventValue(lost)])
    lost = 0
    append(.event(event, nil, time: now()))
  }
}
