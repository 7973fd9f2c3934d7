/// The tables of a source in the target: their names there, and the columns that rows may have.
struct RecordTarget: Sendable {
  private let job: String
  private let prefix: String
  private let sink: any CursorJobSink
  private let fields: FieldEvolution
  private var tables: [String: Prepared] = [:]
  private let order: [String]

  private struct Prepared: Sendable {
    /// As it is declared, with the fields that were new.
    var table: RecordTable
    var name: String
    /// The columns that rows may have.
    var columns: Set<String>
    /// Columns that rows had, and the target does not.
    var absent: Set<String> = []

    mutating func add(_ column: Column) {
      table.columns.append(TargetColumn(name: column.name, type: column.type, isRequired: false))
      columns.insert(column.name)
      absent.remove(column.name)
    }
  }

  /// Creates the tables, or checks that they fit.
  ///
  /// - Throws: ``CursorJobError``, ``SinkError``.
  init(_ job: CursorJob, retry: TransientRetry) async throws {
    self.job = job.name
    prefix = job.tablePrefix
    sink = job.sink
    fields = job.options.fields
    order = job.source.tables.map(\.name)
    guard Set(order).count == order.count else {
      throw CursorJobError.invalid("job '\(job.name)': its source declares a table twice")
    }
    for table in job.source.tables {
      let name = prefix + table.name
      let sink = sink
      let fields = fields
      let columns = try await retry.run {
        try await sink.prepareRecordTable(table, named: name, evolution: fields)
      }
      tables[table.name] = Prepared(table: table, name: name, columns: Set(columns))
    }
  }

  /// All tables, with their names in the target.
  var all: [(table: RecordTable, name: String)] {
    order.compactMap { tables[$0].map { ($0.table, $0.name) } }
  }

  /// A page as the sink takes it.
  ///
  /// - Throws: ``CursorJobError``, ``SinkError``.
  mutating func work(
    of page: Page, partition: Partition, retry: TransientRetry
  ) async throws -> JobWork {
    var rows: [JobWork.Rows] = []
    for part in page.rows where part.batch.rowCount > 0 {
      rows.append(try await self.rows(part, partition, retry))
    }
    var replaced: [(table: RecordTable, name: String, of: ReplacedChildren)] = []
    for children in page.replacedChildren {
      let (table, name) = try prepared(children.table, partition)
      replaced.append((table: table, name: name, of: children))
    }
    var sweeps: [(tables: [(table: RecordTable, name: String)], sweep: KeySweep)] = []
    for sweep in page.sweeps {
      sweeps.append((try family(of: sweep.table, partition), sweep))
    }
    return JobWork(rows: rows, replacedChildren: replaced, sweeps: sweeps, tables: all)
  }

  private mutating func rows(
    _ part: TableRows, _ partition: Partition, _ retry: TransientRetry
  ) async throws -> JobWork.Rows {
    guard var prepared = tables[part.table] else { throw unknown(part.table, partition) }
    let known = Set(prepared.table.columns.map(\.name)).union(prepared.absent)
    let strange = part.batch.columns.filter { !known.contains($0.name) }
    if !strange.isEmpty {
      // Which of them does the target have?
      let found = try await prepare(prepared, with: strange, .ignore, retry)
      for column in strange {
        if found.contains(column.name) {
          prepared.add(column)
        } else {
          prepared.absent.insert(column.name)
        }
      }
      tables[part.table] = prepared
    }
    // A field of which no row has a value is no field yet.
    let new = part.batch.columns.filter { prepared.absent.contains($0.name) && $0.hasValues }
    switch fields {
    case .freeze:
      if let column = new.first {
        throw CursorJobError.newField(job: job, table: prepared.name, column: column.name)
      }
    case .evolve where !new.isEmpty:
      _ = try await prepare(prepared, with: new, .evolve, retry)
      for column in new { prepared.add(column) }
      tables[part.table] = prepared
    case .evolve, .ignore: break
    }
    let batch = try RecordBatch(
      columns: part.batch.columns.filter { prepared.columns.contains($0.name) })
    return JobWork.Rows(table: prepared.table, name: prepared.name, batch: batch)
  }

  private func prepare(
    _ prepared: Prepared, with columns: [Column], _ evolution: FieldEvolution,
    _ retry: TransientRetry
  ) async throws -> [String] {
    var table = prepared.table
    table.columns += columns.map {
      TargetColumn(name: $0.name, type: $0.type, isRequired: false)
    }
    let asked = table
    let sink = sink
    return try await retry.run {
      try await sink.prepareRecordTable(asked, named: prepared.name, evolution: evolution)
    }
  }

  private func prepared(
    _ table: String, _ partition: Partition
  ) throws -> (table: RecordTable, name: String) {
    guard let prepared = tables[table] else { throw unknown(table, partition) }
    return (prepared.table, prepared.name)
  }

  /// A table, and those whose rows belong to its rows.
  private func family(
    of table: String, _ partition: Partition
  ) throws -> [(table: RecordTable, name: String)] {
    var family = [try prepared(table, partition)]
    var position = 0
    while position < family.count {
      let parent = family[position].table.name
      family += all.filter { candidate in
        candidate.table.parent?.table == parent
          && !family.contains { $0.table.name == candidate.table.name }
      }
      position += 1
    }
    return family
  }

  private func unknown(_ table: String, _ partition: Partition) -> CursorJobError {
    .invalidPage(
      job: job, partition: partition.name,
      reason: "the source declares no table '\(table)'"
        + NearestName.hint(for: table, among: order))
  }
}

extension Column {
  /// Whether some row has a value.
  fileprivate var hasValues: Bool {
    guard let indices else { return rowCount > 0 }
    return indices.contains { $0 != Column.null }
  }
}
