internal import Cairn

/// A page as a random history makes it.
struct ModelPage: Sendable, CustomStringConvertible {
  var pulls: [[CellValue]] = []
  /// Whether its pull requests come without their last column, the version.
  var isPartial = false
  var reviews: [[CellValue]] = []
  var comments: [[CellValue]] = []
  /// Pull requests of which it has all reviews.
  var whole: [Int64] = []
  var sweep: KeySweep?

  /// The page as a sink wants it.
  func work() throws -> JobWork {
    let columns = ScriptedRecords.pulls.columns.map(\.name)
    var work = JobWork(
      rows: [
        try ScriptedRecords.rows(ScriptedRecords.comments, comments),
        try ScriptedRecords.rows(
          ScriptedRecords.pulls, isPartial ? pulls.map { Array($0.dropLast()) } : pulls,
          columns: isPartial ? Array(columns.dropLast()) : columns),
        try ScriptedRecords.rows(ScriptedRecords.reviews, reviews),
      ], tables: ScriptedRecords.all)
    if !whole.isEmpty {
      work.replacedChildren = [
        try ScriptedRecords.all(
          ScriptedRecords.reviews, by: "pull", of: whole.map(CellValue.integer))
      ]
    }
    if let sweep { work.sweeps = [(ScriptedRecords.all, sweep)] }
    return work
  }

  var description: String {
    "a page of \(pulls)\(isPartial ? " without versions" : ""), \(reviews), \(comments), all of"
      + " \(whole), sweep \(sweep.map { "\($0)" } ?? "none")"
  }
}

/// What the tables of a job must hold, and what the sink must know of the job, by a plain model.
struct JobModel {
  var pulls: [[CellValue]: [CellValue]] = [:]
  var reviews: [[CellValue]: [CellValue]] = [:]
  var comments: [[CellValue]: [CellValue]] = [:]

  var generation = 0
  var kept: [Int] = []
  var aside: [Int] = []
  var attempt = 1
  var status = JobStatus.running
  var retryCount = 0

  /// Commits a page.
  ///
  /// - Returns: What became of its rows, and how many others it deleted.
  mutating func commit(_ page: ModelPage) -> (counts: [String: RowCounts], deleted: Int) {
    let before = pulls.count + reviews.count + comments.count
    if let sweep = page.sweep {
      let gone = pulls.values.filter { row in
        guard row[0] == sweep.scope["repository"].map(CellValue.text),
          case .integer(let number) = row[1]
        else { return false }
        return number > sweep.after ?? .min && number <= sweep.through ?? .max
          && !sweep.present.contains(number)
      }
      for row in gone {
        pulls[[row[0], row[1]]] = nil
        removeReviews { $0[1] == row[1] && $0[2] == row[0] }
      }
    }
    let ids = Set(page.reviews.map { $0[0] })
    removeReviews { row in
      page.whole.contains { row[1] == .integer($0) } && !ids.contains(row[0])
    }
    let deleted = before - (pulls.count + reviews.count + comments.count)
    var counts: [String: RowCounts] = [:]
    if !page.pulls.isEmpty {
      counts["api_pulls"] = Self.merge(
        page.pulls, into: &pulls, key: [0, 1], version: page.isPartial ? nil : 3,
        columns: page.isPartial ? 3 : 4)
    }
    if !page.reviews.isEmpty {
      counts["api_reviews"] = Self.merge(
        page.reviews, into: &reviews, key: [0], version: nil, columns: 4)
    }
    if !page.comments.isEmpty {
      counts["api_comments"] = Self.merge(
        page.comments, into: &comments, key: [0], version: nil, columns: 2)
    }
    generation += 1
    kept = Array(([generation] + kept).prefix(3))
    return (counts, deleted)
  }

  /// Moves the checkpoint aside.
  mutating func reset() {
    aside = Array((kept + aside).prefix(3))
    kept = []
    status = .pending
    retryCount = 0
  }

  private mutating func removeReviews(_ isGone: ([CellValue]) -> Bool) {
    for row in reviews.values.filter(isGone) {
      reviews[[row[0]]] = nil
      comments = comments.filter { $0.value[1] != row[0] }
    }
  }

  private static func merge(
    _ rows: [[CellValue]], into table: inout [[CellValue]: [CellValue]], key: [Int],
    version: Int?, columns: Int
  ) -> RowCounts {
    func age(_ row: [CellValue]) -> Int64 {
      guard let version, case .timestamp(let time) = row[version] else { return .min }
      return time
    }
    var counts = RowCounts()
    counts.rows = rows.count
    var groups: [[CellValue]: [[CellValue]]] = [:]
    for row in rows { groups[key.map { row[$0] }, default: []].append(row) }
    for (key, group) in groups {
      // Of the newest the last.
      guard let newest = group.map(age).max(), let row = group.last(where: { age($0) == newest })
      else { continue }
      counts.superseded += group.count - 1
      guard let present = table[key] else {
        table[key] = Array(row.prefix(columns)) + row.dropFirst(columns).map { _ in .null }
        counts.inserted += 1
        continue
      }
      if version != nil, age(present) > age(row) {
        counts.superseded += 1
        continue
      }
      let merged = Array(row.prefix(columns)) + present.dropFirst(columns)
      if merged == present { counts.unchanged += 1 } else { counts.updated += 1 }
      table[key] = merged
    }
    return counts
  }
}
