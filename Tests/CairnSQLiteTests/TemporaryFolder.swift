import CairnSQLite
import CairnTesting
import Foundation

/// A folder that is gone when the test is.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    // In memory where there is such a place: the tests commit thousands of times.
    let parent =
      FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
    path = parent + "cairn-sqlite-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in it.
  func file(_ name: String) -> String { path + "/" + name }

  /// A place for the battery: a database file in this folder.
  func place(_ name: String = "target.db") -> SinkPlace {
    let path = file(name)
    return SinkPlace(probe: SQLiteProbe(path: path)) { [self] in
      // The folder must outlive the sinks.
      withExtendedLifetime(self) { SQLiteSink(path: path) }
    }
  }
}
