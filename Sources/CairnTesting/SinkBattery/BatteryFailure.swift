/// A sink did not do what the protocol asks.
public struct BatteryFailure: Error, CustomStringConvertible {
  /// What was looked at.
  public var subject: String
  /// What it should have been.
  public var expected: String
  /// What it was.
  public var found: String

  /// Makes a failure.
  public init(_ subject: String, expected: String, found: String) {
    self.subject = subject
    self.expected = expected
    self.found = found
  }

  /// Subject, expectation and finding, a line each.
  public var description: String {
    "\(subject)\n  expected: \(expected)\n  found:    \(found)"
  }
}

/// Throws unless two values are equal.
func expect<Value: Equatable>(
  _ subject: @autoclosure () -> String, _ found: Value, is expected: Value
) throws {
  guard found == expected else {
    throw BatteryFailure(subject(), expected: "\(expected)", found: "\(found)")
  }
}

/// Throws unless a sink refuses with an error of the kind that `isExpected` accepts.
func expectRefusal(
  _ subject: @autoclosure () -> String, _ expected: String, by action: () async throws -> Void,
  _ isExpected: (SinkError) -> Bool
) async throws {
  do {
    try await action()
  } catch let error as SinkError {
    guard isExpected(error) else {
      throw BatteryFailure(subject(), expected: expected, found: "\(error)")
    }
    return
  } catch {
    throw BatteryFailure(
      subject(), expected: "\(expected), as a SinkError", found: "\(type(of: error)): \(error)")
  }
  throw BatteryFailure(subject(), expected: expected, found: "no error")
}

internal import Cairn

extension SinkError {
  var isFenced: Bool { if case .fenced = self { true } else { false } }
  var isIncomplete: Bool { if case .incomplete = self { true } else { false } }
  /// The load that is in the way.
  var unfinishedLoad: SyncID? {
    if case .loadUnfinished(let run) = self { run.syncID } else { nil }
  }
  var isFatal: Bool { if case .fatal = self { true } else { false } }
  var isMismatch: Bool { if case .targetMismatch = self { true } else { false } }
}
