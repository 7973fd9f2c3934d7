/// Runs a command, lets mishaps befall it, and resumes it until it is done.
///
/// ```swift
/// let course = CrashCourse(ChildCommand(cairn, ["load", file, "--into", url]))
/// let attempts = try await course.run(through: [.crash(at: .commitBefore, count: 2), .kill(after: .milliseconds(80))])
/// ```
public struct CrashCourse: Sendable {
  /// The command of the first attempt.
  public var first: ChildCommand
  /// The command of all others.
  public var resume: ChildCommand
  /// Exit codes that mean done.
  public var doneCodes: Set<Int32>
  /// Exit codes that mean: resume to go on.
  public var stoppedCodes: Set<Int32>
  /// How many attempts there may be beyond the mishaps.
  public var spareAttempts: Int
  /// How long one attempt may take.
  public var timeout: Duration

  /// Makes a course; without `resume` the first command is simply run again.
  public init(
    _ first: ChildCommand, resume: ChildCommand? = nil, doneCodes: Set<Int32> = [0],
    stoppedCodes: Set<Int32> = [75], spareAttempts: Int = 3, timeout: Duration = .seconds(120)
  ) {
    self.first = first
    self.resume = resume ?? first
    self.doneCodes = doneCodes
    self.stoppedCodes = stoppedCodes
    self.spareAttempts = spareAttempts
    self.timeout = timeout
  }

  /// Runs the command, a mishap for each attempt in turn, then undisturbed until it is done.
  ///
  /// Ends early when the command is done before its mishap came.
  ///
  /// - Returns: The attempts in order; the last one is the one that was done.
  /// - Throws: ``CrashCourseError`` when an attempt fails by itself or the command never gets done.
  public func run(through mishaps: [Mishap]) async throws -> [ChildOutcome] {
    var attempts: [ChildOutcome] = []
    while attempts.count < mishaps.count + max(spareAttempts, 1) {
      let mishap = attempts.count < mishaps.count ? mishaps[attempts.count] : .none
      let outcome = try await attempt(attempts.isEmpty ? first : resume, mishap)
      attempts.append(outcome)
      switch outcome.end {
      case .exited(let code) where doneCodes.contains(code): return attempts
      case .exited(let code) where stoppedCodes.contains(code): continue
      case .killed where mishap != .none: continue
      default: throw CrashCourseError.failed(attempt: attempts.count, outcome)
      }
    }
    throw CrashCourseError.neverDone(attempts: attempts.count, attempts.last)
  }

  /// Runs one attempt with its mishap.
  public func attempt(_ command: ChildCommand, _ mishap: Mishap) async throws -> ChildOutcome {
    var command = command
    command.environment["CAIRN_CRASH_AT"] = .some(nil)
    if case .crash(let point, let count) = mishap {
      command.environment["CAIRN_CRASH_AT"] = "\(point.rawValue):\(count)"
    }
    let child = try ChildProcess(command)
    switch mishap {
    case .none, .crash: break
    case .kill(let delay):
      try await Task.sleep(for: delay, tolerance: .zero)
      child.kill()
    case .signal(let number, let delay):
      try await Task.sleep(for: delay, tolerance: .zero)
      child.signal(number)
    case .killAtProgress(let percent):
      let clock = ContinuousClock()
      let deadline = clock.now + timeout
      while child.poll() == nil, clock.now < deadline {
        let shown = Mishap.progress(in: child.standardError + child.standardOutput)
        if let shown, shown >= percent {
          child.kill()
          break
        }
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    return try await child.wait(timeout: timeout)
  }
}

/// Why a command did not get done.
public enum CrashCourseError: Error, Hashable, CustomStringConvertible {
  /// An attempt ended in a way that no mishap explains.
  case failed(attempt: Int, ChildOutcome)
  /// Every attempt stopped before the end.
  case neverDone(attempts: Int, ChildOutcome?)

  /// What is wrong, with what the command said.
  public var description: String {
    switch self {
    case .failed(let attempt, let outcome):
      "attempt \(attempt) ended with \(outcome.end): \(outcome.standardError)"
    case .neverDone(let attempts, let last):
      "not done after \(attempts) attempts; the last one said: \(last?.standardError ?? "nothing")"
    }
  }
}
