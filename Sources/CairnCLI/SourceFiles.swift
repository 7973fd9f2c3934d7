import Cairn
import Foundation

/// The files that a path or glob names.
enum SourceFiles {
  /// In name order; a path without wildcards is itself, whether it exists or not.
  ///
  /// - Throws: ``UsageError`` when a glob matches nothing.
  static func matching(_ pattern: String) throws -> [String] {
    guard pattern.contains(where: { "*?[".contains($0) }),
      !FileManager.default.fileExists(atPath: pattern)
    else { return [pattern] }
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else {
      throw UsageError("no file matches '\(pattern)'")
    }
    var paths: [String] = []
    for index in 0..<Int(found.gl_pathc) {
      if let path = found.gl_pathv[index] { paths.append(String(cString: path)) }
    }
    return paths.sorted()
  }

  /// The source at a path, or standard input for `-`.
  static func open(_ path: String, options: SourceOptions) -> any Source {
    path == "-" ? StandardInput(options: options) : FileSource(path: path, options: options)
  }
}
