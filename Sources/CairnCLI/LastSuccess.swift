import Cairn
import Foundation

/// How long ago the last success was, against how long ago it may be: for monitors.
struct LastSuccess: Encodable {
  enum Verdict: String, Encodable {
    case ok
    case tooOld = "too_old"
    case none
  }

  var verdict: Verdict
  var maxAgeSeconds: Int64
  /// Since the run completed; nil without one.
  var ageSeconds: Int64?
  var run: RunSummary?

  /// Pure.
  ///
  /// - Parameters:
  ///   - runs: The runs that count, none abandoned.
  ///   - maxAge: How long ago the last success may be.
  ///   - now: Nanoseconds since 1970-01-01 UTC.
  init(of runs: [RunRecord], maxAge: Duration, now: Int64) {
    maxAgeSeconds = maxAge.components.seconds
    let successes = runs.compactMap { run in
      run.status == .completed
        ? run.completedAt.flatMap(Self.seconds).map { (run: run, completed: $0) } : nil
    }
    guard let last = successes.max(by: { $0.completed < $1.completed }) else {
      verdict = .none
      return
    }
    run = RunSummary(last.run)
    // A clock ahead of this one makes no success of tomorrow.
    let age = max(0, now / 1_000_000_000 - last.completed)
    ageSeconds = age
    verdict = .seconds(age) <= maxAge ? .ok : .tooOld
  }

  /// In words; `place` is where was looked.
  func text(place: String) -> String {
    let limit = DurationText.describe(.seconds(maxAgeSeconds))
    guard let run, let ageSeconds else {
      return "\(Terminal.red("NO SUCCESS")) none of \(place) has succeeded"
    }
    let age = DurationText.describe(.seconds(ageSeconds))
    let what = "\(run.syncID), \(run.source) → \(run.table)"
    return verdict == .ok
      ? "\(Terminal.green("OK")) the last success is \(age) old, at most \(limit): \(what)"
      : "\(Terminal.red("TOO OLD")) the last success is \(age) old, more than \(limit): \(what)"
  }

  /// Seconds since 1970 of an ISO 8601 time in UTC; fractions are dropped.
  private static func seconds(_ text: String) -> Int64? {
    (try? Date(text.prefix(19) + "Z", strategy: .iso8601)).map { Int64($0.timeIntervalSince1970) }
  }
}
