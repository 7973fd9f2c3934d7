package import CairnTesting
import Foundation

/// A folder for one test, deleted with it.
package final class Workplace: Sendable {
  package let path: String

  package init() throws {
    path = NSTemporaryDirectory() + "/cairn-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  package func file(_ name: String) -> String { path + "/" + name }

  package func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
  }

  package func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  package func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  package func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  package func names(_ name: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: file(name))) ?? []).sorted()
  }

  package func command(_ arguments: [String], environment: [String: String?] = [:]) -> ChildCommand
  {
    ChildCommand(
      CairnBinary.path, arguments, environment: environment, directory: path)
  }

  /// Runs the command to its end.
  package func cairn(
    _ arguments: String..., environment: [String: String?] = [:]
  ) async throws -> ChildOutcome {
    try await ChildProcess(command(arguments, environment: environment)).wait()
  }
}
