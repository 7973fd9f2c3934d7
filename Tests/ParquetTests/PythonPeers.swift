import Foundation
import Testing

/// Runs the scripts of `Tests/Peers` with the Python of the peers' venv.
struct PythonPeers {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Runs one command over a folder and gives the problems it found.
  static func run(_ command: String, in folder: URL) throws -> [String] {
    try run("parquet_peers.py", [command, folder.path])
  }

  /// Runs a script and gives the problems it found.
  static func run(_ script: String, _ arguments: [String]) throws -> [String] {
    let venv =
      ProcessInfo.processInfo.environment["CAIRN_VENV"] ?? root.appending(path: ".venv").path
    let python = venv + "/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
      throw Failure(
        description: """
          no Python peers at \(venv); make them with: \
          python3 -m venv \(venv) && \(venv)/bin/pip install -r Scripts/requirements.txt
          """)
    }
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = [root.appending(path: "Tests/Peers/\(script)").path] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(script) \(arguments[0]): exit \(process.terminationStatus)")
    }
    return try JSONDecoder().decode([String].self, from: data)
  }
}

/// A folder that is removed with its contents.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "parquet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}
