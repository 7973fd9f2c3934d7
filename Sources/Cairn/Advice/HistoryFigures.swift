/// The figures of a history that advice is made of. Pure.
public struct HistoryFigures: Sendable, Hashable, Codable {
  /// Runs that there were.
  public var runs: Int
  /// Attempts that ended by themselves or by an error; those that were stopped do not count.
  public var attempts: Int
  /// Attempts that failed.
  public var failures: Int
  /// Of these, those that failed in the middle of their run.
  public var midRunFailures: Int
  /// Attempts that were stopped by a deadline or signal.
  public var stops: Int
  /// How long an undisturbed run takes, in seconds; nil when nothing tells.
  public var duration: Double?
  /// How many units a run has.
  public var units: Int?
  /// How long a unit takes, in seconds.
  public var secondsPerUnit: Double?
  /// How long the work had gone on, on average, that a failure would have thrown away without
  /// checkpoints, in seconds.
  public var lostPerFailure: Double
  /// Work between two failures, in seconds; nil without a failure.
  public var secondsBetweenFailures: Double?
  /// How long a mark takes, in seconds; nil where nobody measured it.
  public var secondsPerMark: Double?
  /// Units between two marks.
  public var unitsPerMark: Double?
  /// Runs a week.
  public var runsPerWeek: Double

  /// A failure before this share of a run, or after what is left of it, is one at its start or end.
  public static let edge = 0.05

  /// Sums a history up.
  ///
  /// - Parameters:
  ///   - history: The history.
  ///   - now: Seconds since 1970-01-01 UTC; runs a week are counted from the first attempt to now.
  public init(_ history: History, now: Double) {
    let all = history.attempts
    let ended = all.filter { $0.ending != .stopped }
    let failed = all.filter { $0.ending == .failed }
    let byRun = Dictionary(grouping: all, by: \.run)
    runs = byRun.count
    attempts = ended.count
    failures = failed.count
    stops = all.count - ended.count
    let progress = all.reduce(0) { $0 + max($1.unitsAfter - $1.unitsBefore, 0) }
    let seconds = all.reduce(0) { $0 + $1.seconds }
    let perUnit = progress > 0 && seconds > 0 ? seconds / Double(progress) : nil
    secondsPerUnit = perUnit
    let units = Self.median(byRun.values.compactMap { $0.compactMap(\.unitsTotal).max() }.sorted())
    // A run that came to its end, in however many attempts, took all of their time together.
    let whole = byRun.values.filter { $0.contains { $0.ending == .completed } }
      .map { $0.reduce(0) { $0 + $1.seconds } }.sorted()
    var duration = Self.median(whole)
    if duration == nil, let perUnit, let units { duration = perUnit * Double(units) }
    self.units = units
    self.duration = duration
    let shares = failed.map { [duration] in Self.share(of: $0, duration: duration) }
    midRunFailures = shares.count { $0 > Self.edge && $0 < 1 - Self.edge }
    lostPerFailure =
      shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count) * (duration ?? 0)
    secondsBetweenFailures = failed.isEmpty || seconds <= 0 ? nil : seconds / Double(failures)
    let measured = all.filter { $0.markSeconds != nil && $0.marks > 0 }
    let marks = measured.reduce(0) { $0 + $1.marks }
    secondsPerMark =
      marks > 0 ? measured.reduce(0) { $0 + ($1.markSeconds ?? 0) } / Double(marks) : nil
    let allMarks = all.reduce(0) { $0 + $1.marks }
    unitsPerMark = allMarks > 0 && progress > 0 ? Double(progress) / Double(allMarks) : nil
    let first = all.map(\.startedAt).min() ?? now
    let weeks = max(now - first, 86_400) / (7 * 86_400)
    runsPerWeek = Double(runs) / weeks
  }

  /// How much of its run was done when an attempt failed: by units, or by time where that is more.
  private static func share(of attempt: PastAttempt, duration: Double?) -> Double {
    var share = 0.0
    if let total = attempt.unitsTotal, total > 0 {
      share = Double(attempt.unitsAfter) / Double(total)
      // What went on after the last mark is not in its units.
      if let duration, duration > 0 {
        share = max(share, Double(attempt.unitsBefore) / Double(total) + attempt.seconds / duration)
      }
    } else if let duration, duration > 0 {
      share = attempt.seconds / duration
    }
    return min(share, 1)
  }

  /// Failed attempts among those that ended.
  public var failureRate: Double { attempts > 0 ? Double(failures) / Double(attempts) : 0 }

  /// Failures per run.
  public var failuresPerRun: Double { runs > 0 ? Double(failures) / Double(runs) : 0 }

  private static func median(_ sorted: [Double]) -> Double? {
    guard !sorted.isEmpty else { return nil }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  private static func median(_ sorted: [Int]) -> Int? {
    sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }
}
