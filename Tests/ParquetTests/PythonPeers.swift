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
  static func run(
    _ command: String, in folder: URL, script: String = "parquet_peers.py"
  ) async throws -> [String] {
    try await run(script, [command, folder.path])
  }

  /// Runs a script and gives the problems it found. It waits on a thread of its own: peers take
  /// minutes, in which the tests beside this one want Swift's few threads.
  static func run(_ script: String, _ arguments: [String]) async throws -> [String] {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try runBlocking(script, arguments) })
      }
    }
  }

  private static func runBlocking(_ script: String, _ arguments: [String]) throws -> [String] {
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

  /// What pyarrow reads in a file.
  struct Content: Decodable {
    /// Each column that is flat or a list, a line a row.
    var columns: [String: String]?
    /// Why it could not be read.
    var error: String?
  }

  /// What pyarrow reads in files, by path.
  static func contents(of files: [URL]) async throws -> [String: Content] {
    let folder = try TemporaryFolder()
    return try await contents("read", files.map(\.path), in: folder.url)
  }

  /// Makes files of random lists in a folder; gives what was written to them, by name.
  static func makeLists(in folder: URL, seed: Int) async throws -> [String: Content] {
    try await contents("make", ["\(seed)"], in: folder)
  }

  private static func contents(
    _ command: String, _ arguments: [String], in folder: URL
  ) async throws -> [String: Content] {
    try JSONEncoder().encode(arguments).write(to: folder.appending(path: "files.json"))
    _ = try await run(command, in: folder, script: "parquet_values.py")
    return try JSONDecoder().decode(
      [String: Content].self, from: Data(contentsOf: folder.appending(path: "values.json")))
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
