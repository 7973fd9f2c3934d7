internal import Parquet

/// How the rows of two checkpoints differ.
///
/// Rows are told apart by key columns; without a key whole rows are compared, so that a changed row is
/// one removed and one added.
public struct CheckpointDifference: Sendable, Hashable, Codable {
  /// A column that is in both under different types.
  public struct TypeChange: Sendable, Hashable, Codable {
    /// Its name.
    public var column: String
    /// Its type in the first checkpoint.
    public var from: ColumnType
    /// Its type in the second one.
    public var to: ColumnType

    /// Makes a change.
    public init(column: String, from: ColumnType, to: ColumnType) {
      self.column = column
      self.from = from
      self.to = to
    }
  }

  /// A row that is in both and differs.
  public struct ChangedRow: Sendable, Hashable, Codable {
    /// The values of its key.
    public var key: [String?]
    /// The columns that differ, with the value in the first checkpoint and in the second one.
    public var changes: [String: [String?]]

    /// Makes a changed row.
    public init(key: [String?], changes: [String: [String?]]) {
      self.key = key
      self.changes = changes
    }
  }

  /// Columns only in the second checkpoint, with their types.
  public var addedColumns: [String] = []
  /// Columns only in the first checkpoint, with their types.
  public var removedColumns: [String] = []
  /// Columns of another type.
  public var changedColumns: [TypeChange] = []
  /// Whether the columns that are in both come in another order.
  public var columnsAreReordered = false
  /// Rows of the first checkpoint.
  public var rowsBefore = 0
  /// Rows of the second checkpoint.
  public var rowsAfter = 0
  /// How many rows are only in the second checkpoint.
  public var added = 0
  /// How many rows are only in the first checkpoint.
  public var removed = 0
  /// How many rows are in both and differ.
  public var changed = 0
  /// How many rows are the same in both.
  public var unchanged = 0
  /// How many rows have a key that another row of the same checkpoint has; they are told apart by their
  /// order.
  public var duplicateKeys = 0
  /// The key columns.
  public var key: [String]
  /// The first of the added rows: for each column its value.
  public var addedSample: [[String: String?]] = []
  /// The first of the removed rows.
  public var removedSample: [[String: String?]] = []
  /// The first of the changed rows.
  public var changedSample: [ChangedRow] = []

  /// Whether nothing differs.
  public var isEmpty: Bool {
    addedColumns.isEmpty && removedColumns.isEmpty && changedColumns.isEmpty
      && !columnsAreReordered && added == 0 && removed == 0 && changed == 0
  }

  /// Compares rows.
  ///
  /// - Parameters:
  ///   - first: The rows of the first checkpoint.
  ///   - second: The rows of the second one.
  ///   - key: The columns that identify a row; empty to compare whole rows.
  ///   - samples: How many rows of each kind to show.
  /// - Throws: ``RecordBatchError/unknownColumn(_:available:)`` when a key column is not in both.
  public init(
    from first: RecordBatch, to second: RecordBatch, key: [String] = [], samples: Int = 5
  ) throws(RecordBatchError) {
    self.key = key
    rowsBefore = first.rowCount
    rowsAfter = second.rowCount
    compareColumns(first, second)
    for name in key {
      for batch in [first, second] where batch.column(named: name) == nil {
        throw .unknownColumn(name, available: batch.columns.map(\.name))
      }
    }
    let shared = first.columns.map(\.name).filter { second.column(named: $0) != nil }
    let names = key.isEmpty ? shared : key
    let before = RowTexts(first, columns: names)
    let after = RowTexts(second, columns: names)
    var places: [RowTexts.Row: [Int]] = [:]
    for row in (0..<first.rowCount).reversed() {
      places[before[row], default: []].append(row)
    }
    let rest = key.isEmpty ? [] : shared.filter { !key.contains($0) }
    let restBefore = RowTexts(first, columns: rest)
    let restAfter = RowTexts(second, columns: rest)
    if !key.isEmpty {
      var seen = Set<RowTexts.Row>()
      duplicateKeys = places.values.reduce(0) { $0 + $1.count - 1 }
      for row in 0..<second.rowCount where !seen.insert(after[row]).inserted { duplicateKeys += 1 }
    }
    for row in 0..<second.rowCount {
      let identity = after[row]
      guard let match = places[identity]?.popLast() else {
        added += 1
        if addedSample.count < samples { addedSample.append(second.texts(ofRow: row)) }
        continue
      }
      let old = restBefore[match]
      let new = restAfter[row]
      if old == new {
        unchanged += 1
        continue
      }
      changed += 1
      if changedSample.count < samples {
        var changes: [String: [String?]] = [:]
        for (position, name) in rest.enumerated() where old.values[position] != new.values[position]
        {
          changes[name] = [old.values[position], new.values[position]]
        }
        changedSample.append(ChangedRow(key: identity.values, changes: changes))
      }
    }
    let left = places.values.flatMap(\.self).sorted()
    removed = left.count
    removedSample = left.prefix(samples).map { first.texts(ofRow: $0) }
  }

  private mutating func compareColumns(_ first: RecordBatch, _ second: RecordBatch) {
    for column in second.columns where first.column(named: column.name) == nil {
      addedColumns.append("\(column.name) \(column.type)")
    }
    for column in first.columns {
      guard let other = second.column(named: column.name) else {
        removedColumns.append("\(column.name) \(column.type)")
        continue
      }
      if other.type != column.type {
        changedColumns.append(
          TypeChange(column: column.name, from: column.type, to: other.type))
      }
    }
    let before = first.columns.map(\.name).filter { second.column(named: $0) != nil }
    let after = second.columns.map(\.name).filter { first.column(named: $0) != nil }
    columnsAreReordered = before != after
  }
}

/// The values of some columns as text, row by row; distinct values are rendered once.
private struct RowTexts {
  struct Row: Hashable {
    var values: [String?]
  }

  private var columns: [(texts: [String], indices: [UInt32]?)] = []

  init(_ batch: RecordBatch, columns names: [String]) {
    columns = names.compactMap { batch.column(named: $0) }.map { column in
      (
        (0..<column.values.count).map { column.values.text(at: $0, type: column.type) },
        column.indices
      )
    }
  }

  subscript(row: Int) -> Row {
    Row(
      values: columns.map { column in
        guard let indices = column.indices else { return column.texts[row] }
        return indices[row] == Column.null ? nil : column.texts[Int(indices[row])]
      })
  }
}

extension RecordBatch {
  /// The values of a row as text, by column.
  fileprivate func texts(ofRow row: Int) -> [String: String?] {
    Dictionary(
      columns.map { column in
        (
          column.name,
          column.valueIndex(atRow: row).map { column.values.text(at: $0, type: column.type) }
        )
      }
    ) { $1 }
  }
}

extension StageCheckpoints {
  /// How two checkpoints differ; both are held against their digests and read into memory. Values that
  /// are no rows are compared path by path.
  ///
  /// - Parameters:
  ///   - first: The id of one.
  ///   - second: The id of the other.
  ///   - key: The columns that identify a row; empty to compare whole rows.
  ///   - samples: How many rows of each kind to show.
  /// - Throws: ``CheckpointError``, ``RecordBatchError/unknownColumn(_:available:)``.
  public func difference(
    from first: String, to second: String, key: [String] = [], samples: Int = 5
  ) async throws -> CheckpointDifference {
    let before = try await load(first)
    let after = try await load(second)
    return try await onWorker {
      if before.state.kind == .json, after.state.kind == .json {
        return try CheckpointDifference(
          from: try before.paths(), to: try after.paths(), key: ["path"], samples: samples)
      }
      return try CheckpointDifference(
        from: try before.rows(), to: try after.rows(), key: key, samples: samples)
    }
  }
}

extension LoadedCheckpoint {
  /// The leaves of its JSON value as rows of `path` and `value`.
  fileprivate func paths() throws -> RecordBatch {
    var paths: [String] = []
    var values: [String] = []
    func add(_ value: CheckpointValue, at path: String) throws {
      switch value {
      case .object(let fields) where !fields.isEmpty:
        for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
          try add(field, at: path.isEmpty ? name : "\(path).\(name)")
        }
      case .list(let elements) where !elements.isEmpty:
        for (index, element) in elements.enumerated() { try add(element, at: "\(path)[\(index)]") }
      default:
        paths.append(path)
        values.append(String(decoding: try JSONContent.encode(value), as: UTF8.self))
      }
    }
    try add(try value(), at: "")
    return try RecordBatch(columns: [
      Column(name: "path", type: .text, values: .text(ByteStrings(paths))),
      Column(name: "value", type: .text, values: .text(ByteStrings(values))),
    ])
  }
}
