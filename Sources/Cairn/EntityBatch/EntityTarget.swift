/// The table that a processor's results go to.
public struct EntityTarget: Sendable, Hashable {
  /// Its name, `table` or `schema.table`. It is created from the first batch's columns if there is
  /// none.
  public var table: String
  /// Names of the key columns; may be empty for ``Mode/append`` and ``Mode/replacePartition(column:)``.
  public var key: [String]
  /// What happens to rows that are there.
  public var mode: Mode

  /// What a batch's rows do to those that are there.
  public enum Mode: Sendable, Hashable {
    /// A row changes the row of its key, or is inserted.
    case upsert
    /// Every row is inserted, exactly once. A list that the last run of the partition has completed is
    /// not processed again (``ProcessorOptions/appendAgain``).
    case append
    /// A row is inserted if its key is not there.
    case insertOnly
    /// The rows whose column holds the partition are replaced by those of all batches together, in one
    /// transaction with the end of the work. Until then the old ones stay visible. So the well-known
    /// hazard of DELETE and then INSERT, a failure between them, cannot happen.
    ///
    /// All rows of the results must hold the partition in that column, written as
    /// ``ColumnValues/text(at:type:)`` writes it.
    case replacePartition(column: String)
  }

  /// Describes a target.
  public init(_ table: String, key: [String] = [], mode: Mode = .upsert) {
    self.table = table
    self.key = key
    self.mode = mode
  }

  /// Whether processing an entity again would add its rows a second time.
  var addsTwice: Bool { mode == .append }

  /// The column that holds the partition, when that is replaced.
  var partitionColumn: String? {
    if case .replacePartition(let column) = mode { column } else { nil }
  }

  /// The target as the sink wants it, with the columns of a batch.
  func table(for batch: RecordBatch) -> TargetTable {
    TargetTable(
      name: table,
      columns: batch.columns.map {
        TargetColumn(name: $0.name, type: $0.type, isRequired: key.contains($0.name))
      }, key: key, mode: loadMode)
  }

  private var loadMode: LoadMode {
    switch mode {
    case .upsert: .upsert
    case .append: .append
    case .insertOnly: .insertOnly
    case .replacePartition: .replace
    }
  }

  /// - Throws: ``EntityBatchError/wrongPartition(column:expected:found:)`` when a row belongs to
  ///   another partition than the one that is replaced.
  func check(_ batch: RecordBatch, partition: String) throws(EntityBatchError) {
    guard let name = partitionColumn, batch.rowCount > 0 else { return }
    guard let column = batch.column(named: name) else {
      throw .wrongPartition(column: name, expected: partition, found: "no such column")
    }
    var used = Set<Int>()
    for row in 0..<column.rowCount {
      guard let value = column.valueIndex(atRow: row) else {
        throw .wrongPartition(column: name, expected: partition, found: "no value")
      }
      used.insert(value)
    }
    for value in used {
      let text = column.values.text(at: value, type: column.type)
      guard text == partition else {
        throw .wrongPartition(column: name, expected: partition, found: "'\(text)'")
      }
    }
  }
}
