import Cairn
import Foundation
import Testing

@testable import CairnTesting

struct CrashKitTests {
  @Test("The environment names a fault point and how often it is passed")
  func environment() throws {
    // With nothing set, and at other points than the one set, nothing happens: this goes on.
    try FaultPoints.crashing(environment: [:]).reach(.commitBefore)
    try FaultPoints.crashing(environment: ["CAIRN_CRASH_AT": ""]).reach(.commitBefore)
    let third = try FaultPoints.crashing(environment: ["CAIRN_CRASH_AT": "commit-before:3"])
    third.reach(.commitBefore)
    third.reach(.commitBefore)
    for point in FaultPoint.allCases where point != .commitBefore { third.reach(point) }

    for point in FaultPoint.allCases {
      _ = try FaultPoints.crashing(environment: ["CAIRN_CRASH_AT": point.rawValue])
    }
    let unknown = #expect(throws: CrashSettingError.self) {
      _ = try FaultPoints.crashing(environment: ["CAIRN_CRASH_AT": "comit-before"])
    }
    #expect(unknown?.description.contains("'comit-before'") == true)
    #expect(unknown?.description.contains("commit-before") == true)
    for count in ["0", "-1", "x", ""] {
      #expect(throws: CrashSettingError.notACount(variable: "CAIRN_STOP_AT", found: count)) {
        _ = try FaultPoints.crashing(environment: ["CAIRN_STOP_AT": "run-begun:\(count)"])
      }
    }
  }

  @Test("A child's exit code, output, folder and variables are its own")
  func child() async throws {
    let child = try ChildProcess(
      ChildCommand(
        "/bin/sh", ["-c", "pwd; echo \"$MARK\" >&2; exit 7"], environment: ["MARK": "cairn"],
        directory: "/"))
    let outcome = try await child.wait()
    #expect(outcome.end == .exited(7))
    #expect(outcome.standardOutput == "/\n")
    #expect(outcome.standardError == "cairn\n")
    #expect(!outcome.wasKilled)
  }

  #if os(Linux)
    @Test("A child holds nothing that this process has open")
    func descriptors() async throws {
      var ends: [Int32] = [0, 0]
      try #require(pipe(&ends) == 0)
      defer { for end in ends { close(end) } }
      let child = try ChildProcess(ChildCommand("/bin/sleep", ["3600"]))
      func target(_ descriptor: String, of process: String) throws -> String {
        try FileManager.default.destinationOfSymbolicLink(
          atPath: "/proc/\(process)/fd/\(descriptor)")
      }
      let mine = try target("\(ends[1])", of: "self")
      let descriptors = try FileManager.default.contentsOfDirectory(
        atPath: "/proc/\(child.id)/fd")
      #expect(descriptors.contains("0"))
      // What has gone since was opened by the program itself.
      #expect(!descriptors.contains { (try? target($0, of: "\(child.id)")) == mine })
      child.kill()
      _ = try await child.wait()
    }
  #endif

  @Test("A child is stopped, woken and killed")
  func signals() async throws {
    let child = try ChildProcess(ChildCommand("/bin/sh", ["-c", "sleep 3600"]))
    child.stop()
    for _ in 0..<5_000 where !child.isStopped { try await Task.sleep(for: .milliseconds(2)) }
    #if os(Linux)
      #expect(child.isStopped)
    #endif
    child.wake()
    for _ in 0..<5_000 where child.isStopped { try await Task.sleep(for: .milliseconds(2)) }
    #expect(!child.isStopped)
    #expect(child.poll() == nil)
    child.kill()
    #expect(try await child.wait().wasKilled)
  }

  @Test("A child that does not end in time is killed; one that is not there is an error")
  func failures() async throws {
    let child = try ChildProcess(ChildCommand("/bin/sh", ["-c", "exec sleep 36000"]))
    await #expect(throws: ChildProcessError.self) {
      try await child.wait(timeout: .milliseconds(50))
    }
    #expect(throws: ChildProcessError.self) {
      _ = try ChildProcess(ChildCommand("/nonexistent/cairn"))
    }
  }

  @Test("A command is resumed through its mishaps until it is done")
  func course() async throws {
    // Each attempt adds a line to a file and is done on the fourth.
    let script = """
      echo "$CAIRN_CRASH_AT" >> "$LOG"
      [ "$(wc -l < "$LOG")" -ge 4 ] && exit 0
      [ -n "$CAIRN_CRASH_AT" ] && kill -9 $$
      echo "loading 61.5 %" >&2
      exec sleep 3600
      """
    let folder = try ChildProcess(ChildCommand("/bin/sh", ["-c", "mktemp -d"]))
    let path = try await folder.wait().standardOutput.split(separator: "\n")[0]
    let command = ChildCommand(
      "/bin/sh", ["-c", script], environment: ["LOG": "\(path)/log", "CAIRN_CRASH_AT": "x"])
    let attempts = try await CrashCourse(command).run(through: [
      .crash(at: .commitAfter, count: 2), .killAtProgress(percent: 60),
      .kill(after: .milliseconds(50)),
    ])
    #expect(attempts.map(\.wasKilled) == [true, true, true, false])
    let log = try ChildProcess(ChildCommand("/bin/sh", ["-c", "cat \(path)/log; rm -r \(path)"]))
    #expect(try await log.wait().standardOutput == "commit-after:2\n\n\n\n")

    await #expect(throws: CrashCourseError.self) {
      try await CrashCourse(ChildCommand("/bin/sh", ["-c", "exit 65"])).run(through: [])
    }
    await #expect(throws: CrashCourseError.self) {
      try await CrashCourse(ChildCommand("/bin/sh", ["-c", "exit 75"])).run(through: [])
    }
  }

  @Test("Progress is the greatest percentage shown, and random kills come from their seed")
  func mishaps() {
    #expect(Mishap.progress(in: "") == nil)
    #expect(Mishap.progress(in: "10 %\r 60.5%\r") == 60.5)
    #expect(Mishap.progress(in: "% done") == nil)
    let kills = Mishap.randomKills(seed: 1, count: 20, within: .milliseconds(300))
    #expect(kills == Mishap.randomKills(seed: 1, count: 20, within: .milliseconds(300)))
    #expect(Set(kills).count > 15)
    for case .kill(let after) in kills { #expect(after < .milliseconds(300)) }
  }
}
