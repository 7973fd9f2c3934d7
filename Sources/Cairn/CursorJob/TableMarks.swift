/// Between what bounds the numbers of the tables' rows are by what was committed, by their names in the
/// target.
///
/// How many rows of a page are new, and how many it deletes, is known after its commit only, and its
/// checkpoint is written before: so a mark is a pair of bounds.
struct TableMarks: Sendable, Hashable {
  /// Nil when nobody has looked.
  private(set) var bounds: [String: JobCheckpoint.TableMark]?

  /// Nobody has looked.
  init() {}

  /// As they were found.
  init(_ found: [String: JobCheckpoint.TableMark]) { bounds = found }

  /// For a checkpoint.
  var forCheckpoint: [String: JobCheckpoint.TableMark] { bounds ?? [:] }

  /// The marks that a page's transaction leaves, as far as they are known before it.
  func after(_ work: JobWork) -> TableMarks {
    var marks = self
    for rows in work.rows { marks.bounds?[rows.name]?.atMost += rows.batch.rowCount }
    for name in work.tablesThatMayShrink { marks.bounds?[name]?.atLeast = 0 }
    return marks
  }

  /// Takes over what a page's commit did; counts are nil when its answer was lost.
  mutating func add(_ work: JobWork, _ counts: [String: RowCounts]?, deleted: Int) {
    guard let counts else {
      self = after(work)
      return
    }
    for (name, counts) in counts {
      bounds?[name]?.atLeast += counts.inserted
      bounds?[name]?.atMost += counts.inserted
    }
    guard deleted > 0 else { return }
    // From which of them is not known.
    for name in work.tablesThatMayShrink {
      guard let atLeast = bounds?[name]?.atLeast else { continue }
      bounds?[name]?.atLeast = max(0, atLeast - deleted)
    }
  }

  /// What of a table as it is found is not as it should be.
  func problems(of name: String, _ found: KeyCheck) -> [String] {
    var problems: [String] = []
    if found.duplicates > 0 {
      problems.append("\(name) has \(found.duplicates) keys more than once")
    }
    // More rows than that may be others'.
    if let mark = bounds?[name], found.rows < mark.atLeast {
      problems.append("\(name) has \(found.rows) rows, and \(mark.atLeast) were committed")
    }
    return problems
  }
}
