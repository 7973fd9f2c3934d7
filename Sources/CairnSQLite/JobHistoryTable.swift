import Cairn
import GRDB

/// `cairn_job_history`: what happened to jobs. Rows are only added, and forgotten in the end.
enum JobHistoryTable {
  /// How many days a fact is kept, and one of the many that a run has.
  private static let keptDays = 400
  private static let keptDaysOfMany = 30

  /// Adds facts.
  ///
  /// - Parameters:
  ///   - run: The run of facts that say none.
  ///   - attempt: The attempt of facts that say none.
  static func insert(
    _ facts: [JobFact], of job: String, run: SyncID?, attempt: Int, in db: Database
  ) throws {
    for fact in facts {
      try db.execute(
        sql: """
          INSERT INTO cairn_job_history (
            job_name, sync_id, attempt, at, kind, detail, amount, seconds)
          VALUES (?, ?, ?, \(SinkClock.now), ?, ?, ?, ?)
          """,
        arguments: [
          job, (fact.run ?? run)?.description, fact.attempt > 0 ? fact.attempt : attempt,
          fact.kind.rawValue, fact.detail, fact.amount, fact.seconds,
        ])
    }
  }

  /// Forgets what is old.
  static func prune(_ job: String, in db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM cairn_job_history WHERE job_name = ? AND (
          at < \(SinkClock.later(by: "-\(keptDays * 86_400)")) OR (
            kind IN ('checkpoint', 'waited')
            AND at < \(SinkClock.later(by: "-\(keptDaysOfMany * 86_400)"))))
        """, arguments: [job])
  }

  /// The facts that satisfy a filter, latest first.
  static func select(_ filter: JobHistoryFilter, in db: Database) throws -> [JobFact] {
    var conditions = ["1"]
    var arguments: [(any DatabaseValueConvertible)?] = []
    if let job = filter.job {
      conditions.append("job_name = ?")
      arguments.append(job)
    }
    if !filter.kinds.isEmpty {
      conditions.append("kind IN (\(filter.kinds.map { _ in "?" }.joined(separator: ", ")))")
      arguments += filter.kinds.map(\.rawValue)
    }
    if let within = filter.within {
      conditions.append("at >= \(SinkClock.later(by: "?"))")
      arguments.append(-within.inSeconds)
    }
    return try Row.fetchAll(
      db,
      sql: """
        SELECT * FROM cairn_job_history WHERE \(conditions.joined(separator: " AND "))
        ORDER BY id DESC LIMIT \(max(filter.limit, 0))
        """, arguments: StatementArguments(arguments)
    ).map { row in
      let kindText: String = row["kind"]
      let runText: String? = row["sync_id"]
      guard let kind = JobFact.Kind(rawValue: kindText) else {
        throw SinkError.fatal("'\(kindText)' in cairn_job_history is not understood", remedy: "")
      }
      return JobFact(
        kind, job: row["job_name"], run: runText.flatMap(SyncID.init), attempt: row["attempt"],
        at: row["at"], detail: row["detail"], amount: row["amount"], seconds: row["seconds"])
    }
  }
}
