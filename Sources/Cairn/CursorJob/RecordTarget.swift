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
    var batch = part.batch
    let declared = Set(prepared.table.columns.map(\.name))
    let new = batch.columns.filter { !declared.contains($0.name) }
    switch fields {
    case .freeze:
      if let column = new.first {
        throw CursorJobError.newField(job: job, table: prepared.name, column: column.name)
      }
    case .evolve where !new.isEmpty:
      prepared.table.columns += new.map {
        TargetColumn(name: $0.name, type: $0.type, isRequired: false)
      }
      let changed = prepared
      let sink = sink
      let columns = try await retry.run {
        try await sink.prepareRecordTable(changed.table, named: changed.name, evolution: .evolve)
      }
      prepared.columns = Set(columns)
      tables[part.table] = prepared
    case .evolve, .ignore: break
    }
    if batch.columns.contains(where: { !prepared.columns.contains($0.name) }) {
      batch = try RecordBatch(columns: batch.columns.filter { prepared.columns.contains($0.name) })
    }
    return JobWork.Rows(table: prepared.table, name: prepared.name, batch: batch)
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
