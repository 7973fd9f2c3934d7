import Foundation

/// The `cairn` executable that the tests run.
package enum CairnBinary {
  /// From `CAIRN_BINARY`, or beside the test bundle, where `swift build` puts it.
  package static let path: String = {
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
