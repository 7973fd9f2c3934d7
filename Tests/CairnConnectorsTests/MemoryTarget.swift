import Cairn

/// A target in memory, kept as the documentation of ``Cairn/Page`` says and no better: an independent
/// stand-in for driver and sink.
struct MemoryTarget {
  typealias Row = [String: String]

  /// Rows by table and key; nulls are left out.
  private(set) var rows: [String: [[String]: Row]] = [:]
  private let tables: [String: RecordTable]
  /// How many rows were written by a page that had them already.
  private(set) var repeatedKeys = 0

  init(_ tables: [RecordTable]) {
    self.tables = Dictionary(uniqueKeysWithValues: tables.map { ($0.name, $0) })
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// All rows of a table.
  func all(_ table: String) -> [Row] { Array((rows[table] ?? [:]).values) }

  mutating func apply(_ page: Page) throws {
    var written: [String: Set<[String]>] = [:]
    for part in page.rows {
      guard let table = tables[part.table] else {
        throw Failure(description: "no table \(part.table)")
      }
      for row in Self.texts(part.batch) {
        let key = table.key.map { row[$0] ?? "" }
        guard key.allSatisfy({ !$0.isEmpty }) else {
          throw Failure(description: "a row of \(part.table) without its key: \(row)")
        }
        if !(written[part.table, default: []].insert(key).inserted) { repeatedKeys += 1 }
        if let version = table.version, let old = rows[part.table]?[key]?[version],
          let new = row[version], new < old
        {
          continue
        }
        rows[part.table, default: [:]][key] = row
      }
    }
    for replaced in page.replacedChildren {
      guard let table = tables[replaced.table] else {
        throw Failure(description: "no table \(replaced.table)")
      }
      let parents = Set(Self.texts(replaced.values).compactMap { $0[replaced.parent] })
      rows[replaced.table] = rows[replaced.table]?.filter { key, row in
        !parents.contains(row[replaced.parent] ?? "")
          || written[table.name, default: []].contains(key)
      }
    }
    for sweep in page.sweeps { apply(sweep) }
  }

  private mutating func apply(_ sweep: KeySweep) {
    let present = Set(sweep.present)
    var gone: [Row] = []
    rows[sweep.table] = rows[sweep.table]?.filter { _, row in
      guard sweep.scope.allSatisfy({ row[$0.key] == $0.value }),
        let number = row[sweep.column].flatMap({ Int64($0) }),
        sweep.after.map({ number > $0 }) ?? true, sweep.through.map({ number <= $0 }) ?? true
      else { return true }
      if !present.contains(number) { gone.append(row) }
      return present.contains(number)
    }
    for table in tables.values {
      guard let parent = table.parent, parent.table == sweep.table else { continue }
      rows[table.name] = rows[table.name]?.filter { _, row in
        !gone.contains { dead in parent.columns.allSatisfy { dead[$0.key] == row[$0.value] } }
      }
    }
  }

  private static func texts(_ batch: RecordBatch) -> [Row] {
    (0..<batch.rowCount).map { index in
      var row: Row = [:]
      for column in batch.columns {
        if let value = column.valueIndex(atRow: index) {
          row[column.name] = column.values.text(at: value, type: column.type)
        }
      }
      return row
    }
  }
}

/// Runs a source to its end into a target in memory, a page at a time, as a driver does.
struct PlainDriver {
  let source: any CursorSource
  var limit = 50
  /// What happens after each page: nothing, or the test's own doing.
  var afterPage: (Partition, Page) async throws -> Void = { _, _ in }

  /// What became of it.
  struct Outcome {
    var passedOver: [String: String] = [:]
    var renamed: [String: String] = [:]
    var notices: [String] = []
    var pages = 0
    var records: [String: Int] = [:]
  }

  /// - Parameter crashAfter: After so many pages of a partition the next is asked for with the cursor
  ///   of the one before, once, as after a kill between page and commit.
  func run(
    into target: inout MemoryTarget, since: Int64? = nil, context: any PageContext = TestContext()
  ) async throws -> Outcome {
    var outcome = Outcome()
    var known = Set(source.firstPartitions)
    var waiting = source.firstPartitions
    for phase in source.phases {
      while let position = waiting.indices.filter({ waiting[$0].phase == phase }).min(by: {
        waiting[$0].name < waiting[$1].name
      }) {
        var partition = waiting.remove(at: position)
        var cursor: String?
        reading: while true {
          let page = try await source.page(
            PageRequest(
              partition: partition, cursor: cursor, since: partition.isReadWhole ? nil : since,
              limit: limit, context: context))
          try target.apply(page)
          try await afterPage(partition, page)
          outcome.pages += 1
          outcome.notices += page.notices
          outcome.records[phase, default: 0] += page.records
          for found in page.discovered where known.insert(found).inserted { waiting.append(found) }
          switch page.next {
          case .after(let next): cursor = next
          case .finished: break reading
          case .passedOver(let reason):
            outcome.passedOver[partition.name] = reason
            break reading
          case .renamed(let name, let next):
            outcome.renamed[partition.name] = name
            partition.name = name
            known.insert(partition)
            cursor = next
          }
        }
      }
    }
    return outcome
  }
}
