public import Cairn

extension PostgresSink: CursorJobSink {
  /// The jobs, by name; none while there are no state tables.
  public func jobs(named names: [String]) async throws -> [JobSchedule] {
    try await readingJobs { [server] in try server.jobs.select(names, on: $0) } ?? []
  }

  /// Enters a job, or changes what it says of itself.
  public func registerJob(_ job: NewJob) async throws -> JobSchedule {
    try await server.transaction(on: Self.lock(ofJob: job.name)) { [server] connection in
      try server.jobs.register(job, on: connection)
      return try server.jobs.known(job.name, on: connection)
    }
  }

  /// Takes a job's lease for an attempt, decided under a lock of the job. A backend that still works
  /// for the job's former owner is ended first.
  public func acquireJob(
    _ name: String, run: SyncID?, owner: LeaseOwner, duration: Duration, takeOver: Bool
  ) async throws -> JobLeaseOutcome {
    try await server.transaction(on: Self.lock(ofJob: name)) { [server] connection in
      guard let found = try server.jobs.schedule(of: name, on: connection) else { return .unknown }
      guard found.status != .paused else { return .paused }
      guard let next = run ?? found.run else {
        throw SinkError.fatal("job '\(name)' has no run to go on with", remedy: "")
      }
      if let current = found.run, let holder = try server.leases.living(current, on: connection) {
        // Its own, under the id that it made: the answer to an earlier try was lost.
        let isAskedAgain = run == current && holder.owner == owner
        guard takeOver || isAskedAgain else { return .held(holder) }
        if isAskedAgain {
          let lease = try server.leases.acquire(
            current, owner: owner, duration: duration, on: connection)
          return .acquired(lease, try server.jobs.known(name, on: connection))
        }
      }
      let isNew = next != found.run
      if let former = found.run {
        try server.endWorkers(of: former, on: connection)
        // Waits for a page of the former owner that is being committed.
        if isNew { try server.leases.end(former, by: owner, on: connection) }
      }
      if isNew { try server.leases.prune(on: connection) }
      let lease = try server.leases.acquire(next, owner: owner, duration: duration, on: connection)
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
    try await server.transaction(on: { try QualifiedName.resolve(name, on: $0).identity }) {
      [server] connection in
      try RecordTablePreparation(
        table: table, name: try QualifiedName.resolve(name, on: connection), evolution: evolution
      ).run(server.shapes, on: connection)
    }
  }

  /// Encodes rows, without any lock.
  public func stage(_ work: JobWork) async throws -> any StagedJobWork {
    try await StagedPostgresJobWork.stage(work, server: server)
  }

  /// Records facts of a job. Not fenced.
  public func record(_ facts: [JobFact], of name: String) async throws {
    guard !facts.isEmpty else { return }
    try await server.transaction(on: Self.lock(ofJob: name)) { [server] connection in
      let job = try server.jobs.known(name, on: connection)
      try server.jobHistory.insert(
        facts, of: name, run: job.run, attempt: job.attempt, on: connection)
    }
  }

  /// Ends an attempt; durable whatever the server's `synchronous_commit` is, and with it all of the
  /// job's pages.
  public func endJob(_ end: JobEnd, under lease: Lease) async throws {
    let name: @Sendable (Connection) throws -> String = { [server] connection in
      let name = try server.jobs.name(of: lease.syncID, on: connection)
      return Self.identity(ofJob: name ?? lease.syncID.description)
    }
    try await server.transaction(on: name, lease: lease) { [server] connection in
      // The answer to an earlier try may have been lost.
      if try server.leases.isReleased(lease, on: connection),
        let name = try server.jobs.name(of: lease.syncID, on: connection),
        try !server.jobs.isAttemptOpen(name, on: connection)
      {
        return
      }
      try server.holdLease(lease, on: connection)
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
    try await server.transaction(on: Self.lock(ofJob: name)) { [server] connection in
      let job = try server.jobs.known(name, on: connection)
      if let run = job.run {
        if let holder = try server.leases.living(run, on: connection) {
          throw SinkError.fenced(holder)
        }
        // Whoever was stopped long ago shall not go on.
        try server.endWorkers(of: run, on: connection)
        try server.leases.end(run, by: .current(), on: connection)
      }
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

  /// How the rows of a table stand.
  public func keyCheck(of table: RecordTable, named name: String) async throws -> KeyCheck {
    try await server.aside.perform { [server] connection in
      let name = try QualifiedName.resolve(name, on: connection)
      _ = try server.shapes.read(name, on: connection)
      return try table.keyCheck(of: name, on: connection)
    }
  }

  private static func identity(ofJob name: String) -> String { "job \(name)" }

  /// What is locked while it is decided who works on a job.
  private static func lock(ofJob name: String) -> @Sendable (Connection) throws -> String {
    { _ in identity(ofJob: name) }
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
