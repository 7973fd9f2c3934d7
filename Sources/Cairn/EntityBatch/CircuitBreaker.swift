/// Stops a processor after failures in a row, also over several calls, so that what fails is not
/// hammered on. Pure.
struct CircuitBreaker: Sendable, Equatable {
  /// After so many failures in a row it opens.
  var failureLimit: Int
  /// How long it stays open; then one try is let through.
  var coolDown: Duration

  /// Whether so many failures open it.
  func opens(after failures: Int) -> Bool { failures >= failureLimit }

  /// How long it is still open, or nil when it is closed or may be tried.
  ///
  /// - Parameter sinceLast: Time since the last failure; a clock that went back makes it negative, and
  ///   nobody is made to wait longer for that.
  func timeLeft(failures: Int, sinceLast: Duration?) -> Duration? {
    guard opens(after: failures), let sinceLast, sinceLast < coolDown else { return nil }
    return coolDown - max(sinceLast, .zero)
  }
}
