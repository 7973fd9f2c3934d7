import Cairn
import CairnPostgres
import CairnSQLite

/// Where a sink is.
struct SinkAddress {
  /// `sqlite:PATH` or `postgres://…`. May hold a password.
  var url: String
  /// The schema of Cairn's state, for PostgreSQL; nil for what the URL says.
  var stateSchema: String?

  /// What a URL looks like, for messages.
  static let form = "sqlite:PATH or postgres://USER@HOST/DATABASE"

  /// Opens the sink. It connects later, when it is first used.
  ///
  /// - Throws: ``UsageError`` for a URL that no sink understands.
  func open(faults: FaultPoints = .none) throws -> any Sink {
    if url.hasPrefix("sqlite:") {
      var path = String(url.dropFirst("sqlite:".count))
      if path.hasPrefix("//") { path = String(path.dropFirst(2)) }
      guard !path.isEmpty else {
        throw UsageError("'\(url)' names no file", remedy: "Write sqlite:PATH, like sqlite:x.db")
      }
      guard stateSchema == nil else {
        throw UsageError(
          "a state schema is for PostgreSQL; SQLite has no schemas",
          remedy: "Remove --state-schema, sink.state_schema and CAIRN_STATE_SCHEMA")
      }
      return SQLiteSink(path: path, faults: faults)
    }
    if url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") {
      return PostgresSink(url: url, stateSchema: stateSchema, faults: faults)
    }
    throw UsageError(
      "'\(URLSecrets.redacted(url))' is not a sink's URL", remedy: "Write --into \(Self.form)")
  }
}

extension SinkAddress {
  /// The schema of Cairn's state in PostgreSQL, also when the URL names it; nil for the default.
  func stateSchemaOfSink() throws -> String? {
    guard let sink = try open() as? PostgresSink else { return stateSchema }
    return sink.stateSchema
  }
}

extension SinkOptions {
  /// Where the sink is.
  var address: SinkAddress { SinkAddress(url: url, stateSchema: stateSchema) }
}
