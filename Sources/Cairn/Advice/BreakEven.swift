/// How often work must fail for checkpoints to be worth what they cost. Pure.
public enum BreakEven {
  /// The share of runs that must be tried again where nothing is measured: a conversion that takes one
  /// minute more, and a retry that saves 5 to 7.
  public static let usual = 0.15

  /// The share of runs that must be tried again for checkpoints to cost as much as they save.
  ///
  /// - Parameters:
  ///   - overheadPerRun: What checkpoints cost a run, in seconds.
  ///   - savedPerRetry: What a retry saves, in seconds.
  /// - Returns: Infinity when a retry saves nothing.
  public static func rate(overheadPerRun: Double, savedPerRetry: Double) -> Double {
    if overheadPerRun <= 0 { return 0 }
    return savedPerRetry > 0 ? overheadPerRun / savedPerRetry : .infinity
  }
}
