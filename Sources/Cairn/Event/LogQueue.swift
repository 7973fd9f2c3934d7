import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Takes entries from any thread and has them written on a thread of its own.
///
/// Who adds an entry pays for putting it into an array. Waking a thread would take many times as long:
/// so the log's thread, once woken, stays for a while and looks every ten milliseconds. When so many
/// wait that memory would grow, as when the disk hangs, it waits for room, but not for long; from then
/// on entries are dropped, and counted, until there is room again.
final class LogQueue: Sendable {
  private struct Waiting {
    var entries: [LogEntry] = []
    /// Whether somebody is on the way to write them.
    var isDraining = false
    /// Whether it is waiting for its next look, from which it may be woken.
    var isResting = false
    /// How many wait for what was added to be written.
    var wanted = 0
    /// Whether waiting for room was in vain, so that nobody waits again.
    var isStuck = false
    var lost = 0
    /// Who waits for room.
    var waiters: [DispatchSemaphore] = []
  }

  private enum Next { case done, drain, wake, wait(DispatchSemaphore) }

  /// How long entries may lie before somebody looks.
  private static let look = Duration.milliseconds(10)
  /// How often nothing is found before the thread goes away.
  private static let looks = 50
  /// So many entries are not left to wait for the next look.
  private static let many = 1_024

  private let capacity: Int
  private let patience: Duration
  private let waiting = Mutex(Waiting())
  private let writer: Mutex<LogWriter>
  private let queue = DispatchQueue(label: "cairn.log")
  private let alarm = DispatchSemaphore(value: 0)

  init(_ writer: sending LogWriter, capacity: Int, patience: Duration) {
    self.writer = Mutex(writer)
    self.capacity = max(1, capacity)
    self.patience = patience
  }

  func add(_ entry: LogEntry) {
    switch tryAdding(entry, orDrop: false) {
    case .done: return
    case .drain: startDraining()
    case .wake: alarm.signal()
    case .wait(let room): add(entry, to: room)
    }
  }

  /// Adds an entry once there is room, or drops it when there was none for long.
  private func add(_ entry: LogEntry, to room: DispatchSemaphore) {
    let end = DispatchTime.now() + patience.inSeconds
    var room = room
    while true {
      let isTooLate = room.wait(timeout: end) == .timedOut
      switch tryAdding(entry, orDrop: isTooLate) {
      case .done: return
      case .drain: return startDraining()
      case .wake:
        alarm.signal()
        return
      // Others have taken the room first.
      case .wait(let next): room = next
      }
    }
  }

  private func tryAdding(_ entry: LogEntry, orDrop: Bool) -> Next {
    waiting.withLock { waiting in
      guard waiting.entries.count < capacity else {
        guard orDrop || waiting.isStuck else {
          let room = DispatchSemaphore(value: 0)
          waiting.waiters.append(room)
          return .wait(room)
        }
        waiting.isStuck = true
        waiting.lost += 1
        return .done
      }
      waiting.entries.append(entry)
      if waiting.isDraining {
        // Long before there is no room: the thread has to be given its turn first.
        let isDue = entry.isUrgent || waiting.entries.count >= min(Self.many, capacity / 2)
        guard isDue, waiting.isResting else { return .done }
        waiting.isResting = false
        return .wake
      }
      waiting.isDraining = true
      BusyLogs.shared.begin(self)
      return .drain
    }
  }

  private func startDraining() { queue.async { self.drain(stays: true) } }

  private enum Step { case write([LogEntry], lost: Int), rest, end }

  /// Writes what there is, until there is nothing.
  ///
  /// - Parameter stays: Whether to look for more for a while, unless somebody else wants the thread.
  private func drain(stays: Bool) {
    var looks = 0
    while true {
      switch step(mayRest: stays && looks < Self.looks) {
      case .write(let entries, let lost):
        writer.withLock { $0.write(entries, lost: lost) }
        looks = 0
      case .rest:
        rest()
        looks += 1
      case .end: return
      }
    }
  }

  private func step(mayRest: Bool) -> Step {
    waiting.withLock { waiting in
      guard waiting.entries.isEmpty, waiting.lost == 0 else {
        var entries: [LogEntry] = []
        swap(&entries, &waiting.entries)
        let lost = waiting.lost
        waiting.lost = 0
        waiting.isStuck = false
        for room in waiting.waiters { room.signal() }
        waiting.waiters.removeAll()
        return .write(entries, lost: lost)
      }
      waiting.isResting = mayRest && waiting.wanted == 0
      waiting.isDraining = waiting.isResting
      if waiting.isDraining { BusyLogs.shared.begin(self) } else { BusyLogs.shared.end(self) }
      return waiting.isResting ? .rest : .end
    }
  }

  /// Waits for the time of the next look, or to be woken.
  private func rest() {
    let wasWoken = alarm.wait(timeout: .now() + Self.look.inSeconds) == .success
    let isBeingWoken = waiting.withLock { waiting in
      defer { waiting.isResting = false }
      return !wasWoken && !waiting.isResting
    }
    // Whoever took it out of its rest rings.
    if isBeingWoken { alarm.wait() }
  }

  // MARK: For those who wait

  /// Does something on the log's thread after all that was added before is written.
  func afterWriting<Result: Sendable>(
    _ work: @escaping @Sendable (inout LogWriter) -> Result
  ) async -> Result {
    await withCheckedContinuation { continuation in
      enqueue { continuation.resume(returning: self.writer.withLock { work(&$0) }) }
    }
  }

  /// Does something on the log's thread after all that was added before is written, at once.
  private func enqueue(_ work: @escaping @Sendable () -> Void) {
    let isResting = waiting.withLock { waiting in
      waiting.wanted += 1
      defer { waiting.isResting = false }
      return waiting.isResting
    }
    if isResting { alarm.signal() }
    queue.async {
      self.waiting.withLock { $0.wanted -= 1 }
      self.drain(stays: false)
      work()
    }
  }

  /// Waits, for so long at most, until all that was added is written.
  func finish(within limit: Duration) {
    let done = DispatchSemaphore(value: 0)
    enqueue {
      self.writer.withLock { $0.flush() }
      done.signal()
    }
    _ = done.wait(timeout: .now() + limit.inSeconds)
  }
}

/// Logs with entries that wait to be written: written before the process ends by itself.
private final class BusyLogs: Sendable {
  static let shared = BusyLogs()
  /// How long the end of the process may be put off by a disk that hangs.
  private static let patience = Duration.seconds(2)

  private let logs = Mutex<[ObjectIdentifier: LogQueue]>([:])

  private init() { atexit { BusyLogs.shared.finish() } }

  func begin(_ log: LogQueue) { logs.withLock { $0[ObjectIdentifier(log)] = log } }

  func end(_ log: LogQueue) { logs.withLock { $0[ObjectIdentifier(log)] = nil } }

  private func finish() {
    let busy = logs.withLock { Array($0.values) }
    for log in busy { log.finish(within: Self.patience) }
  }
}
