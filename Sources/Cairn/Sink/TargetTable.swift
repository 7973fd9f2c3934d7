/// The table a run loads into, as the job wants it.
public struct TargetTable: Sendable, Hashable, Codable {
  /// Its name, `table` or `schema.table`, as the user wrote it.
  public var name: String
  /// The columns that are loaded, in order.
  public var columns: [TargetColumn]
  /// Names of the key columns.
  public var key: [String]
  /// What happens to existing keys.
  public var mode: LoadMode
  /// Whether missing columns may be added (`extra_columns: add`).
  public var mayAddColumns: Bool
  /// Whether a unique index on the key may be created where there is none. Not kept with a run.
  public var mayCreateKey = false

  private enum CodingKeys: String, CodingKey {
    case name, columns, key, mode, mayAddColumns
  }

  /// Makes a description of a target.
  public init(
    name: String, columns: [TargetColumn], key: [String], mode: LoadMode,
    mayAddColumns: Bool = false, mayCreateKey: Bool = false
  ) {
    self.name = name
    self.columns = columns
    self.key = key
    self.mode = mode
    self.mayAddColumns = mayAddColumns
    self.mayCreateKey = mayCreateKey
  }
}

/// A column of a target table.
public struct TargetColumn: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// What it holds.
  public var type: ColumnType
  /// Whether it is never null: required or part of the key.
  public var isRequired: Bool

  /// Makes a column.
  public init(name: String, type: ColumnType, isRequired: Bool) {
    self.name = name
    self.type = type
    self.isRequired = isRequired
  }
}

/// By what a sink recognises that the target is still the table it was when the run began. Opaque:
/// only the sink that made it reads it.
public struct TargetWitness: Sendable, Hashable, Codable {
  /// What the sink wrote down.
  public var text: String

  /// Makes a witness.
  public init(text: String) { self.text = text }
}
