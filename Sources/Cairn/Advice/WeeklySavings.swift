/// What checkpoints save a week. Pure.
public struct WeeklySavings: Sendable, Hashable, Codable {
  /// Seconds of work that failures throw away a week without checkpoints.
  public var wastedWithout: Double
  /// Seconds a week that marks cost, and that failures throw away all the same.
  public var wastedWith: Double

  /// Seconds saved a week; negative when checkpoints cost more than they save.
  public var saved: Double { wastedWithout - wastedWith }

  /// - Parameters:
  ///   - runs: Runs a week.
  ///   - failuresPerRun: Failures per run.
  ///   - lostPerFailure: Seconds of work that a failure throws away without checkpoints.
  ///   - overheadPerRun: Seconds that marks cost a run.
  ///   - lostSinceMark: Seconds of work that a failure throws away with them: since the last mark.
  public init(
    runs: Double, failuresPerRun: Double, lostPerFailure: Double, overheadPerRun: Double,
    lostSinceMark: Double = 0
  ) {
    wastedWithout = runs * failuresPerRun * lostPerFailure
    wastedWith = runs * (overheadPerRun + failuresPerRun * lostSinceMark)
  }
}
