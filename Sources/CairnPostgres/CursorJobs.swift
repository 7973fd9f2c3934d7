public import Cairn

extension PostgresSink: CursorJobSink {
  /// The jobs, by name; none while there are no state tables.
  public func jobs(named names: [String]) async throws -> [JobSchedule] {
    try await readingJobs { [server] in try server.jobs.select(names, on: $0) } ?? []
  }

  /// Enters a job, or changes what it says of itself.
  public func registerJob(_ job: NewJob) async throws -> JobSchedule {
    // Most often it says the same as before: then no page that is being committed is waited for.
    let known = try await readingJobs { [server] in
      try server.jobs.schedule(of: job.name, on: $0)
    }
    if let known = known ?? nil, job.isSame(as: known.job) { return known }
    return try await server.transaction(on: lock(ofJob: job.name)) { [server] connection in
      try server.jobs.register(job, on: connection)
      return try server.jobs.known(job.name, on: connection)
    }
  }

  /// Takes a job's lease for an attempt, decided under the job's lock, under which its pages are
  /// committed too. A backend that holds it for an owner whose time is over, or who is overtaken, is
  /// ended.
  public func acquireJob(_ request: JobLeaseRequest) async throws -> JobLeaseOutcome {
    let name = request.job
    // Whoever is refused need not wait for a page that is being committed.
    let early = try await readingJobs { [server] connection in
      let found = try server.jobs.schedule(of: name, on: connection)
      return (run: found?.run, answer: try server.answer(to: request, found, on: connection))
    }
    guard let early else { return .unknown }
    if let answer = early.answer { return answer }
    return try await server.transaction(
      on: lock(ofJob: name), mayEnd: request.takeOver ? early.run : nil
    ) { [server] connection in
      let found = try server.jobs.schedule(of: name, on: connection)
      if let answer = try server.answer(to: request, found, on: connection) { return answer }
      guard let found else { return .unknown }
      guard
        request.witness
          == JobWitness(
            found, standing: try server.jobCheckpoints.newest(name, on: connection))
      else {
        if let run = found.run {
          try server.leases.end(run, by: request.owner, on: connection)
        }
        return .changed
      }
      guard let next = request.run ?? found.run else {
        throw SinkError.fatal("job '\(name)' has no run to go on with", remedy: "")
      }
      let isNew = next != found.run
      if isNew {
        if let former = found.run {
          try server.leases.end(former, by: request.owner, on: connection)
        }
        try server.leases.prune(on: connection)
      }
      let lease = try server.leases.acquire(
        next, owner: request.owner, duration: request.duration, token: request.token,
        on: connection)
      if try server.jobs.isAttemptOpen(name, on: connection) {
        try server.jobHistory.insert(
          [JobFact(.crashed)], of: name, run: found.run, attempt: found.attempt, on: connection)
      }
      try server.jobs.beginAttempt(of: name, run: next, isNew: isNew, on: connection)
      let job = try server.jobs.known(name, on: connection)
      try server.jobHistory.insert(
        [JobFact(.started)], of: name, run: next, attempt: job.attempt, on: connection)
      return .acquired(lease, job)
    }
  }

  /// The generations of a job's checkpoint, newest first.
  public func jobCheckpoints(of name: String) async throws -> [StoredJobCheckpoint] {
    try await readingJobs { [server] in try server.jobCheckpoints.select(name, on: $0) } ?? []
  }

  /// Creates the table, or checks that it fits and adds columns if it is told to.
  public func prepareRecordTable(
    _ table: RecordTable, named name: String, evolution: FieldEvolution
  ) async throws -> [String] {
    let preparation: @Sendable (Connection) throws -> RecordTablePreparation = { connection in
      RecordTablePreparation(
        table: table, name: try QualifiedName.resolve(name, on: connection), evolution: evolution)
    }
    // Where nothing is to be changed, no page that is being committed is waited for.
    let found = try await server.work.perform { [server] connection -> [String]? in
      let preparation = try preparation(connection)
      guard try !preparation.changesTable(server.shapes, on: connection) else { return nil }
      return try preparation.run(server.shapes, on: connection)
    }
    if let found { return found }
    return try await server.transaction(
      on: { try QualifiedName.resolve(name, on: $0).identity }
    ) { [server] connection in
      try preparation(connection).run(server.shapes, on: connection)
    }
  }

  /// Whether a table is there, and has rows.
  public func standing(ofTable name: String) async throws -> TableStanding {
    try await server.work.perform { connection in
      let name = try QualifiedName.resolve(name, on: connection)
      let found = try connection.query(
        "SELECT WHERE to_regclass($1) IS NOT NULL", [.text(name.sql)])
      guard found.rowCount == 1 else { return .absent }
      let row = try connection.query("SELECT FROM \(name.sql) LIMIT 1", [])
      return row.rowCount == 1 ? .filled : .empty
    }
  }

  /// Encodes rows, without any lock.
  public func stage(_ work: JobWork) async throws -> any StagedJobWork {
    try await StagedPostgresJobWork.stage(work, server: server)
  }

  /// Records facts of a job. Not fenced.
  public func record(_ facts: [JobFact], of name: String) async throws {
    guard !facts.isEmpty else { return }
    // Not under the job's lock: no page that is being committed is waited for.
    try await server.aside.perform { [server] connection in
      try connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
      let job = try server.jobs.known(name, on: connection)
      try server.jobHistory.insert(
        facts, of: name, run: job.run, attempt: job.attempt, on: connection)
      try connection.commitDurably()
    }
  }

  /// Ends an attempt; durable whatever the server's `synchronous_commit` is, and with it all of the
  /// job's pages.
  public func endJob(_ end: JobEnd, under lease: Lease) async throws {
    let identity: @Sendable (Connection) throws -> String = { [server] in
      try server.jobs.identity(of: lease.syncID, on: $0)
    }
    try await server.transaction(on: identity, lease: lease) { [server] connection in
      // The answer to an earlier try may have been lost.
      if try server.leases.isReleased(lease, on: connection),
        let name = try server.jobs.name(of: lease.syncID, on: connection),
        try !server.jobs.isAttemptOpen(name, on: connection)
      {
        return
      }
      try server.leases.check(lease, on: connection)
      let job = try server.jobs.job(of: lease.syncID, on: connection)
      let name = job.job.name
      try end.check(against: job)
      try server.jobs.endAttempt(end, of: name, on: connection)
      try server.jobHistory.insert(
        end.facts, of: name, run: lease.syncID, attempt: job.attempt, on: connection)
      try server.jobHistory.prune(name, on: connection)
      try server.leases.release(lease, on: connection)
      server.faults.reach(.jobEnding)
    }
    server.faults.reach(.jobEnded)
  }

  /// Pauses a job, lets it go on, or makes it begin anew; refused while anybody works on it.
  public func change(_ change: JobChange, of name: String) async throws -> JobSchedule {
    // Whoever is refused need not wait for a page that is being committed.
    let found = try await readingJobs { [server] in try server.jobs.schedule(of: name, on: $0) }
    if let holder = (found ?? nil)?.holder { throw SinkError.fenced(holder) }
    return try await server.transaction(on: lock(ofJob: name)) { [server] connection in
      let job = try server.jobs.known(name, on: connection)
      if let holder = job.holder { throw SinkError.fenced(holder) }
      // Whoever was stopped long ago shall not go on.
      if let run = job.run { try server.leases.end(run, by: .current(), on: connection) }
      if change == .reset {
        if try server.jobs.isAttemptOpen(name, on: connection) {
          try server.jobHistory.insert(
            [JobFact(.crashed)], of: name, run: job.run, attempt: job.attempt, on: connection)
        }
        try server.jobCheckpoints.moveAside(name, on: connection)
      }
      try server.jobs.change(change, of: name, on: connection)
      try server.jobHistory.insert(
        [JobFact(.changed, detail: change.detail)], of: name, run: job.run, attempt: job.attempt,
        on: connection)
      return try server.jobs.known(name, on: connection)
    }
  }

  /// What happened to jobs, latest first; nothing while there are no state tables.
  public func jobHistory(_ filter: JobHistoryFilter) async throws -> [JobFact] {
    try await readingJobs { [server] in try server.jobHistory.select(filter, on: $0) } ?? []
  }

  /// How the rows of a table stand. Leases are renewed on the other connection meanwhile.
  public func keyCheck(of table: RecordTable, named name: String) async throws -> KeyCheck {
    try await server.work.perform { [server] connection in
      let name = try QualifiedName.resolve(name, on: connection)
      _ = try server.shapes.read(name, on: connection)
      return try table.keyCheck(of: name, on: connection)
    }
  }

  /// What is locked while it is decided who works on a job.
  private func lock(ofJob name: String) -> @Sendable (Connection) throws -> String {
    { [server] _ in server.jobs.identity(of: name) }
  }

  /// Reads the tables of jobs; nil where an older version of the state has none.
  private func readingJobs<Value: Sendable>(
    _ body: @escaping @Sendable (Connection) throws -> Value
  ) async throws -> Value? {
    try await reading { [server] connection -> Value? in
      guard try server.state.versionFound(on: connection) >= StateSchema.firstWithJobs else {
        return nil
      }
      return try body(connection)
    } ?? nil
  }
}

extension Server {
  /// The answer to a request for a job's lease, where it is not to be had or is the caller's already,
  /// since an earlier answer was lost; nil otherwise.
  fileprivate func answer(
    to request: JobLeaseRequest, _ job: JobSchedule?, on connection: Connection
  ) throws -> JobLeaseOutcome? {
    if let run = job?.run,
      let own = try leases.lease(of: run, token: request.token, on: connection)
    {
      try leases.renew(own, duration: request.duration, on: connection)
      return .acquired(own, try jobs.known(request.job, on: connection))
    }
    return request.refusal(by: job)
  }
}

extension RecordTable {
  /// Counts the rows, and the keys that are there several times or are null.
  fileprivate func keyCheck(
    of name: QualifiedName, on connection: Connection
  ) throws -> KeyCheck {
    let list = key.map(\.quotedIdentifier).joined(separator: ", ")
    let areNull = key.map { "\($0.quotedIdentifier) IS NULL" }.joined(separator: " OR ")
    let found = try connection.query(
      """
      SELECT (SELECT count(*) FROM \(name.sql)), (
        SELECT count(*) FROM (
          SELECT FROM \(name.sql) GROUP BY \(list) HAVING count(*) > 1 OR \(areNull)) d)
      """)
    return KeyCheck(rows: Int(found.integer(0, 0) ?? 0), duplicates: Int(found.integer(0, 1) ?? 0))
  }
}
