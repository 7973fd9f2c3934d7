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
/// Who adds an entry pays for putting it into an array. When so many wait that memory would grow, as
/// when the disk hangs, it waits a second at most for room; from then on entries are dropped, and
/// counted, until there is room again.
final class LogQueue: Sendable {
  private struct Waiting {
    var entries: [LogEntry] = []
    /// Whether somebody is on the way to write them.
    var isDraining = false
    /// Whether waiting for room was in vain, so that nobody waits again.
    var isStuck = false
    var lost = 0
    /// Who waits for room.
    var waiters: [DispatchSemaphore] = []
  }

  private enum Next { case done, drain, wait(DispatchSemaphore) }

  private let capacity: Int
  private let patience: Duration
  private let waiting = Mutex(Waiting())
  private let writer: Mutex<LogWriter>
  private let queue = DispatchQueue(label: "cairn.log")

  init(_ writer: sending LogWriter, capacity: Int, patience: Duration = .seconds(1)) {
    self.writer = Mutex(writer)
    self.capacity = max(1, capacity)
    self.patience = patience
  }

  func add(_ entry: LogEntry) {
    switch tryAdding(entry, orDrop: false) {
    case .done: return
    case .drain: startDraining()
    case .wait(let room):
      _ = room.wait(timeout: .now() + patience.inSeconds)
      if case .drain = tryAdding(entry, orDrop: true) { startDraining() }
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
      guard !waiting.isDraining else { return .done }
      waiting.isDraining = true
      BusyLogs.shared.begin(self)
      return .drain
    }
  }

  private func startDraining() { queue.async { self.drain() } }

  private func drain() {
    while true {
      let taken: (entries: [LogEntry], lost: Int)? = waiting.withLock { waiting in
        guard !waiting.entries.isEmpty || waiting.lost > 0 else {
          waiting.isDraining = false
          BusyLogs.shared.end(self)
          return nil
        }
        var entries: [LogEntry] = []
        swap(&entries, &waiting.entries)
        let lost = waiting.lost
        waiting.lost = 0
        waiting.isStuck = false
        for room in waiting.waiters { room.signal() }
        waiting.waiters.removeAll()
        return (entries, lost)
      }
      guard let taken else { return }
      writer.withLock { $0.write(taken.entries, lost: taken.lost) }
    }
  }

  // MARK: For those who wait

  /// Does something on the log's thread after all that was added before is written.
  func afterWriting<Result: Sendable>(
    _ work: @escaping @Sendable (inout LogWriter) -> Result
  ) async -> Result {
    await withCheckedContinuation { continuation in
      queue.async {
        self.drain()
        continuation.resume(returning: self.writer.withLock { work(&$0) })
      }
    }
  }

  /// Waits, for so long at most, until all that was added is written.
  func finish(within limit: Duration) {
    let done = DispatchSemaphore(value: 0)
    queue.async {
      self.drain()
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
