public import Cairn
import GRDB

extension SQLiteSink: CursorJobSink {
  /// The jobs, by name; none while there is no database file.
  public func jobs(named names: [String]) async throws -> [JobSchedule] {
    try await readingJobs { try JobTable.select(names, in: $0) } ?? []
  }

  /// Enters a job, or changes what it says of itself.
  public func registerJob(_ job: NewJob) async throws -> JobSchedule {
    // Most often it says the same as before: then nothing is written.
    let known = try await readingJobs { try JobTable.schedule(of: job.name, in: $0) } ?? nil
    if let known, job.isSame(as: known.job) { return known }
    return try await file.transaction { db in
      try JobTable.register(job, in: db)
      return try JobTable.known(job.name, in: db)
    }
  }

  /// Takes a job's lease for an attempt, decided under the write lock.
  public func acquireJob(_ request: JobLeaseRequest) async throws -> JobLeaseOutcome {
    let name = request.job
    return try await file.transaction { db in
      let found = try JobTable.schedule(of: name, in: db)
      // Its own: the answer to an earlier try was lost.
      if let run = found?.run,
        let own = try LeaseTable.lease(of: run, token: request.token, in: db)
      {
        try LeaseTable.renew(own, duration: request.duration, in: db)
        return .acquired(own, try JobTable.known(name, in: db))
      }
      if let refusal = request.refusal(by: found) { return refusal }
      guard let found else { return .unknown }
      guard
        request.witness
          == JobWitness(found, standing: try JobCheckpointTable.newest(name, in: db))
      else {
        if let run = found.run { try LeaseTable.end(run, by: request.owner, in: db) }
        return .changed
      }
      guard let next = request.run ?? found.run else {
        throw SinkError.fatal("job '\(name)' has no run to go on with", remedy: "")
      }
      let isNew = next != found.run
      if isNew {
        if let former = found.run { try LeaseTable.end(former, by: request.owner, in: db) }
        try LeaseTable.prune(in: db)
      }
      let lease = try LeaseTable.take(
        next, owner: request.owner, duration: request.duration, token: request.token, in: db)
      if try JobTable.isAttemptOpen(name, in: db) {
        try JobHistoryTable.insert(
          [JobFact(.crashed)], of: name, run: found.run, attempt: found.attempt, in: db)
      }
      try JobTable.beginAttempt(of: name, run: next, isNew: isNew, in: db)
      let job = try JobTable.known(name, in: db)
      try JobHistoryTable.insert(
        [JobFact(.started)], of: name, run: next, attempt: job.attempt, in: db)
      return .acquired(lease, job)
    }
  }

  /// The generations of a job's checkpoint, newest first.
  public func jobCheckpoints(of name: String) async throws -> [StoredJobCheckpoint] {
    try await readingJobs { try JobCheckpointTable.select(name, in: $0) } ?? []
  }

  /// Creates the table, or checks that it fits and adds columns if it is told to.
  public func prepareRecordTable(
    _ table: RecordTable, named name: String, evolution: FieldEvolution
  ) async throws -> [String] {
    let preparation = RecordTablePreparation(
      table: table, name: try tableName(name), evolution: evolution)
    return try await file.transaction { [file] db in try preparation.run(file.shapes, in: db) }
  }

  /// Whether a table is there, and has rows.
  public func standing(ofTable name: String) async throws -> TableStanding {
    let name = try tableName(name)
    return try await file.read { db in
      let isThere = try Bool.fetchOne(
        db,
        sql: """
          SELECT EXISTS (SELECT 1 FROM main.sqlite_master
            WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE)
          """, arguments: [name.name])
      guard isThere == true else { return .absent }
      let hasRows = try Bool.fetchOne(
        db, sql: "SELECT EXISTS (SELECT 1 FROM main.\(name.quoted))")
      return hasRows == true ? .filled : .empty
    } ?? .absent
  }

  /// Prepares values for binding, without the database's lock.
  public func stage(_ work: JobWork) async throws -> any StagedJobWork {
    try await StagedSQLiteJobWork.stage(work, file: file, faults: faults)
  }

  /// Records facts of a job. Not fenced.
  public func record(_ facts: [JobFact], of name: String) async throws {
    guard !facts.isEmpty else { return }
    try await file.transaction { db in
      let job = try JobTable.known(name, in: db)
      try JobHistoryTable.insert(facts, of: name, run: job.run, attempt: job.attempt, in: db)
    }
  }

  /// Ends an attempt.
  public func endJob(_ end: JobEnd, under lease: Lease) async throws {
    let faults = faults
    try await file.transaction { db in
      // The answer to an earlier try may have been lost.
      if try LeaseTable.isReleased(lease, in: db),
        try !JobTable.isAttemptOpen(JobTable.job(of: lease.syncID, in: db).job.name, in: db)
      {
        return
      }
      try LeaseTable.check(lease, in: db)
      let job = try JobTable.job(of: lease.syncID, in: db)
      let name = job.job.name
      try end.check(against: job)
      try JobTable.endAttempt(end, of: name, in: db)
      try JobHistoryTable.insert(
        end.facts, of: name, run: lease.syncID, attempt: job.attempt, in: db)
      try JobHistoryTable.prune(name, in: db)
      try LeaseTable.release(lease, in: db)
      faults.reach(.jobEnding)
    }
    faults.reach(.jobEnded)
  }

  /// Pauses a job, lets it go on, or makes it begin anew; refused while anybody works on it.
  public func change(_ change: JobChange, of name: String) async throws -> JobSchedule {
    try await file.transaction { db in
      let job = try JobTable.known(name, in: db)
      if let run = job.run {
        if let holder = try LeaseTable.living(run, in: db) { throw SinkError.fenced(holder) }
        // Whoever was stopped long ago shall not go on.
        try LeaseTable.end(run, by: .current(), in: db)
      }
      if change == .reset {
        if try JobTable.isAttemptOpen(name, in: db) {
          try JobHistoryTable.insert(
            [JobFact(.crashed)], of: name, run: job.run, attempt: job.attempt, in: db)
        }
        try JobCheckpointTable.moveAside(name, in: db)
      }
      try JobTable.change(change, of: name, in: db)
      try JobHistoryTable.insert(
        [JobFact(.changed, detail: change.detail)], of: name, run: job.run, attempt: job.attempt,
        in: db)
      return try JobTable.known(name, in: db)
    }
  }

  /// What happened to jobs, latest first; nothing while there is no database file.
  public func jobHistory(_ filter: JobHistoryFilter) async throws -> [JobFact] {
    try await readingJobs { try JobHistoryTable.select(filter, in: $0) } ?? []
  }

  /// How the rows of a table stand, counted on a connection of its own.
  public func keyCheck(of table: RecordTable, named name: String) async throws -> KeyCheck {
    let name = try tableName(name)
    return try await file.readAside { db in
      _ = try ShapeCache().current(name, in: db)
      return try table.keyCheck(of: name, in: db)
    }
  }

  /// Reads the tables of jobs; nil where an older version of the state has none.
  private func readingJobs<Value: Sendable>(
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws -> Value? {
    let path = path
    return try await reading { db -> Value? in
      guard try StateSchema.versionFound(db, path: path) >= StateSchema.firstWithJobs else {
        return nil
      }
      return try body(db)
    } ?? nil
  }
}

extension RecordTable {
  /// Counts the rows, and the keys that are there several times or are null.
  fileprivate func keyCheck(of name: TableName, in db: Database) throws -> KeyCheck {
    let list = key.map(\.quotedIdentifier).joined(separator: ", ")
    let areNull = key.map { "\($0.quotedIdentifier) IS NULL" }.joined(separator: " OR ")
    let rows = try Int.fetchOne(db, sql: "SELECT count(*) FROM main.\(name.quoted)") ?? 0
    let duplicates = try Int.fetchOne(
      db,
      sql: """
        SELECT count(*) FROM (
          SELECT 1 FROM main.\(name.quoted) GROUP BY \(list) HAVING count(*) > 1 OR \(areNull))
        """)
    return KeyCheck(rows: rows, duplicates: duplicates ?? 0)
  }
}
