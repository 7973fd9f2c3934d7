import Cairn
import Synchronization

/// How far a load is, on standard error: a live line on a terminal, a plain line now and then
/// elsewhere.
final class ProgressLine: Sendable {
  private struct State {
    var lastDrawn: ContinuousClock.Instant?
    var isDrawn = false
  }

  private let state = Mutex(State())
  private let isLive: Bool
  private let isQuiet: Bool

  init(quiet: Bool) {
    isQuiet = quiet || Terminal.isForPrograms
    isLive = Terminal.isInteractive
  }

  func show(_ progress: LoadProgress) {
    guard !isQuiet else { return }
    state.withLock { state in
      let pause: Duration = isLive ? .milliseconds(100) : .seconds(5)
      let now = ContinuousClock.now
      if let last = state.lastDrawn, now - last < pause { return }
      // The first plain line is due after the first pause, not at once.
      if !isLive, state.lastDrawn == nil {
        state.lastDrawn = now
        return
      }
      state.lastDrawn = now
      if isLive {
        state.isDrawn = true
        Terminal.draw("\r\u{1B}[K" + String(Self.text(progress).prefix(Terminal.width - 1)))
      } else {
        Terminal.note(Self.text(progress))
      }
    }
  }

  /// Clears the live line, so that what follows starts on a clean one.
  func end() {
    state.withLock { state in
      if state.isDrawn { Terminal.draw("\r\u{1B}[K") }
      state.isDrawn = false
    }
  }

  /// `processing  120,000 rows  84,112 rows/s  39.5 MB/s  12 rejects  41.2 %  ETA 3.2 s`.
  static func text(_ progress: LoadProgress) -> String {
    let seconds = max(progress.seconds, 0.001)
    var parts = [
      progress.phase, "\(Readable.count(progress.rows)) rows",
      "\(Readable.count(Int(Double(progress.rowsThisAttempt) / seconds))) rows/s",
      "\(Readable.fixed(Double(progress.bytesThisAttempt) / seconds / 1e6, 1)) MB/s",
      "\(Readable.count(progress.rejected)) rejects",
    ]
    if let total = progress.totalBytes, total > 0 {
      parts.append(Readable.percent(Double(progress.bytes) / Double(total)))
      // By this attempt's own pace: what earlier attempts did is no measure of the rest.
      if progress.bytesThisAttempt > 0, total >= progress.bytes {
        let pace = Double(progress.bytesThisAttempt) / seconds
        parts.append("ETA \(Readable.seconds(Double(total - progress.bytes) / pace))")
      }
    }
    return parts.joined(separator: "  ")
  }
}
