#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A child process that a test may stop, wake and kill.
///
/// Its output goes to two files, so that a child is never held up by a full pipe and what it wrote
/// before it was killed can be read. A child that nobody waits for is killed with its last reference.
public final class ChildProcess: Sendable {
  /// The process id.
  public let id: Int32

  private let command: ChildCommand
  private let outputFolder: String
  private let ended = Mutex<ChildOutcome.End?>(nil)

  /// Starts a command.
  ///
  /// - Throws: ``ChildProcessError`` when it cannot be started.
  public init(_ command: ChildCommand) throws(ChildProcessError) {
    self.command = command
    outputFolder =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-child-\(UUID().uuidString)").path
    guard mkdir(outputFolder, 0o700) == 0 else {
      throw .cannotStart(command: command.line, reason: String(cString: strerror(errno)))
    }
    do {
      id = try Self.spawn(command, outputFolder: outputFolder)
    } catch {
      try? FileManager.default.removeItem(atPath: outputFolder)
      throw error
    }
  }

  deinit {
    let isOver = ended.withLock { $0 != nil }
    if !isOver {
      Self.send(SIGKILL, to: id)
      var status: Int32 = 0
      while waitpid(id, &status, 0) < 0, errno == EINTR {}
    }
    try? FileManager.default.removeItem(atPath: outputFolder)
  }

  /// What the child has written to standard output so far.
  public var standardOutput: String { read("stdout") }

  /// What the child has written to standard error so far.
  public var standardError: String { read("stderr") }

  /// Kills the child by SIGKILL: it can neither clean up nor finish anything.
  public func kill() { signal(SIGKILL) }

  /// Stops the child by SIGSTOP, as a frozen machine would: it holds on to whatever it holds.
  public func stop() { signal(SIGSTOP) }

  /// Wakes a stopped child by SIGCONT.
  public func wake() { signal(SIGCONT) }

  /// Sends the child a signal, unless it was waited for already.
  public func signal(_ number: Int32) {
    ended.withLock { end in
      if end == nil { Self.send(number, to: id) }
    }
  }

  /// Whether the child is stopped by a signal.
  public var isStopped: Bool {
    ended.withLock { end in
      guard end == nil else { return false }
      #if os(Linux)
        // The state is the first letter after the command's name, which is in parentheses.
        guard let stat = FileManager.default.contents(atPath: "/proc/\(id)/stat") else {
          return false
        }
        let text = String(decoding: stat, as: UTF8.self)
        return text.split(separator: ")").last?.split(separator: " ").first == "T"
      #else
        return false
      #endif
    }
  }

  /// Waits until the child ends.
  ///
  /// - Parameter timeout: After this time the child is killed.
  /// - Throws: ``ChildProcessError/timeout(command:after:standardError:)``, or `CancellationError`.
  public func wait(timeout: Duration = .seconds(120)) async throws -> ChildOutcome {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    while true {
      if let end = poll() {
        return ChildOutcome(
          end: end, standardOutput: standardOutput, standardError: standardError)
      }
      if clock.now >= deadline {
        kill()
        throw ChildProcessError.timeout(
          command: command.line, after: timeout, standardError: standardError)
      }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// How the child ended, or nil while it lives.
  public func poll() -> ChildOutcome.End? {
    ended.withLock { end in
      if end != nil { return end }
      var status: Int32 = 0
      guard waitpid(id, &status, WNOHANG) == id else { return nil }
      // The layout of a wait status is the same on Linux and Darwin: see wait(2), <sys/wait.h>.
      let signal = status & 0x7F
      end = signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
      return end
    }
  }

  private func read(_ name: String) -> String {
    let bytes = FileManager.default.contents(atPath: outputFolder + "/" + name) ?? Data()
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func send(_ number: Int32, to id: Int32) {
    #if canImport(Glibc)
      _ = Glibc.kill(id, number)
    #elseif canImport(Musl)
      _ = Musl.kill(id, number)
    #else
      _ = Darwin.kill(id, number)
    #endif
  }

  private static func spawn(
    _ command: ChildCommand, outputFolder: String
  ) throws(ChildProcessError) -> Int32 {
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in command.environment { variables[name] = value }
    var line = [command.executable] + command.arguments
    if let directory = command.directory {
      // Not every C library can change the folder of a spawned process; the shell can, and `exec`
      // keeps the process.
      line = ["/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", directory] + line
    }
    let spawn = Spawn(
      command: line, environment: variables,
      output: (outputFolder + "/stdout", outputFolder + "/stderr"))
    switch spawn.start() {
    case .success(let id): return id
    case .failure(let failure):
      throw .cannotStart(command: command.line, reason: failure.reason)
    }
  }
}

/// What can go wrong with a child process.
public enum ChildProcessError: Error, Hashable, CustomStringConvertible {
  /// The system refused to start it.
  case cannotStart(command: String, reason: String)
  /// It did not end in time and was killed.
  case timeout(command: String, after: Duration, standardError: String)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .cannotStart(let command, let reason): "cannot start '\(command)': \(reason)"
    case .timeout(let command, let after, let standardError):
      "'\(command)' did not end within \(after) and was killed; it had said: \(standardError)"
    }
  }
}
