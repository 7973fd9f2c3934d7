import Cairn

/// `job_history`: what happened to jobs. Rows are only added, and forgotten in the end.
struct JobHistoryTable {
  let state: StateSchema

  /// How many days a fact is kept, and one of the many that a run has.
  private static let keptDays = 400
  private static let keptDaysOfMany = 30

  /// Adds facts.
  ///
  /// - Parameters:
  ///   - run: The run of facts that say none.
  ///   - attempt: The attempt of facts that say none.
  func insert(
    _ facts: [JobFact], of job: String, run: SyncID?, attempt: Int, on connection: Connection
  ) throws {
    for fact in facts {
      try connection.query(
        """
        INSERT INTO \(state.jobHistory) (
          job_name, sync_id, attempt, at, kind, detail, amount, seconds)
        VALUES ($1, $2, $3, \(SinkClock.now), $4, $5, $6, $7)
        """,
        [
          .text(job), .text((fact.run ?? run)?.description),
          .integer(fact.attempt > 0 ? fact.attempt : attempt), .text(fact.kind.rawValue),
          .text(fact.detail), .integer(fact.amount), .text(fact.seconds.map { "\($0)" }),
        ])
    }
  }

  /// Forgets what is old.
  func prune(_ job: String, on connection: Connection) throws {
    try connection.query(
      """
      DELETE FROM \(state.jobHistory) WHERE job_name = $1 AND (
        at < \(SinkClock.now) - interval '\(Self.keptDays) days' OR (
          kind IN ('checkpoint', 'waited')
          AND at < \(SinkClock.now) - interval '\(Self.keptDaysOfMany) days'))
      """, [.text(job)])
  }

  /// The facts that satisfy a filter, latest first.
  func select(_ filter: JobHistoryFilter, on connection: Connection) throws -> [JobFact] {
    var conditions = ["true"]
    var parameters: [Parameter] = []
    func parameter(_ text: String) -> String {
      parameters.append(.text(text))
      return "$\(parameters.count)"
    }
    if let job = filter.job { conditions.append("job_name = \(parameter(job))") }
    if !filter.kinds.isEmpty {
      let kinds = filter.kinds.map { parameter($0.rawValue) }
      conditions.append("kind IN (\(kinds.joined(separator: ", ")))")
    }
    if let within = filter.within {
      conditions.append("at >= \(SinkClock.later(by: parameter("\(-within.inSeconds)")))")
    }
    return try connection.query(
      """
      SELECT *, \(SinkClock.text("at")) AS noted FROM \(state.jobHistory)
      WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT \(max(filter.limit, 0))
      """, parameters
    ).namedRows.map { row in
      let kindText = try row.required("kind")
      guard let kind = JobFact.Kind(rawValue: kindText) else {
        throw SinkError.fatal("'\(kindText)' in job_history is not understood", remedy: "")
      }
      return JobFact(
        kind, job: try row.required("job_name"), run: try row.text("sync_id").flatMap(SyncID.init),
        attempt: Int(try row.requiredInteger("attempt")), at: try row.required("noted"),
        detail: try row.text("detail"), amount: try row.integer("amount").map { Int($0) },
        seconds: try row.real("seconds"))
    }
  }
}
