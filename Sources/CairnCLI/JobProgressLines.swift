import Cairn
import Synchronization

/// How far jobs are, on standard error: a live line for one job on a terminal, plain lines otherwise.
final class JobProgressLines: Sendable {
  private struct State {
    var lastDrawn: [String: ContinuousClock.Instant] = [:]
    var lastWait: [String: Int64] = [:]
    var isDrawn = false
  }

  private let state = Mutex(State())
  private let isLive: Bool
  private let isQuiet: Bool
  private let isSeveral: Bool

  init(quiet: Bool, several: Bool) {
    isQuiet = quiet || Terminal.isForPrograms
    isLive = Terminal.isInteractive && !several
    isSeveral = several
  }

  func show(_ progress: JobProgress) {
    guard !isQuiet else { return }
    state.withLock { state in
      let job = progress.job
      let now = ContinuousClock.now
      if let wait = progress.wait {
        // Each wait is told of once.
        guard state.lastWait[job] != wait.until else { return }
        state.lastWait[job] = wait.until
        state.lastDrawn[job] = now
        return draw(Self.text(progress), &state)
      }
      let pause: Duration = isLive ? .milliseconds(100) : .seconds(5)
      if let last = state.lastDrawn[job], now - last < pause { return }
      // The first plain line is due after the first pause, not at once.
      if !isLive, state.lastDrawn[job] == nil {
        state.lastDrawn[job] = now
        return
      }
      state.lastDrawn[job] = now
      draw(Self.text(progress), &state)
    }
  }

  private func draw(_ text: String, _ state: inout State) {
    if isLive {
      state.isDrawn = true
      Terminal.draw("\r\u{1B}[K" + String(text.prefix(Terminal.width - 1)))
    } else {
      Terminal.note(text)
    }
  }

  /// Clears the live line, so that what follows starts on a clean one.
  func end() {
    state.withLock { state in
      if state.isDrawn { Terminal.draw("\r\u{1B}[K") }
      state.isDrawn = false
    }
  }

  /// `github_sync  pr_extraction  12 of 30 partitions  450 records  61 requests  apache/arrow`.
  static func text(_ progress: JobProgress) -> String {
    if let wait = progress.wait { return "\(progress.job): \(wait)" }
    var parts = [progress.job]
    if let phase = progress.phase { parts.append(phase) }
    parts.append("\(progress.partitionsOver) of \(progress.partitions) partitions")
    parts.append("\(Readable.count(progress.totalRecords)) records")
    parts.append("\(Readable.count(progress.requests)) requests")
    if let limit = progress.rateLimit {
      parts.append("\(Readable.count(limit.remaining)) calls left")
    }
    if let current = progress.current { parts.append(current) }
    return parts.joined(separator: "  ")
  }
}
