#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// How long to work between two marks, so that marks and repeated work together cost least. Pure.
public enum CheckpointInterval {
  /// Young's formula, √(2·C·M): J. W. Young, "A first order approximation to the optimum checkpoint
  /// interval", 1974.
  ///
  /// - Parameters:
  ///   - cost: What a mark costs, in seconds.
  ///   - betweenFailures: The mean time between failures, in seconds.
  /// - Returns: Seconds of work between two marks.
  public static func young(cost: Double, betweenFailures: Double) -> Double {
    (2 * max(cost, 0) * max(betweenFailures, 0)).squareRoot()
  }

  /// Daly's higher-order formula, for costs that are not small beside the time between failures: J. T.
  /// Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", 2006,
  /// equation 37.
  ///
  /// - Parameters: As ``young(cost:betweenFailures:)``.
  /// - Returns: Seconds of work between two marks.
  public static func daly(cost: Double, betweenFailures: Double) -> Double {
    let cost = max(cost, 0)
    guard betweenFailures > 0 else { return 0 }
    guard cost < 2 * betweenFailures else { return betweenFailures }
    let ratio = cost / (2 * betweenFailures)
    return young(cost: cost, betweenFailures: betweenFailures)
      * (1 + ratio.squareRoot() / 3 + ratio / 9) - cost
  }
}
