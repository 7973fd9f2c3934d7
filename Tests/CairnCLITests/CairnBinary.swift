import CairnTesting
import Foundation

/// The `cairn` executable that the tests run.
enum CairnBinary {
  /// From `CAIRN_BINARY`, or beside the test bundle, where `swift build` puts it.
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["CAIRN_BINARY"] { return path }
    var folder = Bundle(for: Anchor.self).bundleURL
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent("cairn")
      if FileManager.default.isExecutableFile(atPath: candidate.path),
        !FileManager.default.fileExists(atPath: candidate.path + "/Package.swift")
      {
        return candidate.path
      }
      folder.deleteLastPathComponent()
    }
    return "cairn"
  }()

  private final class Anchor {}
}

/// A folder for one test, deleted with it.
final class Workplace: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/cairn-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  func names(_ name: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: file(name))) ?? []).sorted()
  }

  func command(_ arguments: [String], environment: [String: String?] = [:]) -> ChildCommand {
    ChildCommand(
      CairnBinary.path, arguments, environment: environment, directory: path)
  }

  /// Runs the command to its end.
  func cairn(
    _ arguments: String..., environment: [String: String?] = [:]
  ) async throws -> ChildOutcome {
    try await ChildProcess(command(arguments, environment: environment)).wait()
  }
}
