/// Which errors of a stage are tried again, and how often.
public struct StageRetry: Sendable {
  /// How often the body is tried in all.
  public var attempts: Int
  /// The wait before the second try; it doubles from try to try, with jitter.
  public var minimumBackoff: Duration
  /// The longest wait.
  public var maximumBackoff: Duration
  /// The classes of errors that are tried again.
  public var classes: Set<ErrorClass>
  /// The class of an error.
  public var classify: @Sendable (any Error) -> ErrorClass

  /// Makes a rule.
  ///
  /// - Parameters:
  ///   - attempts: How often the body is tried in all.
  ///   - minimumBackoff: The wait before the second try.
  ///   - maximumBackoff: The longest wait.
  ///   - classes: The classes of errors that are tried again.
  ///   - classify: The class of an error; by default as ``ErrorClass/of(_:)`` says, which knows Cairn's
  ///     own errors and those that are ``ClassifiedError``. All others are fatal.
  public init(
    attempts: Int = 3, minimumBackoff: Duration = .seconds(1),
    maximumBackoff: Duration = .seconds(60), classes: Set<ErrorClass> = [.transient],
    classify: @escaping @Sendable (any Error) -> ErrorClass = ErrorClass.of
  ) {
    self.attempts = max(1, attempts)
    self.minimumBackoff = minimumBackoff
    self.maximumBackoff = maximumBackoff
    self.classes = classes
    self.classify = classify
  }

  /// No second try.
  public static let never = StageRetry(attempts: 1)

  /// Whether an error is tried again. A cancelled task never is.
  func retries(_ error: any Error, afterFailures failures: Int) -> Bool {
    !(error is CancellationError) && failures < attempts && classes.contains(classify(error))
  }

  func wait(afterFailures failures: Int, random: UInt64) -> Duration {
    Backoff.wait(
      afterFailures: failures,
      policy: RetryPolicy(
        attempts: attempts, minimumBackoff: minimumBackoff, maximumBackoff: maximumBackoff),
      random: random)
  }
}
