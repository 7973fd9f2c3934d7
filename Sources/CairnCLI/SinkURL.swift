import Cairn
import CairnSQLite

/// Opens the sink that a URL names.
enum SinkURL {
  /// - Throws: ``UsageError`` for a URL that no sink understands.
  static func open(_ url: String, faults: FaultPoints) throws -> any Sink {
    if url.hasPrefix("sqlite:") {
      var path = String(url.dropFirst("sqlite:".count))
      if path.hasPrefix("//") { path = String(path.dropFirst(2)) }
      guard !path.isEmpty else {
        throw UsageError("'\(url)' names no file", remedy: "Write sqlite:PATH, like sqlite:x.db")
      }
      return SQLiteSink(path: path, faults: faults)
    }
    if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
      throw UsageError(
        "this version of cairn loads into SQLite only; PostgreSQL is its next sink",
        remedy: "Write --into sqlite:PATH")
    }
    throw UsageError(
      "'\(url)' is not a sink's URL", remedy: "Write --into sqlite:PATH, like sqlite:transport.db")
  }
}
