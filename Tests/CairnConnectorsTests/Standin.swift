import Cairn
import CairnTesting
import Foundation
import Synchronization

@testable import CairnConnectors

/// A server of `Tests/Standins`, which ends with its last reference.
final class Standin: Sendable {
  /// Where it listens: `http://127.0.0.1:PORT`.
  let url: String
  private let process: ChildProcess

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// The Python of the tests.
  static func python() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let venv =
      ProcessInfo.processInfo.environment["CAIRN_VENV"] ?? root.appending(path: ".venv").path
    let python = venv + "/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw Failure(description: "no Python peers at \(venv); make them with: make venv")
    }
    return python
  }

  /// The folder of the stand-ins.
  static var folder: URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Standins")
  }

  /// Starts a server and waits until it listens.
  init(_ script: String, _ arguments: [String]) async throws {
    let path = Self.folder.appending(path: script).path
    // It ends with its standard input; this one has no end.
    let keepOpen =
      "f=$(mktemp -u) && mkfifo \"$f\" && exec 3<>\"$f\" && rm \"$f\" && exec \"$@\" <&3"
    process = try ChildProcess(
      ChildCommand(
        "/bin/sh", ["-c", keepOpen, "sh", try Self.python(), path] + arguments,
        environment: ["PYTHONDONTWRITEBYTECODE": "1"]))
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(240)
    while true {
      let output = process.standardOutput
      if output.contains("\n") {
        guard let url = try JSONValue(parsing: Array(output.utf8))["url"].string else {
          throw Failure(description: "\(script) said: \(output)")
        }
        self.url = url
        return
      }
      if let end = process.poll() {
        throw Failure(description: "\(script) ended (\(end)): \(process.standardError)")
      }
      guard clock.now < deadline else { throw Failure(description: "\(script) does not start") }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// A GitHub over a small organisation, `octo`, with the trimmed schema, which is read quickly.
  static func gitHub(
    seed: Int = 7, repositories: Int = 3, pullRequests: Int = 12, issues: Int = 8,
    _ more: [String] = []
  ) async throws -> Standin {
    try await Standin(
      "github_standin.py",
      [
        "--seed", "\(seed)", "--repositories", "\(repositories)", "--pull-requests",
        "\(pullRequests)", "--issues", "\(issues)", "--schema", "trimmed",
      ] + more)
  }

  /// What the server's control says: `truth`, `counts`.
  func told(_ path: String) async throws -> JSONValue {
    try await control("GET", path, nil)
  }

  /// Tells the server's control something: `settings`, `do`.
  @discardableResult
  func tell(_ path: String, _ json: String) async throws -> JSONValue {
    try await control("POST", path, Array(json.utf8))
  }

  private func control(_ method: String, _ path: String, _ body: [UInt8]?) async throws -> JSONValue
  {
    let answer = try await NetworkTransport().exchange(
      TransportRequest(
        method: method, url: "\(url)/_control/\(path)",
        headers: [("Content-Type", "application/json")], body: body),
      timeout: .seconds(120), limit: 1 << 30)
    guard answer.status == 200 else {
      throw Failure(description: "\(path): \(String(decoding: answer.body, as: UTF8.self))")
    }
    return try JSONValue(parsing: answer.body)
  }
}

/// A clock that waits move, and the server's with it: an hour's window takes no time, and is not over
/// before a busy machine has met it.
final class MovedClock: Sendable {
  private let standin: Standin
  private let ahead = Mutex<Int64>(0)

  init(_ standin: Standin) { self.standin = standin }

  func now() -> Int64 { RunEnvironment.live.now() + ahead.withLock { $0 } }

  func move(_ nanoseconds: Int64) async throws {
    ahead.withLock { $0 += nanoseconds }
    try await standin.tell("clock", "{\"advance\": \(Double(nanoseconds) / 1e9)}")
  }

  /// The machine's, but for the time.
  var environment: RunEnvironment {
    var environment = RunEnvironment.live
    environment.now = { self.now() }
    return environment
  }
}

/// What a source may ask of its driver, in tests: waits are short or not at all, and remembered.
final class TestContext: PageContext {
  struct Wait: Sendable, Equatable {
    var reason: WaitReason
    var nanoseconds: Int64
  }

  private struct State {
    var waits: [Wait] = []
    var requests = 0
    var limit: RateLimit?
    var clock: Int64?
    var isStopped = false
  }

  private let state = Mutex(State())
  let commitBy: ContinuousClock.Instant
  /// What a wait moves; without it a wait ends early.
  private let moved: MovedClock?

  struct Stopped: Error {}

  init(commitIn: Duration = .seconds(180), moving clock: MovedClock? = nil) {
    commitBy = ContinuousClock.now + commitIn
    moved = clock
  }

  var waits: [Wait] { state.withLock { $0.waits } }
  var requests: Int { state.withLock { $0.requests } }
  var limit: RateLimit? { state.withLock { $0.limit } }
  var clock: Int64? { state.withLock { $0.clock } }

  /// Has the next wait end at once, as when a job is told to stop.
  func stop() { state.withLock { $0.isStopped = true } }

  func wait(until instant: Int64, for reason: WaitReason) async throws {
    let time = max(0, instant - (moved?.now() ?? RunEnvironment.live.now()))
    let isStopped = state.withLock { state in
      state.waits.append(Wait(reason: reason, nanoseconds: time))
      return state.isStopped
    }
    if isStopped { throw Stopped() }
    if let moved {
      try await moved.move(time)
    } else {
      try await Task.sleep(for: min(.nanoseconds(time), .milliseconds(1)))
    }
  }

  func record(_ rateLimit: RateLimit) { state.withLock { $0.limit = rateLimit } }
  func countRequest() { state.withLock { $0.requests += 1 } }
  func recordClock(_ instant: Int64) { state.withLock { $0.clock = instant } }
}
