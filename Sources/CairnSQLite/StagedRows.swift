import Cairn

/// The rows of a chunk as they will be written: values ready to be bound, keys grouped.
struct StagedRows: Sendable {
  /// A column for each of the job's.
  var columns: [BoundColumn]
  /// Which of the columns are the key, in the order of the target's unique key.
  var keyPositions: [Int]
  /// Rows that need not be tried, ascending: without a key, or with a value that the table would
  /// change.
  var refused: [(row: UInt32, refusal: Refusal)]
  /// The other rows by key.
  var groups: KeyGroups
  /// The target's unique key, or nil when rows are only appended.
  var key: UniqueKey?

  /// The same rows, none of which wins over another.
  var alone: StagedRows {
    var rows = self
    rows.groups.previous = []
    return rows
  }

  /// The values of the first key column; nil when rows are only appended.
  func firstKeyValues(of shape: TargetShape) -> KeyValues? {
    guard let position = keyPositions.first, let part = key?.columns.first else { return nil }
    let column = columns[position]
    return KeyValues(
      values: column, affinity: shape.column(named: column.name)?.affinity ?? .blob,
      collation: part.collation)
  }

  /// Prepares the rows of a chunk for a table.
  ///
  /// - Parameter key: The target's unique key, or nil when rows are only appended.
  init(_ work: ChunkWork, shape: TargetShape, key: UniqueKey?) throws {
    try self.init(work.batch, for: work.target, shape: shape, key: key)
  }

  /// Prepares rows for a table.
  ///
  /// - Parameter key: The target's unique key, or nil when rows are only appended.
  init(_ batch: RecordBatch, for target: TargetTable, shape: TargetShape, key: UniqueKey?) throws {
    let names = target.columns.map(\.name)
    guard names == batch.columns.map(\.name) else {
      throw SinkError.fatal(
        "the batch has the columns \(batch.columns.map(\.name)), the target \(names)",
        remedy: "")
    }
    let affinities = names.map { shape.column(named: $0)?.affinity ?? .blob }
    let columns = zip(batch.columns, affinities).map { BoundColumn($0, affinity: $1) }
    let keyPositions = (key?.columns ?? []).compactMap { part in
      names.firstIndex { $0.isSameName(as: part.name) }
    }
    guard keyPositions.count == key?.columns.count ?? 0 else {
      throw SinkError.fatal("the job does not load all key columns of the target", remedy: "")
    }
    var isRefused: [Bool] = []
    func refuse(_ row: Int, _ refusal: Refusal, in refused: inout [UInt32: Refusal]) {
      if isRefused.isEmpty { isRefused = Array(repeating: false, count: batch.rowCount) }
      guard !isRefused[row] else { return }
      isRefused[row] = true
      refused[UInt32(row)] = refusal
    }
    var unfit: [UInt32: Refusal] = [:]
    for (position, column) in columns.enumerated() {
      let isKey = keyPositions.contains(position)
      guard isKey || !column.unfit.isEmpty else { continue }
      for row in 0..<batch.rowCount {
        let index = column.indices?[row] ?? UInt32(row)
        if index == Column.null {
          if isKey {
            refuse(row, Refusal(column: column.name, reason: "the key has no value"), in: &unfit)
          }
        } else if let reason = column.unfit[index] {
          refuse(row, Refusal(column: column.name, reason: reason), in: &unfit)
        }
      }
    }
    self.columns = columns
    self.key = key
    self.keyPositions = keyPositions
    refused = unfit.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    var rows = Array(0..<UInt32(batch.rowCount))
    if !isRefused.isEmpty { rows.removeAll { isRefused[Int($0)] } }
    guard let key else {
      groups = KeyGroups(distinctRows: rows)
      return
    }
    groups = try KeyGroups(
      rows: rows, rowCount: batch.rowCount,
      key: zip(keyPositions, key.columns).map { position, part in
        KeyValues(
          values: columns[position], affinity: affinities[position], collation: part.collation)
      })
  }
}
