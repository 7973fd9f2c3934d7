import Cairn
import Foundation
import UnixSignals

/// Lets SIGINT and SIGTERM finish the commit in flight.
enum Signals {
  /// Does `work`; a first signal raises `stop`, a second one ends the process at once.
  static func stopping<Result: Sendable>(
    _ stop: StopRequest, quiet: Bool, _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let watcher = Task {
      for await signal in await UnixSignalsSequence(trapping: [.sigint, .sigterm]) {
        if stop.raised != nil { break }
        stop.raise(.signal(signal == .sigint ? "SIGINT" : "SIGTERM"))
        if !quiet { Terminal.note("\nstopping after the commit in flight; once more to end now") }
      }
      if stop.raised != nil, !Task.isCancelled { Foundation.exit(ExitStatus.stopped) }
    }
    defer { watcher.cancel() }
    return try await work()
  }

  /// Does `work`, which nobody has to wait for; a signal ends the process at once, with `code`.
  static func ending<Result: Sendable>(
    with code: Int32, _ work: () async -> Result
  ) async -> Result {
    let watcher = Task {
      for await _ in await UnixSignalsSequence(trapping: [.sigint, .sigterm]) {
        Foundation.exit(code)
      }
    }
    defer { watcher.cancel() }
    return await work()
  }
}
