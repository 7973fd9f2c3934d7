public import Cairn
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension FaultPoints {
  /// Fault points that kill or stop this process where the environment says so.
  ///
  /// `CAIRN_CRASH_AT=commit-before:3` kills the process by SIGKILL when it comes to `commit-before`
  /// the third time; without a number, the first time. `CAIRN_STOP_AT` in the same form stops it by
  /// SIGSTOP. Without either variable, nothing happens at any fault point.
  ///
  /// - Throws: ``CrashSettingError`` when a value names no fault point or no number from 1 on.
  public static func crashing(
    environment: [String: String]
  ) throws(CrashSettingError) -> FaultPoints {
    var triggers: [Trigger] = []
    for (variable, signal) in [("CAIRN_CRASH_AT", SIGKILL), ("CAIRN_STOP_AT", SIGSTOP)] {
      guard let value = environment[variable], !value.isEmpty else { continue }
      triggers.append(try Trigger(variable: variable, value: value, signal: signal))
    }
    guard !triggers.isEmpty else { return .none }
    return FaultPoints { [triggers] point in
      for trigger in triggers { trigger.reached(point) }
    }
  }
}

/// Sends this process a signal when a fault point is reached for the nth time.
private final class Trigger: Sendable {
  private let point: FaultPoint
  private let count: Int
  private let signal: Int32
  private let reaches = Mutex(0)

  init(variable: String, value: String, signal: Int32) throws(CrashSettingError) {
    let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let point = FaultPoint(rawValue: String(parts[0])) else {
      throw .unknownPoint(variable: variable, found: String(parts[0]))
    }
    guard let count = parts.count == 1 ? 1 : Int(parts[1]), count >= 1 else {
      throw .notACount(variable: variable, found: String(parts[1]))
    }
    self.point = point
    self.count = count
    self.signal = signal
  }

  func reached(_ point: FaultPoint) {
    guard point == self.point else { return }
    reaches.withLock { reaches in
      reaches += 1
      // To this thread, not to the process: it shall not take another step. Nor shall others that come
      // to the point, hence under the lock.
      if reaches == count { raise(signal) }
    }
  }
}

/// Why `CAIRN_CRASH_AT` or `CAIRN_STOP_AT` says nothing.
public enum CrashSettingError: Error, Hashable, CustomStringConvertible {
  /// There is no such fault point.
  case unknownPoint(variable: String, found: String)
  /// What follows the colon is not a number from 1 on.
  case notACount(variable: String, found: String)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .unknownPoint(let variable, let found):
      "\(variable) names no fault point: '\(found)'; there are "
        + FaultPoint.allCases.map(\.rawValue).joined(separator: ", ")
    case .notACount(let variable, let found):
      "\(variable): expected a number from 1 on after the colon, found '\(found)'"
    }
  }
}
