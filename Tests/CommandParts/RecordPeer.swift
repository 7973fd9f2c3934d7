internal import CairnTesting
import Foundation

/// `Tests/Peers/record_peers.py`: reads what Cairn records with somebody else's eyes.
package enum RecordPeer {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// What is wrong with events, and how many there are of each type.
  package struct Events: Decodable, Sendable {
    package var problems: [String]
    package var types: [String: Int]
  }

  /// Why the peer cannot be asked.
  package struct Failure: Error, CustomStringConvertible {
    package var description: String
  }

  /// Checks files of events against the schema in `docs/`, by Python's `jsonschema`.
  package static func events(_ paths: [String]) async throws -> Events {
    let schema = root.appending(path: "docs/events.schema.json").path
    return try JSONDecoder().decode(
      Events.self, from: Data(try await ask(["events", schema] + paths).utf8))
  }

  /// The figures of a file, by Prometheus's client.
  package static func metrics(_ path: String) async throws -> [String: Double] {
    try JSONDecoder().decode(
      [String: Double].self, from: Data(try await ask(["metrics", path]).utf8))
  }

  private static func ask(_ arguments: [String]) async throws -> String {
    let venv =
      ProcessInfo.processInfo.environment["CAIRN_VENV"] ?? root.appending(path: ".venv").path
    let python = venv + "/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw Failure(description: "no Python peers at \(venv); make them with: make venv")
    }
    let script = root.appending(path: "Tests/Peers/record_peers.py").path
    let outcome = try await ChildProcess(ChildCommand(python, [script] + arguments)).wait(
      timeout: .seconds(600))
    guard outcome.exitCode == 0 else {
      throw Failure(
        description: "record_peers.py ended (\(outcome.end)); it needs jsonschema and "
          + "prometheus_client: make venv\n\(outcome.standardError)")
    }
    return outcome.standardOutput
  }
}
