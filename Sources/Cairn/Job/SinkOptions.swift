/// The target of a job.
public struct SinkOptions: Sendable, Hashable, Codable {
  /// Where the database is: `sqlite:PATH` or `postgres://…`. May hold a password: never printed.
  public var url: String
  /// The target table, `table` or `schema.table`.
  public var table: String
  /// The columns that identify a row; empty for append.
  public var key: [String]
  /// What happens to rows whose key is there already.
  public var mode: LoadMode
  /// Materialized views to refresh at the end.
  public var refresh: [String]
  /// The schema that holds Cairn's state where the database has schemas; nil for `cairn`.
  public var stateSchema: String?

  /// Makes options. Without a key the mode is append, with one it is upsert, unless given.
  public init(
    url: String, table: String, key: [String] = [], mode: LoadMode? = nil, refresh: [String] = [],
    stateSchema: String? = nil
  ) {
    self.url = url
    self.table = table
    self.key = key
    self.mode = mode ?? (key.isEmpty ? .append : .upsert)
    self.refresh = refresh
    self.stateSchema = stateSchema
  }
}

/// What happens to rows whose key is in the target already.
public enum LoadMode: String, Sendable, Hashable, Codable, CaseIterable {
  /// The last row in file order wins; one that would change nothing writes nothing.
  case upsert
  /// Every row is inserted, exactly once.
  case append
  /// Keys that were there before the run stay untouched; of the run's own rows the last wins.
  case insertOnly = "insert_only"
  /// The table holds just this source's rows afterwards; until then the old ones stay visible.
  case replace
}
