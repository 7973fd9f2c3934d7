import Foundation

/// The `cairn` executable that the tests run.
package enum CairnBinary {
  /// From `CAIRN_BINARY`, or beside the test bundle, where `swift build` puts it.
  package static let path: String = {
    if let path = ProcessInfo.processInfo.environment["CAIRN_BINARY"] { return path }
    return beside("cairn")
  }()

  /// An executable of this package, beside the test bundle.
  package static func beside(_ name: String) -> String {
    var folder = Bundle(for: Anchor.self).bundleURL
    while folder.path != "/" {
      let candidate = folder.appendingPathComponent(name)
      if FileManager.default.isExecutableFile(atPath: candidate.path),
        !FileManager.default.fileExists(atPath: candidate.path + "/Package.swift")
      {
        return candidate.path
      }
      folder.deleteLastPathComponent()
    }
    return name
  }

  private final class Anchor {}
}
