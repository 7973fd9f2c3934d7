import ArgumentParser
import Cairn

/// Ends a command with an error: what is wrong, and the command to type next.
enum Failure {
  /// Does `work`; prints its error and ends with the error's code.
  ///
  /// - Parameter next: The command to type next, once the error is dealt with.
  static func reporting(next: @autoclosure () -> String?, _ work: () async throws -> Void)
    async throws
  {
    do {
      try await work()
    } catch let code as ExitCode {
      throw code
    } catch {
      Terminal.note("\(Terminal.red("cairn:")) \(error)", level: .error)
      if mayRepeat(error), let next = next() { Terminal.note("Then go on with: \(next)") }
      throw ExitCode(ExitStatus.of(error))
    }
  }

  /// Whether the command may be typed again: not one that cannot be followed, nor where the error
  /// names another.
  private static func mayRepeat(_ error: any Error) -> Bool {
    switch error {
    case is UsageError, LoadError.inputKept, LoadError.inferenceContradicted: false
    default: true
    }
  }
}
