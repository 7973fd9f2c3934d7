import Cairn
import CairnPostgres
import CairnSQLite
import CairnTesting
import CommandParts
import Foundation

/// A cursor job over a scripted API in a process of its own, which tests kill. Each request goes into a
/// file, so that they are counted whatever becomes of the process.
///
/// Prints its report as JSON.
@main
struct JobProgram {
  static func main() async throws {
    var settings: [String: String] = [:]
    for argument in CommandLine.arguments.dropFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      settings[parts[0]] = parts.count > 1 ? parts[1] : ""
    }
    func number(_ name: String, _ usual: Int) -> Int { settings[name].flatMap { Int($0) } ?? usual }
    let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
    let url = settings["into"] ?? ""
    let sink: any CursorJobSink =
      url.hasPrefix("sqlite:")
      ? SQLiteSink(path: String(url.dropFirst(7)), faults: faults)
      : PostgresSink(url: url, faults: faults)
    let requests = settings["log"] ?? "requests.log"
    let delay = Duration.milliseconds(number("delay", 0))
    let wait = number("wait", 0)
    let world = ScriptedWorld(
      repos: number("repos", 6), items: number("items", 12), state: number("state", 1))
    let source = ScriptedSource(world) { request in
      // One write, so that lines of several tasks and processes stay whole.
      let line = "\(request.partition.phase) \(request.partition.name) \(request.cursor ?? "-")\n"
      let file = open(requests, O_WRONLY | O_APPEND | O_CREAT, 0o600)
      _ = Array(line.utf8).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      close(file)
      try await Task.sleep(for: delay)
      if wait > 0, request.partition.name == "org/repo-2", request.cursor == nil {
        try await request.context.wait(
          until: RunEnvironment.live.now() + Int64(wait) * 1_000_000, for: .rateLimit(remaining: 30)
        )
      }
      return nil
    }
    let options = CursorJobOptions(
      policy: CheckpointPolicy(records: number("limit", 5), interval: .seconds(60)),
      atOnce: number("at-once", 3),
      retry: RetryPolicy(minimumBackoff: .milliseconds(10), maximumBackoff: .milliseconds(50)),
      leaseDuration: .seconds(5), faults: faults)
    let job = CursorJob(name: "scripted", source: source, into: sink, options: options)
    do {
      let outcome = try await job.run(
        deadline: settings["deadline"].flatMap { DurationText.parse($0) })
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      print(String(decoding: try encoder.encode(outcome.report), as: UTF8.self))
      exit(outcome.exitCode)
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit((error as? CursorJobError)?.exitCode ?? 1)
    }
  }
}
