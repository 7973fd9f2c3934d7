import Cairn
import CairnConnectors
import CairnPostgres
import CairnSQLite
import CairnTesting
import Foundation

/// A job that extracts from a stand-in, in a process of its own, which tests kill. Prints its report as
/// JSON.
@main
struct ConnectorProgram {
  static func main() async throws {
    let settings = try Settings(CommandLine.arguments.dropFirst())
    let faults = try FaultPoints.crashing(environment: ProcessInfo.processInfo.environment)
    let job = CursorJob(
      name: settings.job, source: try settings.source(), into: settings.sink(faults: faults),
      options: CursorJobOptions(
        policy: CheckpointPolicy(records: settings.records, interval: .seconds(60)),
        recovery: settings.recovery, deletions: settings.deletions, atOnce: settings.atOnce,
        overlap: .zero,
        retry: RetryPolicy(minimumBackoff: .milliseconds(10), maximumBackoff: .milliseconds(50)),
        skipsBackoff: true, leaseDuration: .seconds(5), faults: faults))
    do {
      // Tests kill it while it waits: only once it says so it does.
      let outcome = try await job.run { progress in
        guard let wait = progress.wait else { return }
        FileHandle.standardError.write(Data("\(wait)\n".utf8))
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      print(String(decoding: try encoder.encode(outcome.report), as: UTF8.self))
      exit(outcome.exitCode)
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
  }
}

/// The arguments: `name=value`.
struct Settings: Sendable {
  var type = "jira"
  var url = ""
  var into = ""
  var schema: String?
  var job = "job"
  var records = 10
  var atOnce = 2
  var recovery: JobRecovery?
  var deployment: JiraDeployment = .cloud
  var token = "test-token"
  var deletions: DeletionPolicy = .ignore

  init(_ arguments: some Sequence<String>) throws {
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      let value = parts.count == 2 ? parts[1] : ""
      switch parts[0] {
      case "type": type = value
      case "url": url = value
      case "into": into = value
      case "schema": schema = value
      case "job": job = value
      case "records": records = Int(value) ?? records
      case "at-once": atOnce = Int(value) ?? atOnce
      case "recovery": recovery = JobRecovery(rawValue: value)
      case "deployment": deployment = JiraDeployment(rawValue: value) ?? deployment
      case "token": token = value
      case "sweep": deletions = .sweep(everyRuns: 1, interval: nil)
      default: throw UnknownArgument(text: argument)
      }
    }
  }

  func source() throws -> any CursorSource {
    let environment = CursorSourceEnvironment(
      retry: RetryPolicy(
        attempts: 6, minimumBackoff: .milliseconds(1), maximumBackoff: .milliseconds(5)))
    switch type {
    case "jira":
      return JiraSource(
        address: try APIAddress(url),
        credentials: .basic(user: "bot@example.com", password: Secret(token)),
        options: JiraOptions(deployment: deployment, sweepsDeletions: deletions != .ignore),
        environment: environment)
    case "github":
      var options = GitHubOptions(credentials: .bearer(Secret(token)), owners: ["octo"])
      options.address = try APIAddress(url)
      options.sweepsDeletions = deletions != .ignore
      return try GitHubSource(options, environment: environment)
    default: throw UnknownArgument(text: "type=\(type)")
    }
  }

  func sink(faults: FaultPoints) -> any CursorJobSink {
    into.hasPrefix("sqlite:")
      ? SQLiteSink(path: String(into.dropFirst("sqlite:".count)), faults: faults)
      : PostgresSink(url: into, stateSchema: schema, faults: faults)
  }
}

struct UnknownArgument: Error {
  var text: String
}
