/// A table that a source's records go to. A row changes the row of its key, or is inserted.
public struct RecordTable: Sendable, Hashable {
  /// Its name; a job may put a schema or a prefix before it.
  public var name: String
  /// Its columns.
  public var columns: [TargetColumn]
  /// Names of its key columns.
  public var key: [String]
  /// The column that says which of two states of a record is the newer one, `updated_at` for example: a
  /// row is not changed to an older state. Nil where what was read last counts.
  public var version: String?
  /// The table whose rows its rows belong to: they are deleted with them.
  public var parent: Parent?

  /// How rows belong to those of another table.
  public struct Parent: Sendable, Hashable {
    /// The other table.
    public var table: String
    /// Its columns that are named, and the columns here that name them.
    public var columns: [String: String]

    /// Makes it.
    public init(table: String, columns: [String: String]) {
      self.table = table
      self.columns = columns
    }
  }

  /// Declares a table.
  public init(
    _ name: String, columns: [TargetColumn], key: [String], version: String? = nil,
    parent: Parent? = nil
  ) {
    self.name = name
    self.columns = columns
    self.key = key
    self.version = version
    self.parent = parent
  }
}

/// What becomes of a field that a source's table does not declare, or the target does not have.
public enum FieldEvolution: String, Sendable, Hashable, CaseIterable {
  /// It becomes a column.
  case evolve
  /// It is an error: the table is frozen.
  case freeze
  /// It has no column; where the job keeps the record's JSON, it is in there.
  case ignore
}
