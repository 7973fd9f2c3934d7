import Cairn

/// `job_schedules`: a row per cursor job.
struct JobTable {
  let state: StateSchema

  /// The table and those of ``JobCheckpointTable`` and ``JobHistoryTable``.
  var creation: String {
    """
    CREATE TABLE \(state.jobs) (
      job_name text PRIMARY KEY,
      job_type text NOT NULL,
      scope_digest text NOT NULL,
      job_file text,
      interval_seconds double precision,
      status text NOT NULL,
      checkpoint_data jsonb,
      last_checkpoint_at timestamptz,
      generation bigint NOT NULL DEFAULT 0,
      retry_count integer NOT NULL DEFAULT 0,
      error_message text,
      sync_id text UNIQUE,
      attempt integer NOT NULL DEFAULT 0,
      attempt_started_at timestamptz,
      attempt_open boolean NOT NULL DEFAULT false,
      ended_at timestamptz,
      next_run_at timestamptz,
      paused_status text,
      created_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE \(state.jobCheckpoints) (
      job_name text NOT NULL,
      generation bigint NOT NULL,
      sync_id text NOT NULL,
      data text NOT NULL,
      digest text NOT NULL,
      committed_at timestamptz NOT NULL,
      is_aside boolean NOT NULL DEFAULT false,
      PRIMARY KEY (job_name, generation)
    );
    CREATE TABLE \(state.jobHistory) (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      job_name text NOT NULL,
      sync_id text,
      attempt integer NOT NULL,
      at timestamptz NOT NULL,
      kind text NOT NULL,
      detail text,
      amount bigint,
      seconds double precision
    );
    CREATE INDEX job_history_job ON \(state.jobHistory) (job_name, at);
    """
  }

  /// The jobs of those names, or all, by name.
  func select(_ names: [String], on connection: Connection) throws -> [JobSchedule] {
    let condition =
      names.isEmpty
      ? "true" : "j.job_name IN (\(names.indices.map { "$\($0 + 1)" }.joined(separator: ", ")))"
    return try connection.query(
      """
      SELECT j.job_name, j.job_type, j.scope_digest, j.job_file, j.interval_seconds, j.status,
        j.generation, j.retry_count, j.error_message, j.sync_id, j.attempt,
        \(SinkClock.text("j.last_checkpoint_at")) AS marked,
        \(SinkClock.text("j.next_run_at")) AS next_run,
        j.status <> 'PAUSED' AND j.next_run_at <= \(SinkClock.now) AS is_due,
        \(SinkClock.seconds(from: "j.ended_at", to: SinkClock.now)) AS since_end,
        \(LeaseTable.columns("l"))
      FROM \(state.jobs) j LEFT JOIN \(state.leases) l ON l.sync_id = j.sync_id
      WHERE \(condition) ORDER BY j.job_name COLLATE "C"
      """, names.map { .text($0) }
    ).namedRows.map(schedule)
  }

  /// The job of that name, or nil.
  func schedule(of name: String, on connection: Connection) throws -> JobSchedule? {
    try select([name], on: connection).first
  }

  /// The job of that name.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when there is none.
  func known(_ name: String, on connection: Connection) throws -> JobSchedule {
    guard let schedule = try schedule(of: name, on: connection) else {
      throw SinkError.fatal("the database knows no job '\(name)'", remedy: "")
    }
    return schedule
  }

  /// The name of the job that is at a run, or nil.
  func name(of syncID: SyncID, on connection: Connection) throws -> String? {
    let found = try connection.query(
      "SELECT job_name FROM \(state.jobs) WHERE sync_id = $1", [.text(syncID.description)])
    return found.rowCount == 1 ? found.text(0, 0) : nil
  }

  /// What is locked while it is decided who works on a job, and while a page of it is committed. Jobs
  /// of other state schemas are others.
  func identity(of name: String) -> String { "job \(name) of schema \(state.name)" }

  /// The same by a run. Where no job is at the run any more, whoever works for it is fenced.
  func identity(of syncID: SyncID, on connection: Connection) throws -> String {
    identity(of: try name(of: syncID, on: connection) ?? syncID.description)
  }

  /// The job that is at a run.
  ///
  /// - Throws: ``SinkError/fatal(_:remedy:)`` when there is none.
  func job(of syncID: SyncID, on connection: Connection) throws -> JobSchedule {
    guard let name = try name(of: syncID, on: connection) else {
      throw SinkError.fatal("no job is at run \(syncID) any more", remedy: "")
    }
    return try known(name, on: connection)
  }

  /// Enters a job, or changes what it says of itself.
  func register(_ job: NewJob, on connection: Connection) throws {
    try connection.query(
      """
      INSERT INTO \(state.jobs) AS j (
        job_name, job_type, scope_digest, job_file, interval_seconds, status, next_run_at,
        created_at)
      VALUES ($1, $2, $3, $4, $5::double precision, 'PENDING',
        CASE WHEN $5::double precision IS NOT NULL THEN \(SinkClock.now) END, \(SinkClock.now))
      ON CONFLICT (job_name) DO UPDATE SET job_type = excluded.job_type,
        scope_digest = excluded.scope_digest, job_file = excluded.job_file,
        interval_seconds = excluded.interval_seconds,
        next_run_at = CASE
          WHEN j.interval_seconds IS NOT DISTINCT FROM excluded.interval_seconds
            THEN j.next_run_at
          WHEN j.ended_at IS NULL AND j.attempt = 0 THEN excluded.next_run_at
          WHEN coalesce(j.paused_status, j.status) <> 'FINISHED' THEN j.next_run_at
          ELSE j.ended_at + make_interval(secs => excluded.interval_seconds) END
      """,
      [
        .text(job.name), .text(job.type), .text(job.scopeDigest), .text(job.file),
        .text(job.interval.map { "\($0.inSeconds)" }),
      ])
  }

  /// Begins an attempt: at a run that begins, or again at the one that is unfinished. An attempt that
  /// is killed is due again at once.
  func beginAttempt(
    of name: String, run: SyncID, isNew: Bool, on connection: Connection
  ) throws {
    try connection.query(
      """
      UPDATE \(state.jobs)
      SET status = 'RUNNING', sync_id = $2,
        attempt = CASE WHEN $3::boolean THEN 1 ELSE attempt + 1 END,
        attempt_started_at = \(SinkClock.now), attempt_open = true, next_run_at = \(SinkClock.now)
      WHERE job_name = $1
      """, [.text(name), .text(run.description), .text(isNew ? "t" : "f")])
  }

  /// Notes a checkpoint, if the lease counts and the checkpoint is the one that follows the newest.
  ///
  /// The job's lock is held: nobody takes the job over until the transaction ends, and the lease is
  /// renewed meanwhile.
  ///
  /// - Returns: The job and its attempt, or nil when it is not so.
  func note(
    _ checkpoint: NewJobCheckpoint, under lease: Lease, on connection: Connection
  ) throws -> (name: String, attempt: Int)? {
    let found = try connection.query(
      """
      UPDATE \(state.jobs) j
      SET generation = $4::bigint, checkpoint_data = $5::jsonb,
        last_checkpoint_at = \(SinkClock.now)
      FROM \(state.leases) l
      WHERE l.sync_id = $1::text AND l.fence = $2::bigint AND l.token = $3::text
        AND l.token <> '' AND j.sync_id = $1::text AND j.generation = $4::bigint - 1
      RETURNING j.job_name, j.attempt
      """,
      [
        .text(lease.syncID.description), .integer(lease.fence), .text(lease.token),
        .integer(checkpoint.generation), .text(Self.shown(checkpoint.data)),
      ])
    guard let row = found.named() else { return nil }
    return (try row.required("job_name"), Int(try row.requiredInteger("attempt")))
  }

  /// A checkpoint as `jsonb` holds it for people to see: there is no zero byte in PostgreSQL's text.
  private static func shown(_ data: String) -> String? { data.contains("\\u0000") ? nil : data }

  /// Ends an attempt.
  func endAttempt(_ end: JobEnd, of name: String, on connection: Connection) throws {
    try connection.query(
      """
      UPDATE \(state.jobs)
      SET status = $2::text, error_message = $3, attempt_open = false, ended_at = \(SinkClock.now),
        retry_count = CASE $2::text WHEN 'FINISHED' THEN 0 WHEN 'FAILED' THEN retry_count + 1
          ELSE retry_count END,
        next_run_at = CASE
          WHEN $4::double precision IS NOT NULL THEN \(SinkClock.later(by: "$4"))
          WHEN $2::text <> 'FINISHED' THEN \(SinkClock.now)
          WHEN interval_seconds IS NOT NULL THEN \(SinkClock.later(by: "interval_seconds")) END
      WHERE job_name = $1
      """,
      [
        .text(name), .text(end.status.rawValue), .text(end.error),
        .text(end.nextRunIn.map { "\($0.inSeconds)" }),
      ])
  }

  /// Pauses a job, lets it go on, or makes it begin anew.
  func change(_ change: JobChange, of name: String, on connection: Connection) throws {
    let assignments =
      switch change {
      case .pause: "paused_status = coalesce(paused_status, status), status = 'PAUSED'"
      case .unpause: "status = coalesce(paused_status, status), paused_status = NULL"
      case .reset:
        """
        status = CASE WHEN paused_status IS NULL THEN 'PENDING' ELSE status END,
        paused_status = CASE WHEN paused_status IS NOT NULL THEN 'PENDING' END,
        checkpoint_data = NULL, retry_count = 0, error_message = NULL, attempt_open = false,
        next_run_at = CASE WHEN interval_seconds IS NOT NULL THEN \(SinkClock.now) END
        """
      }
    try connection.query(
      "UPDATE \(state.jobs) SET \(assignments) WHERE job_name = $1", [.text(name)])
  }

  /// Whether the job's last attempt has not said how it ended.
  func isAttemptOpen(_ name: String, on connection: Connection) throws -> Bool {
    try connection.query(
      "SELECT FROM \(state.jobs) WHERE job_name = $1 AND attempt_open", [.text(name)]
    ).rowCount == 1
  }

  private func schedule(_ row: NamedRow) throws -> JobSchedule {
    let name = try row.required("job_name")
    let statusText = try row.required("status")
    guard let status = JobStatus(rawValue: statusText) else {
      throw SinkError.fatal(
        "job '\(name)' has the unknown status '\(statusText)' in job_schedules", remedy: "")
    }
    let runText = try row.text("sync_id")
    if let runText, SyncID(runText) == nil {
      throw SinkError.fatal("'\(runText)' in job_schedules is not a sync id", remedy: "")
    }
    var holder: LeaseHolder?
    if try row.isTrue("lease_is_held") {
      let found = try LeaseTable.holder(row)
      if found.owner.isAliveOnThisHost { holder = found }
    }
    return JobSchedule(
      job: NewJob(
        name: name, type: try row.required("job_type"),
        scopeDigest: try row.required("scope_digest"),
        interval: try row.real("interval_seconds").map { .seconds($0) },
        file: try row.text("job_file")),
      status: status, run: runText.flatMap(SyncID.init),
      attempt: Int(try row.requiredInteger("attempt")),
      generation: Int(try row.requiredInteger("generation")),
      lastCheckpointAt: try row.text("marked"),
      retryCount: Int(try row.requiredInteger("retry_count")),
      error: try row.text("error_message"), nextRunAt: try row.text("next_run"),
      isDue: try row.isTrue("is_due"), sinceEnd: try row.real("since_end").map { .seconds($0) },
      holder: holder)
  }
}
