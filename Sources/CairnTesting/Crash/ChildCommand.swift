/// A command to run as a child process.
public struct ChildCommand: Sendable, Hashable {
  /// Path of the executable; `PATH` is not searched.
  public var executable: String
  /// Arguments, without the command's own name.
  public var arguments: [String]
  /// Variables set on top of this process's environment; a nil value removes one.
  public var environment: [String: String?]
  /// The folder the child starts in, or nil for this process's own.
  public var directory: String?

  /// Describes a command.
  public init(
    _ executable: String, _ arguments: [String] = [], environment: [String: String?] = [:],
    directory: String? = nil
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
  }

  /// The command as one might type it, for messages.
  var line: String { ([executable] + arguments).joined(separator: " ") }
}

/// How a child process ended, and what it wrote.
public struct ChildOutcome: Sendable, Hashable {
  /// How it ended.
  public var end: End
  /// What it wrote to standard output.
  public var standardOutput: String
  /// What it wrote to standard error.
  public var standardError: String

  /// How a process ends.
  public enum End: Sendable, Hashable, CustomStringConvertible {
    /// By itself, with an exit code.
    case exited(Int32)
    /// By a signal.
    case killed(signal: Int32)

    /// `exit 75`, `signal 9`.
    public var description: String {
      switch self {
      case .exited(let code): "exit \(code)"
      case .killed(let signal): "signal \(signal)"
      }
    }
  }

  /// The exit code, or nil when a signal ended the process.
  public var exitCode: Int32? {
    if case .exited(let code) = end { code } else { nil }
  }

  /// Whether SIGKILL ended the process.
  public var wasKilled: Bool { end == .killed(signal: 9) }
}
