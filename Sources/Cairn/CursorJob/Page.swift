/// The records of a page, and where the next begins. It is committed whole, with its cursor, in one
/// transaction.
public struct Page: Sendable {
  /// The rows, by table.
  public var rows: [TableRows]
  /// Where the partition goes on.
  public var next: Next
  /// Partitions that the page made known. Those that are known already are left as they are.
  public var discovered: [Partition]
  /// How many records of the partition's own kind (issues, pull requests) it has, for totals and limits.
  public var records: Int
  /// Rows of child tables that are complete for their parents here.
  public var replacedChildren: [ReplacedChildren]
  /// Stretches of keys of which the page says all that there are.
  public var sweeps: [KeySweep]
  /// What could not be read though nothing of it is known by name: it is reported, and nothing else.
  public var notices: [String]

  /// Where a partition goes on after a page.
  public enum Next: Sendable, Hashable {
    /// After this cursor.
    case after(String)
    /// It is finished.
    case finished
    /// It cannot be read: vanished, forbidden. It is reported, and the others go on; the next run tries
    /// it again.
    case passedOver(reason: String)
    /// It has another name now, under which it goes on, here from this cursor; nil from its begin.
    case renamed(to: String, cursor: String?)
  }

  /// Makes a page.
  public init(
    rows: [TableRows] = [], next: Next, discovered: [Partition] = [], records: Int = 0,
    replacedChildren: [ReplacedChildren] = [], sweeps: [KeySweep] = [], notices: [String] = []
  ) {
    self.rows = rows
    self.next = next
    self.discovered = discovered
    self.records = records
    self.replacedChildren = replacedChildren
    self.sweeps = sweeps
    self.notices = notices
  }
}

/// Rows for one of a source's tables.
public struct TableRows: Sendable {
  /// The name of a ``RecordTable``.
  public var table: String
  /// The rows. A column that the table does not declare is a new field (``FieldEvolution``); a declared
  /// column that is not here is left as it is.
  public var batch: RecordBatch

  /// Makes rows.
  public init(table: String, batch: RecordBatch) {
    self.table = table
    self.batch = batch
  }
}

/// Says that a page has all rows of a child table for some parents: what the target has of them beside
/// is deleted, in the page's transaction.
public struct ReplacedChildren: Sendable {
  /// The child table.
  public var table: String
  /// Its column that names the parent.
  public var parent: String
  /// The parents: a batch of that column alone, of the table's type.
  public var values: RecordBatch

  /// Makes it.
  public init(table: String, parent: String, values: RecordBatch) {
    self.table = table
    self.parent = parent
    self.values = values
  }
}

/// Says which keys there are in a stretch of a partition: rows of the target with a key in it that are
/// not among them were deleted at the source, and are deleted in the page's transaction.
public struct KeySweep: Sendable {
  /// The table. Its child tables follow: ``RecordTable/parent``.
  public var table: String
  /// The columns, with their values as text, that say which rows are of the partition.
  public var scope: [String: String]
  /// The integer column that is swept.
  public var column: String
  /// The stretch begins after this key; nil from the first.
  public var after: Int64?
  /// The stretch ends with this key; nil to the last.
  public var through: Int64?
  /// The keys that there are.
  public var present: [Int64]

  /// Makes a sweep.
  public init(
    table: String, scope: [String: String], column: String, after: Int64?, through: Int64?,
    present: [Int64]
  ) {
    self.table = table
    self.scope = scope
    self.column = column
    self.after = after
    self.through = through
    self.present = present
  }
}
