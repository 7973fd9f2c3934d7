extension RecordTable {
  /// What is wrong with the declaration, whatever the target is.
  package var problems: [String] {
    var problems: [String] = []
    let names = Set(columns.map(\.name))
    if key.isEmpty { problems.append("it declares no key") }
    for name in key where !names.contains(name) {
      problems.append("its key column '\(name)' is not among its columns")
    }
    if let version {
      if let column = columns.first(where: { $0.name == version }) {
        if !column.type.tellsAge {
          problems.append(
            "column '\(version)' is to tell which state of a record is newer, and \(column.type)"
              + " cannot: a number, a date, a timestamp or a text can")
        }
      } else {
        problems.append("its version column '\(version)' is not among its columns")
      }
    }
    if let parent, parent.columns.isEmpty {
      problems.append("it names no column of its parent '\(parent.table)'")
    }
    for name in (parent?.columns.values).map(Array.init) ?? [] where !names.contains(name) {
      problems.append("column '\(name)', which names its parent, is not among its columns")
    }
    return problems
  }

  /// The columns without which rows cannot be written, found or deleted as declared.
  package var indispensable: Set<String> {
    Set(key).union(version.map { [$0] } ?? []).union(parentColumns)
  }

  /// The columns that name the parent, in the order of the table's.
  package var parentColumns: [String] {
    guard let parent else { return [] }
    let names = Set(parent.columns.values)
    return columns.map(\.name).filter(names.contains)
  }

  /// The columns of a batch as a target that is upserted into. Those that the batch does not have stay
  /// as they are.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when a key column is missing.
  package func target(named name: String, for batch: RecordBatch) throws(SinkError) -> TargetTable {
    for column in key where batch.column(named: column) == nil {
      throw .fatal(
        "rows for table '\(name)' have no column '\(column)', which is part of its key",
        remedy: "The source must give the key of every row.")
    }
    return TargetTable(
      name: name,
      columns: batch.columns.map { TargetColumn(name: $0.name, type: $0.type, isRequired: false) },
      key: key, mode: .upsert)
  }

  /// Says that the database refuses a row: records are typed by their source, so that it is a defect to
  /// be mended, not a row to be put aside.
  package func refusal(
    ofRow row: Int, in batch: RecordBatch, named name: String, column: String?, reason: String
  ) -> SinkError {
    let parts = key.map { keyColumn -> String in
      guard let column = batch.column(named: keyColumn),
        let index = column.valueIndex(atRow: row)
      else { return "\(keyColumn): no value" }
      return "\(keyColumn): \(column.values.text(at: index, type: column.type))"
    }
    return .fatal(
      "table '\(name)' refuses the row with the key (\(parts.joined(separator: ", "))): "
        + (column.map { "column '\($0)': " } ?? "") + reason
        + "\nNothing of its page was written, and the cursor stays before it.",
      remedy: "Change the table, so that it takes such a row, or the source, and run the job again."
    )
  }
}

extension ColumnType {
  /// Whether values can be compared to find the newer one, in every sink alike.
  fileprivate var tellsAge: Bool {
    switch self {
    case .text, .integer, .bigint, .double, .date, .timestamp, .timestamptz: true
    // Longer ones are text in some databases.
    case .numeric(let precision, _): precision <= 15
    case .boolean, .time, .uuid, .json: false
    }
  }
}
